import t from 'tap'
import type { Timer } from '../../lib/base/timer.js'
import { bearer, entryOf, keyOf } from '../support/api-keys.js'
import { build, buildOnFolder, csv, PNG, type LogLine, type TestLake } from '../support/app.js'
import { documentedPolicy } from '../support/policy.js'
import { until } from '../support/until.js'

const ofS3 = (key: string, eventName = 'ObjectCreated:Put', bucket = 'datalake') => ({ eventVersion: '2.1', eventSource: 'aws:s3', eventName, s3: { s3SchemaVersion: '1.0', bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` }, object: { key, size: 1, eTag: 'x', sequencer: '0A' } } })
const ofMinio = (key: string, eventName = 's3:ObjectCreated:Put') => ({ EventName: eventName, Key: `datalake/${key}`, Records: [ofS3(encodeURIComponent(key), eventName)] })
const ofEventBridge = (key: string, type = 'Object Created') => ({ version: '0', id: '1', 'detail-type': type, source: 'aws.s3', account: '1', time: '2025-01-01T00:00:00Z', region: 'x', resources: [], detail: { version: '0', bucket: { name: 'datalake' }, object: { key, size: 1, etag: 'x', sequencer: '0A' } } })

const post = async ({ app }: Pick<TestLake, 'app'>, payload: object | string, headers: Record<string, string> = {}) =>
  await app.inject({ method: 'POST', url: '/events/s3', payload, headers: { 'content-type': 'application/json', ...headers } })

/** A timer whose tasks the test runs. `tasks` has those that are planned: the next refresh of the data, which is planned again when an event is left to a listing. */
function manualTimer () {
  const tasks: (() => void)[] = []
  const timer: Timer = (_ms, task) => {
    tasks.push(task)
    return () => { tasks.splice(tasks.indexOf(task), 1) }
  }
  return { tasks, timer }
}

/** A lake whose data stays fresh for an hour, so that only events make it read anything. */
async function quietLake (t: Parameters<typeof build>[0], files: Record<string, string | Buffer>, options: Parameters<typeof build>[1] = {}) {
  const lake = await build(t, { files, ...options, settings: { MAX_STALENESS: '1h', ...options.settings } })
  await lake.fresh('/data')
  lake.endpoint.reset()
  const names = async () => (await lake.app.inject('/data')).json().map((record: { first_name: string }) => record.first_name)
  /** The number of requests for listings of the lake; the others are of single keys. */
  const listings = () => lake.endpoint.lists.filter((prefix) => prefix === 'source_data/').length
  return { ...lake, names, listings }
}

t.test('notifications of S3, MinIO, Ceph (whose keys are not encoded) and EventBridge make changes visible without a listing', async (t) => {
  const lake = await quietLake(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob') })
  const { bucket, names, listings } = lake
  bucket.put('source_data/1.csv', csv('Amy'))
  const first = await post(lake, { Records: [ofS3('source_data/1.csv')] })
  t.equal(first.statusCode, 202)
  t.same(first.json(), { accepted: 1, ignored: 0 })
  await until(async () => (await names())[0] === 'Amy')
  bucket.put('source_data/a b+c%.csv', csv('Cid'))
  t.same((await post(lake, ofMinio('source_data/a b+c%.csv'))).json(), { accepted: 1, ignored: 0 })
  await until(async () => (await names()).length === 3)
  bucket.put('source_data/x y.csv', csv('Dan'))
  await post(lake, { Records: [ofS3('source_data/x+y.csv')] })
  await until(async () => (await names()).length === 4)
  bucket.put('source_data/c d+e%2B.csv', csv('Fay'))
  await post(lake, { Records: [{ ...ofS3('source_data/c d+e%2B.csv'), eventSource: 'ceph:s3' }] })
  await until(async () => (await names()).includes('Fay'))
  bucket.delete('source_data/c d+e%2B.csv')
  await post(lake, { Records: [{ ...ofS3('source_data/c d+e%2B.csv', 'ObjectRemoved:Delete'), eventSource: 'ceph:s3' }] })
  await until(async () => (await names()).length === 4)
  bucket.put('source_data/p+q.csv', csv('Eve'))
  await post(lake, ofEventBridge('source_data/p+q.csv'))
  await until(async () => (await names()).length === 5)
  bucket.delete('source_data/2.csv')
  await post(lake, { Records: [ofS3('source_data/2.csv', 'ObjectRemoved:DeleteMarkerCreated')] })
  await until(async () => (await names()).length === 4)
  bucket.delete('source_data/x y.csv')
  await post(lake, ofEventBridge('source_data/x y.csv', 'Object Deleted'))
  await until(async () => (await names()).length === 3)
  t.same(await names(), ['Amy', 'Cid', 'Eve'])
  t.equal(listings(), 0)
  const { headers } = await lake.app.inject('/data')
  t.equal(headers['cache-control'], 'private, max-age=1', 'with events, responses are not reused for MAX_STALENESS')
  await lake.fresh('/data')
  t.equal((await lake.app.inject('/data')).headers['data-version'], headers['data-version'], 'a listing finds the same data version')
})

t.test('a replaced image is in /changes, and an image without record waits for its info file', async (t) => {
  const lake = await quietLake(t, { '1.csv': csv('Ann'), '1.png': PNG })
  const { app, bucket, listings, clock } = lake
  const since = (await app.inject('/data')).headers['data-version'] as string
  clock.now += 5000
  bucket.put('source_data/1.png', Buffer.concat([PNG, Buffer.from('more')]))
  await post(lake, { Records: [ofS3('source_data/1.png')] })
  const changes = async () => (await app.inject(`/changes?since=${since}`)).json()
  await until(async () => (await changes()).changed.length === 1)
  t.match(await changes(), { version: since, next: `${since}~1`, changed: [{ user_id: '1' }] })
  bucket.put('source_data/2.png', PNG)
  await post(lake, { Records: [ofS3('source_data/2.png')] })
  await until(async () => (await app.inject('/rejects')).json().counts.orphans === 1)
  bucket.put('source_data/2.csv', csv('Bob'))
  await post(lake, { Records: [ofS3('source_data/2.csv')] })
  await until(async () => (await app.inject('/data/2')).statusCode === 200)
  t.equal((await app.inject('/data/2')).json().img_path, 'source_data/2.png')
  t.equal((await app.inject('/rejects')).json().counts.orphans, 0)
  t.equal(listings(), 0)
})

t.test('a bad file that an event names is quarantined, its last good record is served, and a fixed upload replaces it', async (t) => {
  const log: LogLine[] = []
  const lake = await quietLake(t, { '1.csv': csv('Ann') }, { log })
  const { app, bucket, names, listings } = lake
  bucket.put('source_data/1.csv', 'nothing')
  await post(lake, { Records: [ofS3('source_data/1.csv')] })
  await until(async () => (await app.inject('/rejects')).json().counts.rejects === 1)
  t.equal((await app.inject('/data')).headers['data-last-good'], '1')
  t.equal(log.filter(({ example }) => example === 'source_data/1.csv').length, 1, 'it is logged')
  bucket.put('source_data/1.csv', csv('Amy'))
  await post(lake, { Records: [ofS3('source_data/1.csv')] })
  await until(async () => (await names())[0] === 'Amy')
  t.equal((await app.inject('/data')).headers['data-last-good'], undefined)
  t.equal(listings(), 0)
})

t.test('events that are not about objects of the lake are ignored and counted', async (t) => {
  const lake = await quietLake(t, { '1.csv': csv('Ann') })
  const { endpoint } = lake
  const others = ['processed_data/output.csv', 'source_data/readme.txt', 'other/1.csv', 'source_data/.csv', '%E0%A4', 'source_data/%00.csv', '', 'source_data/../1.csv', 'source_data/%2e%2e/1.csv', `source_data/${'x/'.repeat(512)}1.csv`]
  t.same((await post(lake, { Records: [...others.map((key) => ofS3(key)), ofS3('source_data/1.csv', 'ObjectCreated:Put', 'another-bucket')] })).json(), { accepted: 0, ignored: 11 })
  const nothing = [
    { Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2025-01-01T00:00:00.000Z', Bucket: 'datalake' }, { Records: [] },
    { Records: [ofS3('source_data/1.csv', 's3:ObjectAccessed:Head'), ofS3('source_data/1.csv', 'ObjectTagging:Put')] }, ofEventBridge('source_data/1.csv', 'Object Tags Added')
  ]
  for (const body of nothing) {
    const response = await post(lake, body)
    t.equal(response.statusCode, 204, JSON.stringify(body))
    t.equal(response.body, '')
  }
  t.match(endpoint.counts, { LIST: 0, GET: 0, HEAD: 0, PUT: 0 }, 'no request is sent to the store')
})

t.test('duplicate and forged events have no effect except requests for the objects of the records that they name', async (t) => {
  const lake = await quietLake(t, { '1.csv': csv('Ann') })
  const { app, bucket, endpoint, listings } = lake
  const version = (await app.inject('/data')).headers['data-version']
  for (let i = 0; i < 20; i++) await post(lake, { Records: [ofS3('source_data/1.csv', 'ObjectRemoved:Delete'), ofS3('source_data/nobody.csv')] })
  bucket.put('source_data/2.csv', csv('Bob'))
  await post(lake, { Records: [ofS3('source_data/2.csv')] })
  await until(async () => (await app.inject('/data/2')).statusCode === 200)
  t.equal((await app.inject('/data/1')).json().first_name, 'Ann')
  t.not((await app.inject('/data')).headers['data-version'], version)
  t.same(new Set(endpoint.gets), new Set(['source_data/nobody.csv', 'source_data/2.csv']), 'unchanged objects are not downloaded')
  t.equal(listings(), 0)
})

t.test('a flood of events becomes one listing', async (t) => {
  const { tasks, timer } = manualTimer()
  const lake = await quietLake(t, { '1.csv': csv('Ann') }, { timer })
  const { bucket, names, listings, endpoint } = lake
  const flood = Array.from({ length: 1500 }, (_, i) => ofS3(`source_data/${i}.csv`))
  bucket.put('source_data/7.csv', csv('Sue'))
  t.same((await post(lake, { Records: flood })).json(), { accepted: 1500, ignored: 0 })
  for (let i = 0; i < 10; i++) await post(lake, { Records: flood })
  t.equal(endpoint.counts.HEAD, 0)
  t.equal(tasks.length, 1)
  tasks[0]!()
  await until(async () => (await names()).length === 2)
  t.equal(listings(), 1)
  bucket.put('source_data/1.csv', csv('Amy'))
  await post(lake, { Records: [ofS3('source_data/1.csv')] })
  await until(async () => (await names())[0] === 'Amy')
  t.equal(listings(), 1, 'after the listing, single events are re-checked again')
})

t.test('a re-check that fails is left to a listing', async (t) => {
  const { tasks, timer } = manualTimer()
  const lake = await quietLake(t, { '1.csv': csv('Ann') }, { timer })
  const { bucket, names, listings, endpoint } = lake
  endpoint.intercept = ({ key }) => key === 'source_data/1.csv' ? { status: 403 } : undefined
  bucket.put('source_data/1.csv', csv('Amy'))
  await post(lake, { Records: [ofS3('source_data/1.csv')] })
  const [planned] = tasks
  await until(() => tasks[0] !== planned)
  endpoint.intercept = undefined
  t.equal(listings(), 0)
  tasks[0]!()
  await until(async () => (await names())[0] === 'Amy')
  t.equal(listings(), 1)
})

t.test('while a large loss is not confirmed, an event changes nothing and leads to the listing that decides', async (t) => {
  const { tasks, timer } = manualTimer()
  const lake = await quietLake(t, Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`${100 + i}.csv`, csv('Ann')])), { timer })
  const { app, bucket, fresh, endpoint, names } = lake
  for (let i = 0; i < 150; i++) bucket.delete(`source_data/${100 + i}.csv`)
  await fresh('/data')
  t.equal((await app.inject('/data')).headers['data-stale'], 'large_loss')
  bucket.put('source_data/299.csv', csv('Amy'))
  endpoint.reset()
  const [planned] = tasks
  await post(lake, { Records: [ofS3('source_data/299.csv')] })
  await until(() => tasks[0] !== planned)
  t.match(endpoint.counts, { LIST: 0, HEAD: 0, GET: 0 })
  t.equal((await names()).length, 200)
  tasks[0]!()
  await until(async () => (await names()).length === 50)
  t.equal((await names()).at(-1), 'Amy')
  t.equal((await app.inject('/data')).headers['data-stale'], undefined)
})

t.test('with the documented rights, HEAD of an object that does not exist is refused; a LIST request for its key then decides, without a listing of the lake', async (t) => {
  const lake = await quietLake(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '3.csv': csv('Cid') }, { policy: documentedPolicy('datalake') })
  const { bucket, endpoint, names, listings } = lake
  bucket.delete('source_data/1.csv')
  await post(lake, { Records: [ofS3('source_data/1.csv', 'ObjectRemoved:Delete'), ofS3('source_data/nobody.csv')] })
  await until(async () => (await names()).length === 2)
  t.equal(listings(), 0)
  t.same(endpoint.lists.sort(), ['source_data/1.csv', 'source_data/nobody.csv'])
})

t.test('an object that cannot be read leads to one listing of the lake, and not to one more with each event', async (t) => {
  const { tasks, timer } = manualTimer()
  const lake = await quietLake(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '3.csv': csv('Cid') }, { timer })
  const { app, bucket, names, listings, endpoint } = lake
  const event = { Records: [ofS3('source_data/1.csv')] }
  endpoint.intercept = ({ key }) => key === 'source_data/1.csv' ? { status: 403 } : undefined
  bucket.put('source_data/1.csv', csv('Amy'))
  const [planned] = tasks
  await post(lake, event)
  await until(() => tasks[0] !== planned)
  tasks[0]!()
  await until(async () => (await app.inject('/rejects')).json().counts.rejects === 1)
  t.equal(listings(), 1)
  for (let i = 0; i < 5; i++) {
    const { HEAD } = endpoint.counts
    await post(lake, event)
    bucket.put('source_data/2.csv', csv(`Bob ${i}`))
    await post(lake, { Records: [ofS3('source_data/2.csv')] })
    await until(async () => (await names())[1] === `Bob ${i}`)
    t.ok(endpoint.counts.HEAD > HEAD + 1, 'both have been re-checked')
  }
  t.equal(listings(), 1)
  t.equal((await names())[0], 'Ann')
})

t.test('if the bucket is missing, events remove no record', async (t) => {
  const { tasks, timer } = manualTimer()
  const lake = await quietLake(t, { '1.csv': csv('Ann'), '2.csv': csv('Bob') }, { timer })
  const { app, names, endpoint } = lake
  endpoint.deleteBucket('datalake')
  const [planned] = tasks
  await post(lake, { Records: [ofS3('source_data/1.csv')] })
  await until(() => tasks[0] !== planned)
  t.same(await names(), ['Ann', 'Bob'])
  tasks[0]!()
  await until(async () => (await app.inject('/data')).headers['data-stale'] === 'no_such_bucket')
  t.same(await names(), ['Ann', 'Bob'])
})

t.test('changes that a listing finds without an event are counted in a warning, once their events can no longer be late', async (t) => {
  const log: LogLine[] = []
  const lake = await quietLake(t, { '1.csv': csv('Ann') }, { log })
  const { app, bucket, fresh, clock } = lake
  const warnings = async () => (await app.inject('/readyz')).json().details.filter(({ code }: { code: string }) => code === 'events_missed').map(({ detail }: { detail: string }) => detail)
  bucket.put('source_data/2.csv', csv('Bob'))
  await post(lake, { Records: [ofS3('source_data/2.csv')] })
  await until(async () => (await app.inject('/data/2')).statusCode === 200)
  // Not counted: the first listing after the first event finds it, and it may have changed before the bucket sent events.
  bucket.put('source_data/0.csv', csv('Before'))
  await fresh('/data')
  bucket.put('source_data/3.csv', csv('Late'))
  bucket.put('source_data/4.csv', csv('Lost'))
  await fresh('/data')
  clock.advance(59_000)
  await fresh('/data')
  await post(lake, { Records: [ofS3('source_data/3.csv')] })
  t.same(await warnings(), [])
  clock.advance(1000)
  await fresh('/data')
  t.match(await warnings(), [/no event had reported: 1 since the start/])
  t.equal(log.filter(({ warning }) => warning === 'events_missed').length, 1)
  clock.advance(599_000)
  await fresh('/data')
  t.equal((await warnings()).length, 1)
  clock.advance(1000)
  await fresh('/data')
  t.same(await warnings(), [], 'until a listing misses none, ten minutes later')
})

t.test('events need the scope events, and are not counted by RATE_LIMIT', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() }, settings: { API_KEYS: `${entryOf('events')},${entryOf('read', 'write')}`, RATE_LIMIT: '1' } })
  for (let i = 0; i < 5; i++) t.equal((await post({ app }, { Records: [ofS3('source_data/1.csv')] }, bearer(keyOf('events')))).statusCode, 202)
  t.equal((await post({ app }, { Records: [] }, bearer(keyOf('read', 'write')))).statusCode, 403)
  t.equal((await post({ app }, { Records: [] })).statusCode, 401)
})

t.test('a body that is not a notification is an error that names what is wrong', async (t) => {
  const lake = await build(t, { files: { '1.csv': csv() } })
  const bucket = { name: 'datalake' }
  const table: [object | string, number, RegExp][] = [
    [{}, 400, /must have Records/], [{ detail: { bucket, object: { key: 'k' } } }, 400, /must have Records/], [{ 'detail-type': 'Object Created' }, 400, /must have Records/],
    [{ Records: 1 }, 400, /at \/Records must be an array; it is a number/], [{ Records: [{ eventName: 'x' }] }, 400, /at \/Records\/0\/s3 must be an object; it is missing/],
    [{ Records: [ofS3('k'), { eventName: null }] }, 400, /at \/Records\/1\/eventName must be a string; it is null/], [{ Records: [[]] }, 400, /at \/Records\/0 must be an object; it is an array/],
    [{ Records: [{ eventName: 'x', s3: { bucket, object: { key: 1 } } }] }, 400, /at \/Records\/0\/s3\/object\/key must be a string; it is a number/],
    [{ Records: [{ eventName: 'x', s3: { bucket: { name: {} }, object: { key: 'k' } } }] }, 400, /at \/Records\/0\/s3\/bucket\/name must be a string; it is an object/],
    [{ 'detail-type': 'x', detail: { bucket } }, 400, /at \/detail\/object must be an object; it is missing/], [{ 'detail-type': 1, detail: { bucket, object: { key: 'k' } } }, 400, /at \/detail-type must be a string/],
    [{ Event: true }, 400, /at \/Event must be a string; it is a boolean/],
    ['[]', 400, /The body must be an object; it is an array/], ['null', 400, /The body must be an object; it is null/],
    ['{', 400, /^The body is not valid JSON; must be a notification of a bucket as JSON$/], ['', 400, /^The body is empty; must be a notification of a bucket as JSON$/],
    [JSON.stringify({ Event: 'x'.repeat(1024 * 1024) }), 413, /^The body is larger than 1 MiB \(1048576 bytes\)$/]
  ]
  for (const [body, status, detail] of table) {
    const response = await post(lake, body)
    t.match(response.json(), { status, detail }, JSON.stringify(body).slice(0, 80))
  }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'foo']) {
    t.match((await post(lake, '{"Records":[]}', { 'content-type': type })).json(), { status: 415, detail: `Content-Type: got "${type}"; must be application/json` })
  }
  const withoutType = await lake.app.inject({ method: 'POST', url: '/events/s3', payload: Buffer.from('{"Records":[]}') })
  t.match(withoutType.json(), { status: 415, detail: 'Content-Type: is missing; must be application/json' })
  t.match((await post(lake, { Records: 1 })).json(), { code: 'invalid_event' })
})

t.test('a folder lake re-checks files, too', async (t) => {
  const { app, root } = await buildOnFolder(t, { source_data: { '1.csv': csv('Ann') } }, { settings: { MAX_STALENESS: '1h' } })
  await app.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })
  const { writeFileSync } = await import('node:fs')
  writeFileSync(`${root}/source_data/2.csv`, csv('Bob'))
  t.same((await post({ app }, { Records: [ofS3('source_data/2.csv', 'ObjectCreated:Put', 'any'), ofS3('source_data/../2.csv')] })).json(), { accepted: 1, ignored: 1 })
  await until(async () => (await app.inject('/data/2')).statusCode === 200)
})
