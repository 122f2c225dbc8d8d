import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { StoreError } from '../../../../lib/store/object-store.js'
import { INITIAL_DOWNLOADS } from '../../../../lib/store/s3/download-queue.js'
import { S3Store } from '../../../../lib/store/s3/s3-store.js'
import { listAll } from '../../../support/store-contract.js'
import { setUpS3, type S3Setup } from '../../../support/s3-setup.js'
import { gate, until } from '../../../support/until.js'

const keysOf = (count: number) => Array.from({ length: count }, (_, i) => `key-${i}`)

/** Puts objects into the bucket, whose bodies are their keys. */
function fill ({ bucket }: S3Setup, count: number): string[] {
  const keys = keysOf(count)
  for (const key of keys) bucket.put(key, key)
  return keys
}

/** Downloads all keys at once. Returns the bodies, or the codes of errors. */
async function getAll (store: S3Store, keys: readonly string[], maxMs?: number): Promise<string[]> {
  return await Promise.all(keys.map(async (key) => {
    try {
      const found = await store.get(key, maxMs === undefined ? {} : { maxMs })
      return typeof found === 'object' ? found.body.toString() : String(found)
    } catch (error) {
      return (error as StoreError).code
    }
  }))
}

t.test('from a store that is far away, more and more objects are downloaded at a time', async (t) => {
  const setup = await setUpS3(t, { latencyMs: 400 })
  const keys = fill(setup, 700)
  t.same(await getAll(setup.store, keys), keys)
  t.ok(setup.endpoint.mostInFlight > 64, `${setup.endpoint.mostInFlight} at a time`)
  t.ok(setup.endpoint.mostInFlight <= 512)
})

t.test('at most maxDownloads objects are downloaded at a time, also if minDownloads is the same number', async (t) => {
  for (const options of [{ maxDownloads: 1 }, { maxDownloads: 100 }, { minDownloads: 20, maxDownloads: 20 }]) {
    const setup = await setUpS3(t, { latencyMs: 10, ...options })
    const keys = fill(setup, 500)
    t.same(await getAll(setup.store, keys.slice(0, options.maxDownloads * 10)), keys.slice(0, options.maxDownloads * 10))
    t.ok(setup.endpoint.mostInFlight <= options.maxDownloads)
  }
})

t.test('the time that a retry waits for other downloads does not count towards its time limit', async (t) => {
  const setup = await setUpS3(t, { maxDownloads: 1 })
  const [first, second] = fill(setup, 2)
  const { opened, open } = gate()
  let hasFailed = false
  setup.endpoint.intercept = async ({ key }) => {
    if (key === second) return await opened
    if (hasFailed) return undefined
    hasFailed = true
    return { status: 500 }
  }
  const maxMs = 1000
  const all = Promise.all([getAll(setup.store, [first!], maxMs), getAll(setup.store, [second!])])
  await until(() => hasFailed && setup.endpoint.counts.GET === 2)
  await sleep(1.3 * maxMs)
  open()
  t.same(await all, [[first], [second]])
})

t.test('a store that refuses some requests is read at the rate that it accepts, and nothing is lost', async (t) => {
  const setup = await setUpS3(t, { requestsPerSecond: 100 })
  const keys = fill(setup, 300)
  t.same(await getAll(setup.store, keys), keys)
  const { counts, refused } = setup.endpoint
  t.ok(refused.GET > 0)
  t.equal(counts.GET, keys.length + refused.GET)
})

t.test('many refusals at the same time do not make downloads fail', async (t) => {
  const setup = await setUpS3(t, { minDownloads: 200 })
  const keys = fill(setup, 400)
  const arrived: (() => void)[] = []
  setup.endpoint.intercept = async ({ operation }) => {
    if (operation !== 'GET' || arrived.length === 200) return undefined
    await new Promise<void>((resolve) => {
      arrived.push(resolve)
      if (arrived.length === 200) arrived.forEach((refuse) => refuse())
    })
    return { status: 503 }
  }
  t.same(await getAll(setup.store, keys), keys)
})

t.test('an outage does not multiply requests', async (t) => {
  const faults = { refused: { status: 503, body: '<Error><Code>SlowDown</Code></Error>' }, throttled: { status: 429 }, failed: { status: 500 }, reset: 'drop' } as const
  for (const [name, fault] of Object.entries(faults)) {
    const setup = await setUpS3(t)
    const keys = fill(setup, 2000)
    setup.endpoint.intercept = ({ operation }) => operation === 'GET' ? fault : undefined
    t.same(new Set(await getAll(setup.store, keys)), new Set([name === 'reset' ? 'unreachable' : 'store_error']))
    t.ok(setup.endpoint.counts.GET < 400, `${name}: ${setup.endpoint.counts.GET} requests for 2,000 objects`)
    setup.endpoint.intercept = undefined
    t.equal((await listAll(setup.store, '')).length, 2000, 'other requests are served')
    await recovers(t, setup, keys[0]!)
  }
})

async function recovers (t: Test, { store }: S3Setup, key: string): Promise<void> {
  for (;;) {
    const [body] = await getAll(store, [key])
    if (body === key) break
    await new Promise((resolve) => { setTimeout(resolve, 50) })
  }
  t.pass('downloads succeed again')
}

t.test('downloads that stall do not delay listings, images and outputs, and the downloads that wait for them fail', async (t) => {
  const setup = await setUpS3(t)
  const keys = fill(setup, 600)
  setup.bucket.put('image', 'image')
  let stalled = 0
  setup.endpoint.intercept = ({ operation, key }) => {
    if (operation !== 'GET' || key === 'image') return undefined
    stalled++
    return new Promise(() => {})
  }
  const downloads = getAll(setup.store, keys, 300)
  t.equal((await listAll(setup.store, '')).length, 601)
  const image = await setup.store.stream('image')
  image!.body.resume()
  t.match(await setup.store.head('image'), { size: 5 })
  t.match(await setup.store.put('output', Buffer.from('x')), { etag: String })
  t.same(new Set(await downloads), new Set(['timeout']))
  t.ok(stalled < 300, `${stalled} of 600 were requested`)
})

t.test('a store that stalls for a short time fails the downloads in flight only', async (t) => {
  const setup = await setUpS3(t, { minDownloads: INITIAL_DOWNLOADS })
  const keys = fill(setup, 3000)
  let stalled = 0
  // The last five requests to stall are the first ones after the pause.
  const stalls = INITIAL_DOWNLOADS + 5
  setup.endpoint.intercept = ({ operation }) => operation !== 'GET' || stalled === stalls ? undefined : new Promise(() => { stalled++ })
  const results = await getAll(setup.store, keys, 300)
  t.same(results.filter((result, i) => result !== keys[i]), Array(stalls).fill('timeout'))
})

t.test('an object to which there is no access is requested once', async (t) => {
  const setup = await setUpS3(t)
  setup.endpoint.intercept = () => ({ status: 403, body: '<Error><Code>AccessDenied</Code></Error>' })
  t.same(await getAll(setup.store, ['key']), ['access_denied'])
  t.equal(setup.endpoint.counts.GET, 1)
})

t.test('failures of other requests use the same budget of retries', async (t) => {
  const { endpoint, store } = await setUpS3(t)
  endpoint.intercept = () => 'drop'
  for (let i = 0; i < 60; i++) await t.rejects(store.put('key', Buffer.from('x')), { code: 'unreachable' })
  t.ok(endpoint.counts.PUT <= 60 + 100, `${endpoint.counts.PUT} requests`)
})
