import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { MeasuredStore } from '../../lib/store/measured-store.js'
import { StoreError, type ObjectStore } from '../../lib/store/object-store.js'
import { startWorker } from '../../lib/worker/worker-backend.js'
import { build, csv, CLOCK_START, type TestLake, type TestLakeOptions } from '../support/app.js'
import { bearer, entryOf, keyOf } from '../support/api-keys.js'
import { Scrape, scrape } from '../support/scrape.js'
import { MemoryStore } from '../support/stores.js'
import { TestTimers } from '../support/test-timers.js'
import { until } from '../support/until.js'

/** Starts a service that listens: only a response that is sent over a connection can end incompletely. */
async function listen (t: Test, options: TestLakeOptions = {}) {
  const lake = await build(t, { timers: new TestTimers(), settings: { PUBLISH: 'false' }, ...options })
  const origin = await lake.app.listen({ port: 0, host: '127.0.0.1' })
  await until(async () => (await lake.app.inject('/readyz')).statusCode === 200)
  const send = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(origin + path, init)
    await response.text()
    return response
  }
  return { ...lake, origin, send }
}

const records = (length: number) => Object.fromEntries(Array.from({ length }, (_, i) => [`${i}.csv`, csv('Ann', 'Lee', i)]))

/** Scrapes until a series has a value: a response is counted when its connection is free again. */
async function scrapeUntil ({ app }: Pick<TestLake, 'app'>, series: string, value: number): Promise<Scrape> {
  let last = await scrape(app)
  await until(async () => {
    last = await scrape(app)
    return last.get(series) === value
  })
  return last
}

const requests = (route: string, method: string, status: string) => `userlake_http_request_duration_seconds_count{route="${route}",method="${method}",status="${status}"}`

t.test('requests are counted by URL pattern, method and class of the status', async (t) => {
  const lake = await listen(t, { files: { '1.csv': csv(), '2.csv': csv() } })
  for (const path of ['/data/1', '/data/2', '/data/3?columns=user_id', '/stats']) await lake.send(path)
  const { headers } = await lake.send('/data')
  await lake.send('/data', { headers: { 'if-none-match': headers.get('etag')! } })
  await lake.send('/data', { method: 'HEAD' })
  const found = await scrapeUntil(lake, requests('/data', 'HEAD', '2xx'), 1)
  t.equal(found.get(requests('/data/:user_id', 'GET', '2xx')), 2)
  t.equal(found.get(requests('/data/:user_id', 'GET', '4xx')), 1)
  t.equal(found.get(requests('/data', 'GET', '2xx')), 1)
  t.equal(found.get(requests('/data', 'GET', '3xx')), 1)
  const buckets = found.series('userlake_http_request_duration_seconds_bucket{route="/data/:user_id",method="GET",status="2xx"').map((series) => found.get(series)!)
  t.equal(buckets.at(-1), 2, 'the last bucket has all of them')
  t.same(buckets, buckets.toSorted((a, b) => a - b), 'buckets are cumulative')
  t.ok(found.get('userlake_http_request_duration_seconds_sum{route="/stats",method="GET",status="2xx"}')! > 0)
})

t.test('unknown URLs, methods and names create no series', async (t) => {
  const lake = await listen(t, { files: { '1.csv': csv() } })
  const send = async (i: number) => {
    await lake.send(`/unknown-${i}`)
    await lake.send(`/data/unknown-${i}?x${i}=1`)
    await lake.send('/data', { method: ['DELETE', 'PROPFIND', 'MKCOL'][i % 3]! })
    await lake.app.inject({ url: '/data', headers: { host: `host-${i}` } })
  }
  for (let i = 0; i < 3; i++) await send(i)
  const before = await scrapeUntil(lake, requests('none', 'other', '4xx'), 3)
  for (let i = 3; i < 30; i++) await send(i)
  const after = await scrapeUntil(lake, requests('none', 'other', '4xx'), 30)
  const seriesOf = (found: Scrape) => [...found.series('userlake_http_'), ...found.series('userlake_problems_')].filter((series) => !series.includes('"/metrics"'))
  t.same(seriesOf(after), seriesOf(before))
  t.notMatch(after.text, /unknown-|host-/)
})

t.test('a request that its client breaks off is counted as aborted', async (t) => {
  const lake = await listen(t, { files: { '1.csv': csv() } })
  const { origin, endpoint } = lake
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  const releases: (() => void)[] = []
  const hasBegun = new Promise<void>((resolve) => {
    endpoint.intercept = async () => {
      resolve()
      await new Promise<void>((resolve) => releases.push(resolve))
      return undefined
    }
  })
  socket.write('GET /data HTTP/1.1\r\nhost: localhost\r\ncache-control: no-cache\r\n\r\n')
  await hasBegun
  socket.destroy()
  const found = await scrapeUntil(lake, requests('/data', 'GET', 'aborted'), 1)
  t.equal(found.get(requests('/data', 'GET', '2xx')), undefined)
  endpoint.intercept = undefined
  for (const release of releases) release()
})

