import t, { type Test } from 'tap'
import { MAX_STATE_BYTES } from '../../lib/share/shared-state.js'
import { StoreError } from '../../lib/store/object-store.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { build, csv, PNG, type LogLine, type TestLake } from '../support/app.js'
import { listenToChanges } from '../support/event-stream.js'
import { STATE_KEY } from '../support/replicas.js'
import { TestTimers } from '../support/test-timers.js'
import { until } from '../support/until.js'

const files = { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '2.png': PNG }
const SHARING = { SHARE_LISTINGS: 'true' }

interface StateObject { readonly leader: string, readonly isIdle: boolean, readonly version: string, readonly writtenAt: number, readonly outputAgeMs: number | null, readonly outputs: readonly string[] }

const stateOf = ({ bucket }: TestLake) => (JSON.parse(bucket.get(STATE_KEY)!.body.toString()) as { state: StateObject }).state
const headersOf = async ({ app }: TestLake, url = '/data') => (await app.inject(url)).headers

/** Two replicas of one lake, the first of which leads. */
async function buildTwo (t: Test, options: Parameters<typeof build>[1] = {}): Promise<[leader: TestLake, follower: TestLake]> {
  const leader = await build(t, { files, settings: SHARING, ...options })
  await leader.app.inject('/data')
  await until(() => leader.bucket.get(STATE_KEY))
  leader.clock.advance(2500)
  await leader.app.inject('/data')
  await until(() => !stateOf(leader).isIdle)
  const follower = await build(t, { beside: leader, settings: SHARING, ...options })
  await follower.app.inject('/data')
  return [leader, follower]
}

t.test('a follower takes over the records, images, rejects and changes of the leader without a listing or a download', async (t) => {
  const [leader, follower] = await buildTwo(t)
  const { endpoint, bucket, clock } = leader
  const { 'data-version': since } = await headersOf(leader)
  bucket.put('source_data/1.csv', csv('Eve'))
  bucket.put('source_data/2.png', Buffer.concat([PNG, PNG]))
  bucket.put('source_data/3.csv', 'bad')
  bucket.put('source_data/4.png', PNG)
  clock.advance(2500)
  const version = (await headersOf(leader))['data-version']
  await until(() => stateOf(leader).version === version)
  endpoint.reset()
  clock.advance(1500)
  t.match(await headersOf(follower), { age: '1', 'data-version': version })
  t.equal(endpoint.counts.LIST, 0)
  t.same(endpoint.gets, [STATE_KEY])
  for (const url of ['/data?columns=*', '/stats', '/rejects', `/changes?since=${since}`, '/data.csv']) {
    const [expected, response] = [await leader.app.inject(url), await follower.app.inject(url)]
    t.equal(response.statusCode, 200)
    t.equal(response.body, expected.body, url)
    t.equal(response.headers.etag, expected.headers.etag, url)
  }
  t.same((await follower.app.inject(`/changes?since=${since}`)).json().changed.map((record: { user_id: string }) => record.user_id), ['1', '2'])
  t.same((await follower.app.inject('/data/2/image')).rawPayload, Buffer.concat([PNG, PNG]))
  t.equal(endpoint.counts.LIST, 0)
})

t.test('a consumer that goes from one replica to another may be ahead of a follower, which then reads the state first', async (t) => {
  const [leader, follower] = await buildTwo(t)
  const { endpoint, bucket, clock } = leader
  /** The version that the leader finds by a listing, once the state has it. */
  const publishVersion = async () => {
    const { headers } = await leader.app.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })
    await until(() => stateOf(leader).version === headers['data-version'])
    return String(headers['data-version'])
  }
  await follower.app.listen({ port: 0 })
  await until(() => follower.app.jobs.list().some(({ state }) => state === 'succeeded'))
  clock.advance(2500)
  for (const replica of [leader, follower]) await headersOf(replica)
  const listener = await listenToChanges(t, follower, `since=${(await headersOf(follower))['data-version']}`)
  bucket.put('source_data/1.csv', csv('Eve'))
  const since = await publishVersion()
  endpoint.reset()
  const response = await follower.app.inject(`/changes?since=${since}`)
  t.equal(response.statusCode, 200)
  t.match(response.json(), { since, next: since, changed: { length: 0 }, removed: { length: 0 } })
  t.match(await listener.next(), { event: 'changes', id: since })
  t.same(endpoint.gets, [STATE_KEY])
  bucket.put('source_data/2.csv', csv('Kim'))
  const other = await listenToChanges(t, follower, '', { 'last-event-id': await publishVersion() })
  bucket.put('source_data/2.csv', csv('Zoe'))
  const last = await publishVersion()
  clock.advance(2500)
  for (const replica of [leader, follower]) await headersOf(replica)
  t.match(await other.next(), { event: 'changes', id: last }, 'not a reset')
  endpoint.reset()
  t.equal((await follower.app.inject(`/changes?since=${'A'.repeat(22)}`)).statusCode, 410)
  t.equal((await leader.app.inject(`/changes?since=${'A'.repeat(22)}`)).statusCode, 410)
  t.equal(endpoint.counts.LIST, 0)
})

