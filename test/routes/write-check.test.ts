import t from 'tap'
import { build, csv, TestClock, type LogLine, type TestLake } from '../support/app.js'
import { STATE_KEY } from '../support/replicas.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { TestTimers } from '../support/test-timers.js'
import { until } from '../support/until.js'

const PROBE = 'processed_data/output.probe'
const OUTPUT = 'processed_data/output.csv'

/** Starts a service that listens, on an endpoint with this profile, and waits for its first job. */
async function start (t: Parameters<typeof build>[0], profile: 'aws' | 'unconditional') {
  const clock = new TestClock()
  const endpoint = await startS3Endpoint({ clock: clock.read, profile })
  const bucket = endpoint.bucket('datalake')
  bucket.put('source_data/1.csv', csv())
  const requests: string[] = []
  endpoint.intercept = ({ operation, key }) => {
    requests.push(operation === 'PUT' ? `PUT ${key}` : operation)
    return undefined
  }
  const log: LogLine[] = []
  const lake = await build(t, { beside: { endpoint, bucket, clock } as TestLake, settings: { SHARE_LISTINGS: 'true' }, timers: new TestTimers(), log })
  t.teardown(() => endpoint.stop())
  await lake.app.listen({ port: 0 })
  await until(() => lake.app.jobs.list()[0]?.finishedAt)
  return { ...lake, requests, log: () => log.filter(({ msg }) => /conditions of writes/.test(String(msg))) }
}

t.test('a store that ignores the conditions of writes is reported, and the service goes on as a single writer', async (t) => {
  const { app, bucket, log } = await start(t, 'unconditional')
  t.match(app.jobs.list()[0], { state: 'succeeded', result: { warnings: [{ code: 'conditional_writes_fail' }] } })
  t.ok(bucket.get(OUTPUT), 'the output is published')
  t.match((await app.inject('/readyz')).json(), { status: 'ready', details: [{ code: 'conditional_writes_fail', detail: /PUBLISH=false/ }] })
  await until(() => log().length > 0)
  t.match(log(), [{ level: 40 }])
  const change = async (name: string) => {
    bucket.put(`source_data/${name}.csv`, csv())
    t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { added: 1 } })
  }
  await change('2')
  const state = bucket.get(STATE_KEY)?.etag
  await change('3')
  await app.close()
  t.equal(bucket.get(STATE_KEY)?.etag, state, 'the state object of replicas is not written any more')
  t.equal(log().length, 1)
})

t.test('a store that honours the conditions of writes is checked once, after the first listing and before the first publish', async (t) => {
  const { app, endpoint, requests, log } = await start(t, 'aws')
  t.ok(requests.indexOf('LIST') < requests.indexOf(`PUT ${PROBE}`), 'the lake is listed first, so that the check does not delay the first data')
  t.ok(endpoint.puts.lastIndexOf(PROBE) < endpoint.puts.indexOf(OUTPUT), 'the job has waited for the check')
  t.same((await app.inject('/readyz')).json().details, [])
  endpoint.reset()
  await app.jobs.enqueue('schedule').ended
  t.notOk(endpoint.puts.includes(PROBE))
  t.same(log(), [])
})

t.test('a store that refuses writes is reported at the start, although the output is up to date, until it accepts them', async (t) => {
  const { endpoint, bucket, clock, app: first } = await start(t, 'aws')
  await first.close()
  endpoint.reset()
  const isRefusing = { current: true }
  const probes = () => endpoint.puts.filter((key) => key === PROBE).length
  endpoint.intercept = ({ operation }) => operation === 'PUT' && isRefusing.current ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined
  const log: LogLine[] = []
  const timers = new TestTimers()
  const { app } = await build(t, { beside: { endpoint, bucket, clock } as TestLake, timers, log })
  await app.listen({ port: 0 })
  await until(() => app.jobs.list()[0]?.finishedAt)
  t.match(app.jobs.list()[0], { state: 'succeeded', result: { skipped: true, warnings: [{ code: 'output_not_writable' }] } })
  const warning = { code: 'output_not_writable', detail: /^The lake refuses the write with which the service checks/ }
  t.match((await app.inject('/readyz')).json(), { status: 'ready', details: [warning] })
  const lines = () => log.filter(({ warning }) => warning === 'output_not_writable')
  t.match(lines(), [{ level: 40, cause: /HTTP 403 AccessDenied/ }])
  t.equal(probes(), 1, 'a check whose first write is refused sends no other one')
  t.notOk('cause' in (await app.inject('/readyz')).json().details[0], 'the message of the store is for the log only')
  t.notOk('cause' in (await app.inject('/jobs')).json().jobs[0].result.warnings[0])
  await timers.tick()
  t.equal(probes(), 2, 'once for each job')
  t.equal(lines().length, 1)
  isRefusing.current = false
  await timers.tick()
  t.same((await app.inject('/readyz')).json().details, [])
  t.match(lines().slice(1), [{ level: 30 }])
})
