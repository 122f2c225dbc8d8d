import type { FastifyBaseLogger } from 'fastify'
import t from 'tap'
import type { Job } from '../../lib/jobs.js'
import { jobLogger } from '../../plugins/job-log.js'
import { build, csv, type LogLine } from '../support/app.js'
import { TestTimers } from '../support/test-timers.js'
import { until } from '../support/until.js'

t.test('PUBLISH=false: the schedule reconciles, and nothing is ever written', async (t) => {
  const timers = new TestTimers()
  const { app, bucket, endpoint } = await build(t, { files: { '1.csv': csv() }, settings: { PUBLISH: 'false', MAX_STALENESS: '1h' }, timers })
  await app.listen({ port: 0 })
  await until(async () => (await app.inject('/readyz')).statusCode === 200)
  bucket.put('source_data/2.csv', csv('Bob'))
  await timers.tick()
  t.equal((await app.inject('/stats')).json().count, 2)
  t.match(await app.inject({ method: 'POST', url: '/data' }), { statusCode: 409 })
  const { statusCode, body } = await app.inject({ method: 'POST', url: '/data', headers: { prefer: 'respond-async' } })
  t.match({ statusCode, body: JSON.parse(body) }, { statusCode: 409, body: { code: 'publishing_disabled', detail: /PUBLISH/ } })
  t.match((await app.inject({ method: 'POST', url: '/data?dry_run=true' })).json(), { state: 'succeeded', result: { records: 2, skipped: true } })
  t.same(app.jobs.list().map(({ trigger, dryRun }) => ({ trigger, dryRun })), [{ trigger: 'api', dryRun: true }], 'the schedule starts no job')
  await app.close()
  t.equal(endpoint.counts.PUT, 0)
  t.same([...bucket.keys()].sort(), ['source_data/1.csv', 'source_data/2.csv'])
})

t.test('a lake that becomes unwritable is logged once, and once more when it can be written to again', async (t) => {
  const log: LogLine[] = []
  const { app, endpoint } = await build(t, { files: { '1.csv': csv() }, log })
  const jobLines = (level: number) => log.filter((line) => line['job'] !== undefined && line.level >= level)
  const post = async () => (await app.inject({ method: 'POST', url: '/data' })).statusCode
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined
  for (let i = 0; i < 3; i++) t.equal(await post(), 503)
  t.match(jobLines(30), [{ level: 40, error: { code: 'access_denied' }, cause: /processed_data\/output\.csv/, msg: /^Job failed/ }])
  t.equal(jobLines(30).length, 1)
  t.notMatch(JSON.stringify(jobLines(0)), 'stack')
  t.equal(jobLines(20).length, 3)
  endpoint.intercept = () => undefined
  for (let i = 0; i < 3; i++) t.equal(await post(), 200)
  t.match(jobLines(30)[1], { level: 30, result: { skipped: false }, msg: 'Job succeeded; jobs no longer fail with access_denied' })
  t.equal(jobLines(30).length, 2, 'a job without changes is logged at level debug only')
  t.equal(jobLines(20).length, 6)
})

t.test('an unexpected error is logged with its stack', async (t) => {
  const log: LogLine[] = []
  const openVersion = () => { throw new TypeError('a bug') }
  const { app } = await build(t, { files: { '1.csv': csv() }, log, openVersion })
  t.equal((await app.inject({ method: 'POST', url: '/data' })).statusCode, 500)
  t.match(log.filter((line) => line['job'] !== undefined), [{ level: 50, error: { code: 'internal_error' }, err: { type: 'TypeError', message: 'a bug', stack: /publish\.test/ } }])
})

t.test('the log has the phases of a job in whole milliseconds', async (t) => {
  const lines: unknown[] = []
  const result = { key: 'o.csv', otherOutputs: [{ key: 'o.parquet' }], warnings: [], skipped: false, records: 1, removed: 0, phases: { listMs: 48.02741500735283, publishMs: 0.4 } }
  const log = { info: (fields: unknown) => lines.push(fields) } as unknown as FastifyBaseLogger
  jobLogger(log)({ id: '1', trigger: 'api', dryRun: false, error: null, result } as unknown as Job)
  t.match(lines, [{ result: { output_key: 'o.csv', other_outputs: [{ output_key: 'o.parquet' }], key: undefined, records: 1, phases: { list_ms: 48, publish_ms: 0 } } }])
})