t.test('reconciles and the operations of the worker thread are counted, and the state of the data is shown', async (t) => {
  const lake = await build(t, { files: { ...records(10), 'bad.csv': 'x', 'orphan.png': 'x', 'notes.txt': 'x' }, worker: startWorker })
  const { app, bucket } = lake
  const empty = await scrape(app)
  for (const name of ['userlake_data_age_seconds', 'userlake_records', 'userlake_data_bytes']) t.equal(empty.get(name), undefined, `no ${name} before there is data`)
  await app.inject({ url: '/data', method: 'POST' })
  const first = await scrape(app)
  t.equal(first.get('userlake_records'), 10)
  for (const [kind, count] of Object.entries({ rejects: 1, orphans: 1, ignored: 1 })) t.equal(first.get(`userlake_unserved_objects{kind="${kind}"}`), count, kind)
  for (const [event, count] of Object.entries({ listed: 13, fetched: 11, rejected: 1 })) t.equal(first.get(`userlake_objects_total{event="${event}"}`), count, event)
  t.equal(first.get('userlake_reconciles_total{outcome="listed"}'), 1)
  t.equal(first.get('userlake_list_requests_total'), 1)
  for (const phase of ['list', 'download', 'build', 'publish']) t.equal(first.get(`userlake_phase_duration_seconds_count{phase="${phase}"}`), 1, phase)
  t.equal(first.get('userlake_store_operation_duration_seconds_count{operation="get",outcome="ok"}'), 11, 'the worker has forwarded every download before the job ended')
  t.equal(first.get('userlake_store_operation_duration_seconds_count{operation="list",outcome="ok"}'), 1)
  t.ok(first.get('userlake_data_bytes')! > 0)
  t.equal(first.get('userlake_former_versions'), 0)
  await app.inject('/data?limit=1')
  bucket.put('source_data/0.csv', csv('Eve'))
  await app.inject({ url: '/data', method: 'POST' })
  const second = await scrape(app)
  t.equal(second.get('userlake_former_versions'), 1, 'a version with a next page is retained')
  t.ok(second.get('userlake_former_version_bytes')! > 0)
  t.equal(second.get('userlake_objects_total{event="fetched"}'), 12)
})

t.test('the LIST requests of re-checks are counted, also if a listing has to decide', async (t) => {
  const key = 'source_data/1.csv'
  const lake = await build(t, { files: records(10), settings: { MAX_STALENESS: '1h' }, worker: startWorker, timer: () => () => {} })
  const { app, bucket, endpoint, fresh } = lake
  await fresh('/data')
  endpoint.reset()
  const lists = async () => (await scrape(app)).get('userlake_list_requests_total')
  const sendEvent = async () => {
    const payload = { Records: [{ eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'datalake' }, object: { key } } }] }
    t.equal((await app.inject({ method: 'POST', url: '/events/s3', payload })).statusCode, 202)
  }
  const before = (await lists())!
  bucket.put(key, csv('Eve'))
  // The store reads an object whose HEAD is refused; both requests are refused once.
  const refused = new Set(['HEAD', 'GET'])
  endpoint.intercept = ({ operation }) => refused.delete(operation) ? { status: 403 } : undefined
  await sendEvent()
  await until(async () => (await app.inject('/data/1')).json().first_name === 'Eve')
  t.equal(endpoint.counts.LIST, 1, 'a listing of the key decides whether the object exists')
  t.equal(await lists(), before + 1)
  bucket.put(key, csv('Zoe'))
  endpoint.intercept = ({ operation }) => operation === 'HEAD' || operation === 'GET' ? { status: 403 } : undefined
  await sendEvent()
  await scrapeUntil(lake, 'userlake_event_delay_seconds_count{outcome="listing"}', 1)
  t.equal(endpoint.counts.LIST, 2)
  t.equal(await lists(), before + 2)
})