t.test('while nothing changes, a follower only sends conditional GETs of the state', async (t) => {
  const [leader, follower] = await buildTwo(t)
  const { endpoint, clock } = leader
  endpoint.reset()
  for (let i = 0; i < 4; i++) {
    clock.advance(2500)
    await leader.app.inject('/data')
    await follower.app.inject('/data')
  }
  t.equal(endpoint.counts.LIST, 4)
  t.same(endpoint.gets, Array(4).fill(STATE_KEY))
})

t.test('a POST on a follower lists the lake, publishes, and the other replica follows it', async (t) => {
  const [leader, follower] = await buildTwo(t)
  const { bucket, endpoint, clock } = leader
  const { leader: first } = stateOf(leader)
  const { 'data-version': since } = await headersOf(leader)
  bucket.put('source_data/5.csv', csv('Cid'))
  t.match((await follower.app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { records: 3 } })
  await until(() => stateOf(leader).leader !== first)
  const { next } = (await follower.app.inject(`/changes?since=${since}`)).json()
  // The former leader lists once more, notices at its next write that it does not lead any more, and then follows.
  for (let i = 0; i < 4; i++) {
    clock.advance(2500)
    t.match((await follower.app.inject('/stats')).json(), { count: 3 })
    t.match((await leader.app.inject('/stats')).json(), { count: 3 })
  }
  endpoint.reset()
  // If the former leader has found the change by its own listing, it does not know the position, and reports the change again.
  const again = (await leader.app.inject(`/changes?since=${next}`)).json() as { changed: { user_id: string }[], removed: string[] }
  t.ok(again.changed.every((record) => record.user_id === '5'), 'no other change is reported')
  t.same(again.removed, [])
  t.same((await leader.app.inject(`/changes?since=${since}`)).json().changed.map((record: { user_id: string }) => record.user_id), ['5'])
})

t.test('if the leader dies, a follower takes over after 15 seconds; a leader that shuts down is replaced at once', async (t) => {
  let isDead = false
  const store = (endpoint: string) => () => {
    const inner = new S3Store({ bucket: 'datalake', endpoint })
    const { put } = inner
    inner.put = async (...args) => {
      if (isDead) throw new StoreError('unreachable', 'the process is dead')
      return await put.apply(inner, args)
    }
    return inner
  }
  const other = await build(t, { files })
  const { clock, endpoint, bucket } = other
  const leader = await build(t, { beside: other, settings: SHARING, store: store(endpoint.url) })
  await leader.app.inject('/data')
  await until(() => bucket.get(STATE_KEY))
  clock.advance(2500)
  await leader.app.inject('/data')
  await until(() => !stateOf(leader).isIdle)
  const { leader: first } = stateOf(leader)
  const log: LogLine[] = []
  const takeovers = () => log.filter(({ msg }) => /^The replica that listed the lake/.test(msg))
  const follower = await build(t, { beside: other, settings: SHARING, log })
  await follower.app.inject('/data')
  isDead = true
  endpoint.reset()
  bucket.put('source_data/9.csv', csv('Zoe'))
  for (let i = 0; i < 5; i++) {
    clock.advance(2500)
    t.match((await headersOf(follower)).age, String(Math.floor(2.5 * (i + 1))), 'Age counts from the listing of the leader')
  }
  t.equal(endpoint.counts.LIST, 0)
  clock.advance(3000)
  t.match(await headersOf(follower), { age: '0', 'x-total-count': '3' })
  await until(() => stateOf(leader).leader !== first)
  t.equal(endpoint.counts.LIST, 1)
  t.match(takeovers(), [{ level: 30, unwritten_s: 16, msg: /for 16 s:/ }])
  clock.advance(2500)
  await follower.app.inject('/data')
  await until(() => !stateOf(leader).isIdle)
  const { leader: second } = stateOf(leader)
  const third = await build(t, { beside: other, settings: SHARING, log })
  await third.app.inject('/data')
  await follower.app.close()
  t.match(stateOf(leader), { leader: second, isIdle: true })
  clock.advance(2500)
  t.match(await headersOf(third), { age: '0' })
  await until(() => stateOf(leader).leader !== second)
  t.equal(takeovers().length, 1, 'only one that was not announced is logged')
})

