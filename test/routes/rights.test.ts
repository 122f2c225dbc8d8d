import t, { type Test } from 'tap'
import Fastify from 'fastify'
import app, { serverOptions } from '../../app.js'
import { csv, PNG, type LogLine } from '../support/app.js'
import { isAllowed, documentedPolicy, type Policy } from '../support/policy.js'
import { startS3Endpoint, type S3Endpoint } from '../support/s3-endpoint.js'

const [OUTPUT, SNAPSHOT, STATE] = ['processed_data/output.csv', 'processed_data/output.snapshot.arrow', 'processed_data/output.state.json'] as const
const [WARN, ERROR] = [40, 50]

/** An endpoint with one record in the bucket `datalake`, and a function that starts the app on it. */
async function setUp (t: Test, policy: Policy) {
  const endpoint = await startS3Endpoint({ policy })
  const bucket = endpoint.bucket('datalake')
  bucket.put('source_data/1.csv', csv('Ann'))
  bucket.put('source_data/1.png', PNG)
  const log: LogLine[] = []
  t.teardown(() => endpoint.stop())
  return { endpoint, bucket, log, open: (settings: Readonly<Record<string, string>> = {}) => open(t, endpoint, settings, log) }
}

async function open (t: Test, endpoint: S3Endpoint, settings: Readonly<Record<string, string>>, log: LogLine[]) {
  const fastify = Fastify({ ...serverOptions, logger: { level: 'trace', stream: { write: (line: string) => { log.push(JSON.parse(line)) } } } })
  t.teardown(() => fastify.close())
  await fastify.register(app, { settings: { LAKE_URL: 's3://datalake', AWS_ENDPOINT_URL_S3: endpoint.url, REFRESH_WAIT: '30s', LOG_REQUESTS: 'false', ...settings } })
  return fastify
}

const atLevel = (log: readonly LogLine[], level: number) => log.filter((line) => line.level >= level).map(({ msg, warning }) => warning ?? msg)

t.test('the documented policy allows what the service needs, and no more', async (t) => {
  const policy = documentedPolicy('lake')
  t.ok(isAllowed(policy, 's3:ListBucket', 'lake', 'source_data/'))
  t.ok(isAllowed(policy, 's3:PutObject', 'lake/processed_data/output.csv'))
  for (const prefix of [undefined, '', 'source', 'processed_data/']) t.notOk(isAllowed(policy, 's3:ListBucket', 'lake', prefix))
  for (const action of ['s3:PutObject', 's3:DeleteObject']) t.notOk(isAllowed(policy, action, 'lake/source_data/1.csv'))
  t.notOk(isAllowed(policy, 's3:GetObject', 'lake/other'))
})

t.test('with the documented policy, the service serves, publishes and starts again from the snapshot, without a warning', async (t) => {
  const { endpoint, bucket, log, open } = await setUp(t, documentedPolicy('datalake'))
  const first = await open()
  t.match((await first.inject({ method: 'POST', url: '/data?dry_run=true' })).json(), { state: 'succeeded', result: { added: 1, skipped: true } })
  t.match((await first.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { added: 1, skipped: false } })
  t.match((await first.inject('/data')).json(), [{ first_name: 'Ann', img_path: 'source_data/1.png' }])
  t.equal((await first.inject('/data/1/image')).statusCode, 200)
  bucket.put('source_data/2.csv', csv('Bea'))
  t.match((await first.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { added: 1, changed: 0, skipped: false } })
  await first.close()
  t.match(bucket.keys(), [OUTPUT, SNAPSHOT, STATE, /source_data/, /source_data/, /source_data/])

  endpoint.reset()
  const second = await open()
  t.equal((await second.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })).json().length, 2)
  t.notOk(endpoint.gets.some((key) => key.startsWith('source_data/')), 'no info file was downloaded')
  await second.close()
  t.same(atLevel(log, WARN), [])
})

t.test('several replicas that start with these rights on a lake without output, snapshot and state object agree', async (t) => {
  const { bucket, log, open } = await setUp(t, documentedPolicy('datalake'))
  const replicas = await Promise.all([open(), open(), open()])
  const jobs = await Promise.all(replicas.map(async (replica) => (await replica.inject({ method: 'POST', url: '/data' })).json()))
  t.same(jobs.map(({ state }) => state), ['succeeded', 'succeeded', 'succeeded'])
  t.match(String(bucket.get(OUTPUT)?.body), 'Ann')
  for (const replica of replicas) await replica.close()
  t.same(atLevel(log, WARN), [])
})

t.test('without the right to write the snapshot and the state, the service publishes and warns', async (t) => {
  const { Statement: [list, get] } = documentedPolicy('datalake')
  const own = { Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject'], Resource: `arn:aws:s3:::datalake/${OUTPUT}` } as const
  const { endpoint, bucket, log, open } = await setUp(t, { Version: '', Statement: [list!, get!, own] })
  for (const start of [1, 2]) {
    endpoint.reset()
    const fastify = await open()
    t.match((await fastify.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { skipped: start === 2 } })
    t.ok(endpoint.gets.includes('source_data/1.csv'), 'a cold start')
    await fastify.transformer.flush()
    t.match((await fastify.inject('/readyz')).json().details, [{ code: 'snapshot_not_writable' }])
    await fastify.close()
  }
  t.same(bucket.keys(), [OUTPUT, 'source_data/1.csv', 'source_data/1.png'])
  t.same(atLevel(log, ERROR), [])
  t.match(log.find(({ msg }) => /snapshot/.test(msg) && /not be written/.test(msg)), { level: WARN, error: 'access_denied' })
})

t.test('with PUBLISH=false, the service needs no right to the output, and warns of nothing', async (t) => {
  const { bucket, log, open } = await setUp(t, documentedPolicy('datalake', { without: 'processed_data/' }))
  const fastify = await open({ PUBLISH: 'false' })
  t.match((await fastify.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })).json(), [{ first_name: 'Ann' }])
  await fastify.close()
  t.same(bucket.keys(), ['source_data/1.csv', 'source_data/1.png'])
  t.same(atLevel(log, WARN), [])
})

t.test('an output that exists and may not be read is not replaced', async (t) => {
  const { Statement: [list, get] } = documentedPolicy('datalake')
  const put = { Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::datalake/processed_data/*' } as const
  const { bucket, log, open } = await setUp(t, { Version: '', Statement: [list!, get!, put] })
  bucket.put(OUTPUT, 'of another')
  const fastify = await open({ SHARE_LISTINGS: 'false' })
  t.match((await fastify.inject({ method: 'POST', url: '/data' })).json(), { code: 'access_denied' })
  t.equal(String(bucket.get(OUTPUT)?.body), 'of another')
  t.match(log.find(({ msg }) => /^Job failed/.test(msg)), { cause: `s3://datalake/${OUTPUT}: the object exists, and reading it is refused; allow s3:GetObject` })
})