t.test('jobs are counted by their end, and failures of the lake by their code', async (t) => {
  let isBroken = false
  const lake = await build(t, {
    files: records(200),
    store: (bucket) => new MeasuredStore(Object.assign(new MemoryStore(bucket), {
      async * list (...args: Parameters<ObjectStore['list']>) {
        if (isBroken) throw new StoreError('access_denied', 'no')
        yield * new MemoryStore(bucket).list(...args)
      }
    }))
  })
  const { app, bucket, clock } = lake
  const post = (query = '') => app.inject({ url: `/data${query}`, method: 'POST' })
  await post()
  await post('?dry_run=true')
  clock.advance(7000)
  const jobs = (state: string, dryRun = false) => `userlake_job_duration_seconds_count{trigger="api",dry_run="${dryRun}",state="${state}"}`
  const succeeded = await scrape(app)
  t.equal(succeeded.get(jobs('succeeded')), 1)
  t.equal(succeeded.get(jobs('succeeded', true)), 1)
  t.equal(succeeded.get('userlake_last_job_state{state="succeeded"}'), 1)
  t.equal(succeeded.get('userlake_last_job_success_timestamp_seconds'), CLOCK_START / 1000)
  t.equal(succeeded.get('userlake_data_age_seconds'), 7)
  for (let i = 0; i < 150; i++) bucket.delete(`source_data/${i}.csv`)
  await post()
  const held = await scrape(app)
  t.equal(held.get(jobs('held')), 1)
  t.equal(held.get('userlake_last_job_state{state="held"}'), 1)
  t.equal(held.get('userlake_last_job_state{state="succeeded"}'), 0)
  t.equal((await post('?confirm=mistyped')).statusCode, 409)
  const mistyped = await scrape(app)
  t.equal(mistyped.get(jobs('failed')), 1)
  t.equal(mistyped.get('userlake_last_job_state{state="held"}'), 1, 'the mistake of a client changes nothing')
  t.equal(mistyped.get('userlake_last_job_state{state="failed"}'), 0)
  isBroken = true
  await post()
  const failed = await scrape(app)
  t.equal(failed.get(jobs('failed')), 2)
  t.equal(failed.get('userlake_last_job_state{state="failed"}'), 1)
  t.equal(failed.get('userlake_reconciles_total{outcome="access_denied"}'), 1)
  t.equal(failed.get('userlake_data_stale{reason="access_denied"}'), 1)
  t.equal(failed.get('userlake_store_operation_duration_seconds_count{operation="list",outcome="access_denied"}'), 1)
})

t.test('the delay of events is measured', async (t) => {
  const lake = await build(t, { files: { '1.csv': csv() } })
  const { app, bucket } = lake
  await app.inject('/data')
  bucket.put('source_data/1.csv', csv('Eve'))
  const event = { Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'datalake' }, object: { key: 'source_data/1.csv' } } }] }
  await app.inject({ url: '/events/s3', method: 'POST', payload: event })
  const found = await scrapeUntil(lake, 'userlake_event_delay_seconds_count{outcome="checked"}', 1)
  t.equal(found.get('userlake_event_delay_seconds_sum{outcome="checked"}'), 0, 'the clock of the test stands still')
})

t.test('refused requests are counted by the code of the problem', async (t) => {
  const lake = await build(t, { files: { '1.csv': csv() }, settings: { API_KEYS: [entryOf('read', 'write', 'metrics'), entryOf('read')].join(','), RATE_LIMIT: '1', ALLOWED_HOSTS: 'localhost' } })
  const { app } = lake
  const key = bearer(keyOf('read', 'write', 'metrics'))
  await app.inject('/data')
  await app.inject({ url: '/data', headers: bearer('nonsense') })
  await app.inject({ url: '/data', method: 'POST', headers: bearer(keyOf('read')) })
  await app.inject({ url: '/data', headers: { ...key, host: 'evil.example' } })
  await app.inject({ url: '/data', method: 'POST', headers: { ...key, origin: 'https://evil.example' } })
  await app.inject({ url: '/data', method: 'POST', headers: key })
  await app.inject({ url: '/data', method: 'POST', headers: key })
  await app.inject('/data/%ff')
  t.equal((await app.inject('/metrics')).statusCode, 401)
  t.equal((await app.inject({ url: '/metrics', headers: bearer(keyOf('read')) })).statusCode, 403)
  const found = new Scrape((await app.inject({ url: '/metrics', headers: key })).body)
  const expected = { unauthorized: 3, insufficient_scope: 2, misdirected_request: 1, forbidden: 1, too_many_requests: 1, bad_request: 1, overloaded: 0 }
  for (const [code, count] of Object.entries(expected)) t.equal(found.get(`userlake_problems_total{code="${code}"}`), count, code)
})

t.test('docs/operations.md describes every metric of the service, and no other', async (t) => {
  const { app } = await build(t)
  const types = [...(await scrape(app)).text.matchAll(/^# TYPE (userlake_\S+)/gm)].map(([, name]) => name!)
  const described = [...readFileSync('docs/operations.md', 'utf8').matchAll(/^\| (`userlake_.*?) \|/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!))
  t.same(described.sort(), types.sort())
})

t.test('each metric has a help text and a type, and a name as Prometheus recommends', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  await app.inject({ url: '/data', method: 'POST' })
  const response = await app.inject('/metrics')
  t.equal(response.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  const types = new Map([...response.body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]))
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds', 'nodejs_gc_duration_seconds']) t.ok(types.has(name), name)
  const own = [...types].filter(([name]) => name.startsWith('userlake_'))
  t.ok(own.length > 15)
  for (const [name, type] of own) {
    t.match(response.body, new RegExp(`^# HELP ${name} [A-Z1]`, 'm'), name)
    t.equal(name.endsWith('_total'), type === 'counter', `${name}: a counter, and nothing else, ends in _total`)
    t.match(name, type === 'histogram' ? /_seconds$/ : /./, name)
  }
  t.equal((await app.inject({ url: '/metrics', method: 'HEAD' })).body, '')
})
