import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import app, { serverOptions } from '../../app.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { csv, PNG, type LogLine } from '../support/app.js'
import { addLimitedUser, noLimitedUsers as skip } from '../support/limited-user.js'
import { documentedPolicy, type Policy } from '../support/policy.js'
import { createBucket } from '../support/new-bucket.js'

const { S3_TEST_ENDPOINT: endpoint, S3_TEST_STORE: name = 'a real S3 server' } = process.env
const OUTPUT = 'processed_data/output.csv'
const WARN = 40

interface Setup {
  readonly bucket: string
  /** Reads and writes everything. */
  readonly store: S3Store
  readonly log: LogLine[]
  /** Starts the service with the rights of the policy. */
  readonly open: (policy: Policy, settings?: Readonly<Record<string, string>>) => Promise<FastifyInstance>
}

/** A new bucket with one record, and a function that starts the service on it. */
async function setUp (t: Test): Promise<Setup> {
  const { bucket, store } = await createBucket(t)
  await store.put('source_data/1.csv', Buffer.from(csv('Ann')))
  await store.put('source_data/1.png', PNG)
  const log: LogLine[] = []
  const open = async (policy: Policy, settings = {}) => {
    const { accessKeyId, secretAccessKey } = await addLimitedUser(t, bucket, policy)
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey })
    const fastify = Fastify({ ...serverOptions, logger: { level: 'trace', stream: { write: (line: string) => { log.push(JSON.parse(line)) } } } })
    t.teardown(() => fastify.close())
    await fastify.register(app, { settings: { LAKE_URL: `s3://${bucket}`, AWS_ENDPOINT_URL_S3: endpoint!, REFRESH_WAIT: '30s', LOG_REQUESTS: 'false', ...settings } })
    return fastify
  }
  return { bucket, store, log, open }
}

async function keysOf (store: S3Store): Promise<string[]> {
  const keys: string[] = []
  for await (const page of store.list('')) keys.push(...[...page].map(({ key }) => key))
  return keys
}

const warnings = (log: readonly LogLine[]) => log.filter(({ level }) => level >= WARN).map(({ msg, warning, cause }) => [warning ?? msg, cause])

t.test(`rights on ${name}`, { skip, timeout: 120_000 }, async (t) => {
  await t.test('with the documented policy, the service serves, publishes and starts again from the snapshot, without a warning', async (t) => {
    const { bucket, store, log, open } = await setUp(t)
    const policy = documentedPolicy(bucket)
    const first = await open(policy)
    t.match((await first.inject({ method: 'POST', url: '/data?dry_run=true' })).json(), { state: 'succeeded', result: { added: 1 } })
    t.match((await first.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { added: 1, skipped: false } })
    await store.put('source_data/1.csv', Buffer.from(csv('Bea')))
    t.match((await first.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { changed: 1, skipped: false } })
    t.equal((await first.inject('/data/1/image')).statusCode, 200)
    await first.close()
    t.same(await keysOf(store), [OUTPUT, 'processed_data/output.snapshot.arrow', 'processed_data/output.state.json', 'source_data/1.csv', 'source_data/1.png'])

    const second = await open(policy)
    t.match((await second.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })).json(), [{ first_name: 'Bea' }])
    await second.close()
    t.same(warnings(log), [])
  })

  await t.test('without the right to write the snapshot and the state, the service publishes and warns', async (t) => {
    const { bucket, store, log, open } = await setUp(t)
    const { Statement: [list, get] } = documentedPolicy(bucket)
    const own = { Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject'], Resource: `arn:aws:s3:::${bucket}/${OUTPUT}` } as const
    const fastify = await open({ ...documentedPolicy(bucket), Statement: [list!, get!, own] })
    t.match((await fastify.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { added: 1, skipped: false } })
    await fastify.transformer.flush()
    t.match((await fastify.inject('/readyz')).json().details, [{ code: 'snapshot_not_writable' }])
    await fastify.close()
    t.same(await keysOf(store), [OUTPUT, 'source_data/1.csv', 'source_data/1.png'])
    t.notOk(log.some(({ level }) => level > WARN))
  })

  await t.test('with PUBLISH=false, the service needs no right to the output, and warns of nothing', async (t) => {
    const { bucket, store, log, open } = await setUp(t)
    const fastify = await open(documentedPolicy(bucket, { without: 'processed_data/' }), { PUBLISH: 'false' })
    t.match((await fastify.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })).json(), [{ first_name: 'Ann' }])
    await fastify.close()
    t.same(await keysOf(store), ['source_data/1.csv', 'source_data/1.png'])
    t.same(warnings(log), [])
  })

  await t.test('an output that exists and may not be read is not replaced', async (t) => {
    const { bucket, store, log, open } = await setUp(t)
    await store.put(OUTPUT, Buffer.from('of another'))
    const { Statement: [list, get] } = documentedPolicy(bucket)
    const put = { Effect: 'Allow', Action: 's3:PutObject', Resource: `arn:aws:s3:::${bucket}/processed_data/*` } as const
    const fastify = await open({ ...documentedPolicy(bucket), Statement: [list!, get!, put] })
    t.match((await fastify.inject({ method: 'POST', url: '/data' })).json(), { code: 'access_denied' })
    await fastify.close()
    t.equal(String((await store.get(OUTPUT) as { body: Buffer }).body), 'of another')
    t.match(log.find(({ msg }) => /^Job failed/.test(msg)), { cause: /reading it is refused; allow s3:GetObject/ })
  })
})
