import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { build, csv, type LogLine } from '../support/app.js'

/** Waits until it holds, as long as a test may take. */
async function until (holds: () => unknown): Promise<void> {
  while (!(await holds())) await sleep(10)
}

const OUTPUT = 'processed_data/output.csv'

t.test('a server that starts to listen publishes at once, and at each interval', async (t) => {
  const { app, bucket } = await build(t, { files: { '1.csv': csv() }, settings: { AGGREGATE_INTERVAL: '1s' } })
  t.equal(app.jobs.list().length, 0)
  await app.listen({ port: 0 })
  await until(() => bucket.get(OUTPUT))
  await until(() => app.jobs.list().length >= 2)
  t.same(app.jobs.list().map(({ trigger }) => trigger).slice(-2), ['schedule', 'startup'])
  bucket.put('source_data/2.csv', csv('Bob'))
  await until(() => bucket.get(OUTPUT)!.body.includes('2,Bob'))
  t.pass('what changes is published by the schedule alone')
})

t.test('a bucket that is down at the start: it starts, says why, keeps trying and gets ready', async (t) => {
  const { app, endpoint, bucket } = await build(t, { files: { '1.csv': csv() }, settings: { REFRESH_WAIT: '1s' } })
  await endpoint.stop()
  await app.listen({ port: 0 })
  await until(async () => /can't be reached/.test((await app.inject('/readyz')).json().detail))
  t.equal((await app.inject('/livez')).statusCode, 200)
  await endpoint.start()
  await until(async () => (await app.inject('/readyz')).statusCode === 200)
  await until(() => bucket.get(OUTPUT))
  t.ok(app.jobs.list().every(({ trigger }) => trigger === 'startup'))
})

t.test('closing waits for the job that runs; meanwhile it drains', async (t) => {
  const { app, endpoint, bucket } = await build(t, { files: { '1.csv': csv() } })
  await app.inject('/data')
  let release = () => {}
  const held = new Promise<void>((resolve) => { release = resolve })
  let putting = false
  endpoint.intercept = async ({ operation }) => {
    if (operation === 'PUT') {
      putting = true
      await held
    }
    return undefined
  }
  const address = await app.listen({ port: 0 })
  await until(() => putting)
  const closing = app.close()
  await until(() => app.isDraining)
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(address + path, { method })
    return { status: response.status, body: await response.json() }
  }
  t.match(await ask('/data', 'POST'), { status: 503, body: { code: 'draining' } })
  t.match(await ask('/readyz'), { status: 503, body: { code: 'draining' } })
  t.match(await ask('/data'), { status: 200, body: [{ user_id: '1' }] }, 'reads go on')
  release()
  await closing
  t.ok(bucket.get(OUTPUT))
  t.match(app.jobs.list(), [{ state: 'succeeded' }])
})

t.test('no job begins while the process drains', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv() }, settings: { AGGREGATE_INTERVAL: '1s' } })
  let release = () => {}
  const held = new Promise<undefined>((resolve) => { release = () => resolve(undefined) })
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? held : undefined
  await app.listen({ port: 0 })
  await until(() => endpoint.counts.PUT === 1)
  const closing = app.close()
  await sleep(1500) // the schedule's moment comes and goes
  release()
  await closing
  t.match(app.jobs.list(), [{ trigger: 'startup', state: 'succeeded' }])
  t.equal(app.jobs.list().length, 1)
})

t.test('nor does the one that a late start would bring', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv() } })
  let isDown = true
  let release = () => {}
  const held = new Promise<undefined>((resolve) => { release = () => resolve(undefined) })
  endpoint.intercept = ({ operation }) => {
    if (isDown) return { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
    return operation === 'PUT' ? held : undefined
  }
  await app.listen({ port: 0 })
  await until(() => app.jobs.list()[0]?.state === 'failed')
  isDown = false
  app.jobs.enqueue('api')
  const closing = app.close()
  await until(() => endpoint.counts.PUT === 1)
  await sleep(1000) // now there is data, and the start looks for it in between
  t.same(app.transformer.freshness().staleReasons, [])
  release()
  await closing
  t.match(app.jobs.list(), [{ trigger: 'api', state: 'succeeded' }, { trigger: 'startup', state: 'failed' }])
  t.equal(app.jobs.list().length, 2)
})

t.test('closing does not wait for ever', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv() }, settings: { SHUTDOWN_TIMEOUT: '200ms' } })
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? new Promise(() => {}) : undefined
  app.jobs.enqueue('api')
  await until(() => endpoint.counts.PUT === 1)
  await app.close()
  t.pass('closed')
})

t.test('the bucket restarts while the service serves: reads go on, marked, and are fresh again afterwards', async (t) => {
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

t.test('Data-Stale lists all reasons, also with 304; the log has each change once', async (t) => {
  const log: LogLine[] = []
  const { app, endpoint, clock } = await build(t, { files: { '1.csv': csv(), '2.csv': csv('Bob') }, log })
  const changes = () => log.filter(({ level, msg }) => level >= 30 && / (stale|fresh again)/.test(msg))
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
    { level: 40, stale: ['download_failed'], msg: /^The data is stale/ },
    { level: 40, stale: ['access_denied', 'download_failed'], cause: /s3:\/\/datalake/, msg: /^The data is stale/ }
  ])
  t.equal(changes().length, 2)
  endpoint.intercept = () => undefined
  clock.advance(60_000)
  for (let i = 0; i < 3; i++) t.equal((await app.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })).headers['data-stale'], undefined)
  t.match(changes()[2], { level: 30, was: ['access_denied', 'download_failed'], msg: 'The data is fresh again' })
  t.equal(changes().length, 3)
})