t.test('with PUBLISH=false a replica follows; if no other one leads, it lists for itself and writes nothing', async (t) => {
  const [leader, follower] = await buildTwo(t)
  const { bucket, clock, endpoint } = leader
  const reader = await build(t, { beside: leader, settings: { ...SHARING, PUBLISH: 'false' } })
  await reader.app.inject('/data')
  endpoint.reset()
  clock.advance(2500)
  await leader.app.inject('/data')
  await reader.app.inject('/data')
  t.equal(endpoint.counts.LIST, 1)
  await leader.app.close()
  await follower.app.close()
  endpoint.reset()
  bucket.put('source_data/7.csv', csv('Kim'))
  clock.advance(2500)
  t.match(await headersOf(reader), { age: '0', 'x-total-count': '3' })
  await reader.app.close()
  t.equal(endpoint.counts.PUT, 0)
})

t.test('a scheduled job does nothing if another replica has brought the output up to date', async (t) => {
  const [one, two] = [new TestTimers(), new TestTimers()]
  const [leader] = await buildTwo(t, { timers: one })
  const follower = await build(t, { beside: leader, settings: SHARING, timers: two })
  const { app, clock, endpoint } = leader
  for (const { app } of [leader, follower]) {
    await app.listen({ port: 0 })
    await until(() => app.jobs.list().some(({ state }) => state === 'succeeded'))
  }
  const { writtenAt: before } = stateOf(leader)
  clock.advance(300_000)
  await one.tick()
  t.equal(app.jobs.list().length, 2)
  await until(() => stateOf(leader).writtenAt > before && stateOf(leader).outputAgeMs === 0)
  endpoint.reset()
  clock.advance(100_000)
  await two.tick()
  t.same(follower.app.jobs.list().map(({ trigger }) => trigger), ['startup'])
  t.same(endpoint.counts, { ...endpoint.counts, LIST: 0, GET: 1 })
  clock.advance(200_000)
  await two.tick()
  t.same(follower.app.jobs.list().map(({ trigger }) => trigger), ['schedule', 'startup'], 'the other one has not run for an interval')
})

t.test('a scheduled job runs unless another replica makes all of its outputs, with the same settings', async (t) => {
  const formats: [leader: string, follower: string, isDone: boolean][] = [['csv', 'csv,parquet', false], ['csv,parquet', 'csv', true], ['csv,parquet', 'csv,parquet', true]]
  for (const [first, second, isDone] of formats) {
    const timers = new TestTimers()
    const [leader] = await buildTwo(t, { settings: { ...SHARING, OUTPUT_FORMATS: first } })
    const { app } = await build(t, { beside: leader, settings: { ...SHARING, OUTPUT_FORMATS: second }, timers })
    await app.listen({ port: 0 })
    await until(() => app.jobs.list().some(({ state }) => state === 'succeeded'))
    leader.clock.advance(300_000)
    await leader.app.inject({ method: 'POST', url: '/data' })
    await until(() => stateOf(leader).outputs.length === first.split(',').length && stateOf(leader).outputAgeMs === 0)
    leader.clock.advance(100_000)
    await timers.tick()
    t.same(app.jobs.list().map(({ trigger }) => trigger), isDone ? ['startup'] : ['schedule', 'startup'], `${first}; ${second}`)
  }
})

t.test('a state that cannot be written is a warning, and each replica lists for itself', async (t) => {
  const lake = await build(t, { files, settings: SHARING })
  const { app, endpoint, bucket, clock } = lake
  endpoint.intercept = ({ operation, key }) => operation === 'PUT' && key === STATE_KEY ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined
  await app.inject('/data')
  await until(() => endpoint.puts.includes(STATE_KEY))
  for (let i = 0; i < 3; i++) {
    clock.advance(2500)
    t.match(await headersOf(lake), { age: '0' })
  }
  t.match(app.transformer.warnings(), [{ code: 'state_not_writable', detail: /refuses access/ }])
  t.same(endpoint.puts, [STATE_KEY], 'a refused write is not repeated at once')
  t.equal(bucket.get(STATE_KEY), undefined)
  endpoint.intercept = undefined
  clock.advance(30_000)
  await headersOf(lake)
  await until(() => bucket.get(STATE_KEY) !== undefined)
  await headersOf(lake)
  t.same(app.transformer.warnings(), [], 'half a minute after the right was given, the state is written')
})

