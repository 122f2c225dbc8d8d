import t from 'tap'
import { build, csv, type LogLine } from '../support/app.js'
import type { S3Endpoint } from '../support/s3-endpoint.js'
import { TestTimers } from '../support/test-timers.js'
import { gate, until } from '../support/until.js'

const OUTPUT = 'processed_data/output.csv'

/** Delays writes of the output until `open` is called, but not those that check at the start whether the store honours the conditions of writes. */
function delayOutput (endpoint: S3Endpoint): { readonly isWaiting: () => boolean, readonly open: () => void } {
  const { opened, open } = gate()
  let isWaiting = false
  endpoint.intercept = ({ operation, key }) => {
    if (operation !== 'PUT' || key !== OUTPUT) return undefined
    isWaiting = true
    return opened
  }
  return { isWaiting: () => isWaiting, open }
}

t.test('a server publishes when it begins to listen, and at each interval', async (t) => {
  const timers = new TestTimers()
  const { app, bucket } = await build(t, { files: { '1.csv': csv() }, settings: { AGGREGATE_INTERVAL: '7s' }, timers })
  t.equal(app.jobs.list().length, 0)
  await app.listen({ port: 0 })
  await until(() => bucket.get(OUTPUT))
  await app.jobs.idle()
  t.equal(timers.intervalMs, 7000)
  bucket.put('source_data/2.csv', csv('Bob'))
  await timers.tick()
  t.match(bucket.get(OUTPUT)!.body.toString(), '2,Bob')
  t.same(app.jobs.list().map(({ trigger }) => trigger), ['schedule', 'startup'])
})

t.test('the first line of the log names the URLs of the web page and of the documentation, whose host is allowed', async (t) => {
  for (const [names, place, host = '127.0.0.1'] of [['*', /^(http:\/\/localhost:\d+)\/ \1\/docs$/, '0.0.0.0'], ['', /^(http:\/\/127\.0\.0\.1:\d+)\/ \1\/docs$/], ['*', /^http:\/\/127\.0\.0\.1:/], ['127.0.0.1,api.example', /^http:\/\/127\.0\.0\.1:/], ['api.example,10.0.0.1', /^\/ of api\.example \/docs of api\.example$/]] as const) {
    const log: LogLine[] = []
    const { app } = await build(t, { log, settings: { ALLOWED_HOSTS: names } })
    await app.listen({ port: 0, host })
    const [, page, docs] = log.flatMap(({ msg }) => /; its web page is at (.*), and its documentation is at (.*)$/.exec(msg) ?? [])
    t.match(`${page} ${docs}`, place, names)
  }
})

t.test('the default scheduler waits for the interval', async (t) => {
  const { app, bucket } = await build(t, { files: { '1.csv': csv() }, settings: { AGGREGATE_INTERVAL: '1s' } })
  await app.listen({ port: 0 })
  await until(() => app.jobs.list().length > 2)
  t.ok(bucket.get(OUTPUT))
  t.same(app.jobs.list().map(({ trigger }) => trigger).slice(-3), ['schedule', 'schedule', 'startup'])
})

t.test('if the bucket is down at the start, the server reports why, retries at growing intervals, and becomes ready', async (t) => {
  const timers = new TestTimers()
  const { app, endpoint, bucket } = await build(t, { files: { '1.csv': csv() }, settings: { REFRESH_WAIT: '1m' }, timers })
  await endpoint.stop()
  await app.listen({ port: 0 })
  for (const [i, ms] of [250, 500, 1000, 2000, 4000, 4000].entries()) {
    await until(() => timers.pauses.length > i)
    t.equal(timers.pauses[i]!.ms, ms)
    if (i === 0) t.match((await app.inject('/readyz')).json(), { status: 503, detail: /cannot be reached/ })
    t.equal((await app.inject('/livez')).statusCode, 200)
    if (i === 5) await endpoint.start()
    timers.pauses[i]!.end()
  }
  await until(async () => (await app.inject('/readyz')).statusCode === 200)
  await until(() => timers.pauses.length > 6)
  t.equal(bucket.get(OUTPUT), undefined)
  timers.pauses[6]!.end()
  await until(() => bucket.get(OUTPUT))
  t.equal(timers.pauses.length, 7)
  await app.jobs.idle()
  t.match(app.jobs.list(), [{ trigger: 'startup', state: 'succeeded' }, { trigger: 'startup', state: 'failed' }])
})