const failStateWrites = ({ operation, key }: { readonly operation: string, readonly key: string }) =>
  operation === 'PUT' && key === STATE_KEY ? { status: 400, body: '<Error><Code>InvalidArgument</Code></Error>' } : undefined

t.test('a state that could not be written is reported until a job, which is repeated without requests, has written it', async (t) => {
  const timers = new TestTimers()
  const { app, endpoint, bucket, clock } = await build(t, { files, settings: SHARING, timers })
  const warnings = () => app.transformer.warnings().map(({ code }) => code)
  endpoint.intercept = failStateWrites
  await app.listen({ port: 0 })
  await until(() => endpoint.puts.includes(STATE_KEY) && app.jobs.list()[0]!.state === 'succeeded')
  clock.advance(6000)
  await timers.tick()
  t.same(warnings(), ['state_not_writable'])
  await until(() => endpoint.puts.filter((key) => key === STATE_KEY).length === 2)
  endpoint.intercept = undefined
  await until(() => timers.pauses.length === 1)
  clock.advance(6000)
  timers.pauses[0]!.end()
  await until(() => app.jobs.list().length === 3 && app.jobs.list()[0]!.state === 'succeeded')
  t.same(warnings(), [], 'the job that writes it reports that it is written')
  t.ok(bucket.get(STATE_KEY))
  t.equal(timers.pauses.length, 1, 'no further job is repeated')
})

t.test('a replica that could not write the state reports that only while no other one leads', async (t) => {
  const [leader, follower] = await buildTwo(t)
  const { endpoint, bucket, clock } = leader
  const warnings = () => follower.app.transformer.warnings().map(({ code }) => code)
  bucket.put('source_data/1.csv', csv('Eve'))
  endpoint.reset()
  endpoint.intercept = failStateWrites
  const { headers } = await follower.app.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })
  await until(() => endpoint.puts.includes(STATE_KEY))
  endpoint.intercept = undefined
  clock.advance(2500)
  await headersOf(leader)
  await until(() => stateOf(leader).version === headers['data-version'])
  clock.advance(1500)
  t.match(await headersOf(follower), { 'data-version': headers['data-version'] })
  t.same(warnings(), [])
  endpoint.intercept = failStateWrites
  for (let i = 0; i < 8; i++) {
    clock.advance(2500)
    await headersOf(follower)
  }
  t.same(warnings(), ['state_not_writable'])
})

t.test('a state that is damaged or too large is a warning, is not downloaded again, and is replaced after 15 seconds', async (t) => {
  for (const damaged of ['{', ' '.repeat(MAX_STATE_BYTES + 1)]) {
    const other = await build(t, { files })
    const { endpoint, bucket, clock } = other
    bucket.put(STATE_KEY, damaged)
    const lake = await build(t, { beside: other, settings: SHARING })
    const { app } = lake
    for (let i = 0; i < 6; i++) {
      t.match(await headersOf(lake), { age: '0', 'x-total-count': '2' })
      t.match(app.transformer.warnings(), [{ code: 'state_not_readable', detail: /damaged/ }])
      clock.advance(2500)
    }
    t.equal(bucket.get(STATE_KEY)!.body.toString(), damaged)
    await headersOf(lake)
    await until(() => bucket.get(STATE_KEY)!.body.toString() !== damaged)
    clock.advance(2500)
    await headersOf(lake)
    t.same(app.transformer.warnings(), [])
    t.ok(endpoint.counts.LIST >= 8)
  }
})

t.test('a state of other settings is not followed, and not replaced while it is renewed', async (t) => {
  const [leader] = await buildTwo(t)
  const { clock, endpoint } = leader
  const other = await build(t, { beside: leader, settings: { ...SHARING, IMAGE_EXTENSIONS: 'jpg' } })
  const { leader: name } = stateOf(leader)
  for (let i = 0; i < 10; i++) {
    clock.advance(2500)
    await leader.app.inject('/data')
    t.equal((await other.app.inject('/data/2')).json().img_path, null)
  }
  t.equal(stateOf(leader).leader, name)
  await leader.app.close()
  for (let i = 0; i < 8; i++) {
    clock.advance(2500)
    await other.app.inject('/data')
  }
  await until(() => stateOf(leader).leader !== name)
  endpoint.reset()
})