t.test('a first job that fails although there is data is repeated after growing pauses, until it succeeds or the next pause would reach AGGREGATE_INTERVAL', async (t) => {
  for (const isHealed of [true, false]) {
    const timers = new TestTimers()
    const { app, endpoint, bucket } = await build(t, { files: { '1.csv': csv() }, settings: { AGGREGATE_INTERVAL: '10s' }, timers })
    const refuse = { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
    endpoint.intercept = ({ operation }) => operation === 'PUT' ? refuse : undefined
    await app.listen({ port: 0 })
    for (const [i, ms] of [2000, 4000, 8000].entries()) {
      await until(() => timers.pauses.length > i)
      t.equal(timers.pauses[i]!.ms, ms)
      if (i === 2 && isHealed) endpoint.intercept = undefined
      timers.pauses[i]!.end()
    }
    await until(() => app.jobs.list().filter(({ finishedAt }) => finishedAt !== null).length === 4)
    t.same(app.jobs.list().map(({ trigger, state }) => [trigger, state]), [['startup', isHealed ? 'succeeded' : 'failed'], ...Array(3).fill(['startup', 'failed'])])
    t.equal(bucket.get(OUTPUT) !== undefined, isHealed)
    t.equal(timers.pauses.length, 3)
  }
})

t.test('a job that fails later, also one of a client, is repeated at growing intervals, at most every 30 s while the lake cannot be read', async (t) => {
  const timers = new TestTimers()
  const { app, endpoint } = await build(t, { files: { '1.csv': csv() }, settings: { AGGREGATE_INTERVAL: '2m' }, timers })
  await app.listen({ port: 0 })
  await until(() => app.jobs.list()[0]?.state === 'succeeded')
  const refuse = { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
  const details = async () => (await app.inject('/readyz')).json().details.map(({ code }: { code: string }) => code)
  const endPause = async (i: number, ms: number) => {
    await until(() => timers.pauses.length > i)
    t.equal(timers.pauses[i]!.ms, ms)
    const count = app.jobs.list().length
    timers.pauses[i]!.end()
    await until(() => app.jobs.list().length > count)
    await app.jobs.idle()
  }
  endpoint.intercept = ({ operation, key }) => operation === 'PUT' && key === OUTPUT ? refuse : undefined
  t.equal((await app.inject({ method: 'POST', url: '/data?dry_run=true' })).statusCode, 200)
  endpoint.bucket('datalake').put('source_data/2.csv', csv('Bob'))
  t.equal((await app.inject({ method: 'POST', url: '/data' })).statusCode, 503)
  t.equal((await app.inject({ method: 'POST', url: '/data' })).statusCode, 503)
  t.same(await details(), ['output_not_writable'])
  for (const [i, ms] of [2000, 4000, 8000, 16_000, 32_000].entries()) await endPause(i, ms)
  endpoint.intercept = () => refuse
  await endPause(5, 64_000)
  for (const i of [6, 7]) await endPause(i, 30_000)
  endpoint.intercept = undefined
  await endPause(8, 30_000)
  t.same(await details(), [])
  t.match(app.jobs.list()[0], { trigger: 'schedule', state: 'succeeded' })
  t.equal(timers.pauses.length, 9, 'a job that succeeds is not repeated')
  endpoint.intercept = () => refuse
  await timers.tick()
  await until(() => timers.pauses.length > 9)
  t.equal(timers.pauses[9]!.ms, 2000, 'the next failure starts with the first pause again')
})

t.test('closing waits for the running job; until then GET requests are served and POST requests are refused', async (t) => {
  const { app, endpoint, bucket } = await build(t, { files: { '1.csv': csv() } })
  await app.inject('/data')
  const output = delayOutput(endpoint)
  const address = await app.listen({ port: 0 })
  await until(output.isWaiting)
  const closing = app.close()
  await until(() => app.isDraining)
  const send = async (path: string, method = 'GET') => {
    const response = await fetch(address + path, { method })
    return { status: response.status, body: await response.json() }
  }
  t.match(await send('/data', 'POST'), { status: 503, body: { code: 'draining' } })
  t.match(await send('/readyz'), { status: 503, body: { code: 'draining' } })
  t.match(await send('/data'), { status: 200, body: [{ user_id: '1' }] }, 'GET requests are still served')
  output.open()
  await closing
  t.ok(bucket.get(OUTPUT))
  t.match(app.jobs.list(), [{ state: 'succeeded' }])
})

t.test('the schedule starts no job while the process drains', async (t) => {
  const timers = new TestTimers()
  const { app, endpoint } = await build(t, { files: { '1.csv': csv() }, timers })
  const output = delayOutput(endpoint)
  await app.listen({ port: 0 })
  await until(output.isWaiting)
  const closing = app.close()
  await until(() => app.isDraining)
  await timers.tick()
  output.open()
  await closing
  t.match(app.jobs.list(), [{ trigger: 'startup', state: 'succeeded' }])
  t.equal(app.jobs.list().length, 1)
})

t.test('a start that is waiting for data enqueues no job while the process drains', async (t) => {
  const timers = new TestTimers()
  const { app, endpoint } = await build(t, { files: { '1.csv': csv() }, timers })
  const refuse = { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
  endpoint.intercept = () => refuse
  await app.listen({ port: 0 })
  await until(() => timers.pauses.length === 1)
  const output = delayOutput(endpoint)
  app.jobs.enqueue('api')
  await until(output.isWaiting)
  const closing = app.close()
  await until(() => app.isDraining)
  timers.pauses[0]!.end()
  output.open()
  await closing
  t.match(app.jobs.list(), [{ trigger: 'api', state: 'succeeded' }, { trigger: 'startup', state: 'failed' }])
  t.equal(app.jobs.list().length, 2)
})

t.test('closing does not wait for a job for longer than SHUTDOWN_TIMEOUT', async (t) => {
  const { app, endpoint, bucket } = await build(t, { files: { '1.csv': csv() }, settings: { SHUTDOWN_TIMEOUT: '200ms' } })
  const output = delayOutput(endpoint)
  const { job } = app.jobs.enqueue('api')
  await until(output.isWaiting)
  await app.close()
  t.not(app.jobs.get(job.id)!.state, 'succeeded')
  t.equal(bucket.get(OUTPUT), undefined)
})

t.test('while the bucket is down, reads are served from the last data and marked as stale; afterwards they are fresh again', async (t) => {
  const { app, endpoint, bucket, clock, fresh } = await build(t, { files: { '1.csv': csv() }, settings: { REFRESH_WAIT: '5s' } })
  await app.inject('/data')
  await endpoint.stop()
  for (let i = 1; i <= 3; i++) {
    clock.advance(3000)
    t.match(await app.inject('/data'), { statusCode: 200, headers: { 'data-stale': 'unreachable', age: String(3 * i) } })
    t.equal((await app.inject('/stats')).json().count, 1)
  }
  bucket.put('source_data/2.csv', csv('Bob'))
  await endpoint.start()
  t.equal((await fresh('/data')).json.length, 2)
  const response = await app.inject('/data')
  t.match(response.headers, { age: '0' })
  t.equal(response.headers['data-stale'], undefined)
})

t.test('a lake that cannot be read at the start is logged as such, and not as outdated data', async (t) => {
  const log: LogLine[] = []
  const { app, endpoint, clock } = await build(t, { log, settings: { LAKE_URL: 's3://no-such-bucket' } })
  t.match(await app.inject('/data'), { statusCode: 503, headers: { 'data-stale': undefined } })
  t.match(log.filter(({ level }) => level >= 40), [{ level: 50, stale: ['no_such_bucket'], cause: /NoSuchBucket: check the name of the bucket in LAKE_URL/, msg: /^The lake cannot be read: requests for data get 503/ }])
  t.notOk(log.some(({ msg }) => /may be outdated/.test(msg)))
  endpoint.bucket('no-such-bucket').put('source_data/1.csv', csv())
  clock.advance(60_000)
  await until(async () => (await app.inject('/data')).statusCode === 200)
  t.match(log.filter(({ level, msg }) => level === 30 && /lake has been read|up to date again/.test(msg)), [{ previous: ['no_such_bucket'], msg: 'The lake has been read' }])
})

t.test('Data-Stale lists all reasons, also with 304; each change is logged once', async (t) => {
  const log: LogLine[] = []
  const { app, endpoint, clock } = await build(t, { files: { '1.csv': csv(), '2.csv': csv('Bob') }, log })
  const changes = () => log.filter(({ level, msg }) => level >= 30 && /^The data (may be outdated|is up to date again)/.test(msg))
  const { headers: { etag } } = await app.inject('/data')
  endpoint.intercept = ({ operation, key }) => operation === 'GET' && key === 'source_data/3.csv' ? { status: 500, body: '' } : undefined
  endpoint.bucket('datalake').put('source_data/3.csv', csv('Cid'))
  clock.advance(3000)
  t.equal((await app.inject('/data')).headers['data-stale'], 'download_failed')
  endpoint.intercept = ({ operation }) => operation === 'LIST' ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined
  for (let i = 0; i < 3; i++) {
    clock.advance(3000)
    t.match(await app.inject({ url: '/data', headers: { 'if-none-match': etag } }), { statusCode: 304, headers: { 'data-stale': 'access_denied, download_failed' } })
  }
  t.match(changes(), [
    { level: 40, stale: ['download_failed'], msg: /^The data may be outdated/ },
    { level: 40, stale: ['access_denied', 'download_failed'], cause: /s3:\/\/datalake/, msg: /^The data may be outdated/ }
  ])
  t.equal(changes().length, 2)
  endpoint.intercept = () => undefined
  clock.advance(60_000)
  for (let i = 0; i < 3; i++) t.equal((await app.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })).headers['data-stale'], undefined)
  t.match(changes()[2], { level: 30, previous: ['access_denied', 'download_failed'], msg: 'The data is up to date again' })
  t.equal(changes().length, 3)
})
