import t, { type Test } from 'tap'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import '../support/file-timeout.js'
import { startS3Endpoint, type S3Endpoint, type S3EndpointOptions } from '../support/s3-endpoint.js'
import type { StoreProfile } from '../support/s3-protocol.js'
import { contract } from '../support/store-contract.js'

/** Keys that S3 accepts, but not every store does. */
const ADDITIONAL_KEYS = ['line\nbreak', 'control\u0001', 'a//b', '/leading', 'trailing/', 'a/../b', './c']

async function start (t: Test, options: S3EndpointOptions): Promise<{ endpoint: S3Endpoint, store: S3Store }> {
  const endpoint = await startS3Endpoint(options)
  const store = new S3Store({ bucket: 'lake', endpoint: endpoint.url })
  t.teardown(async () => {
    await store.close()
    await endpoint.stop()
  })
  return { endpoint, store }
}

/** @param additionalKeys those of ADDITIONAL_KEYS that the server accepts */
function testEndpoint (t: Test, profile: StoreProfile, additionalKeys: readonly string[] = ADDITIONAL_KEYS): void {
  contract(t, {
    open: async (t, keys = []) => {
      const { endpoint, store } = await start(t, { profile })
      const bucket = endpoint.bucket('lake')
      for (const key of keys) bucket.put(key, key)
      return store
    },
    openStalled: async t => {
      const { endpoint, store } = await start(t, { profile })
      endpoint.bucket('lake').put('key', 'content')
      endpoint.intercept = ({ operation }) => operation === 'GET' ? new Promise(() => {}) : undefined
      return store
    },
    openMissing: async t => (await start(t, { profile })).store,
    additionalKeys
  })
}

t.test('an endpoint that behaves as AWS', async t => testEndpoint(t, 'aws'))
t.test('an endpoint that behaves as MinIO', async t => testEndpoint(t, 'minio', ['line\nbreak', 'control\u0001', 'trailing/']))
t.test('an endpoint that behaves as Ceph RGW 16.2', async t => testEndpoint(t, 'rgw'))

t.test('an endpoint that ignores the conditions of writes', async (t) => {
  const { endpoint, store } = await start(t, { profile: 'unconditional' })
  endpoint.bucket('lake').put('key', 'old')
  for (const ifMatch of [null, 'other']) t.match(await store.put('key', Buffer.from('new'), { ifMatch }), { etag: String })
  t.equal(endpoint.bucket('lake').get('key')!.body.toString(), 'new')
})

t.test('requests above the rate get 503 SlowDown, and are counted by operation', async (t) => {
  const { endpoint, store } = await start(t, { requestsPerSecond: 0.001 })
  endpoint.bucket('lake').put('key', 'content')
  t.match(await store.get('key'), { etag: String })
  await t.rejects(store.get('key'), { code: 'store_error' })
  t.match(endpoint.refused, { GET: endpoint.counts.GET - 1, LIST: 0 })
  endpoint.limit({})
  t.match(await store.get('key'), { etag: String })
})

t.test('requests are in flight during the latency, and their greatest number is counted', async (t) => {
  const { endpoint, store } = await start(t, { latencyMs: 20 })
  for (const key of ['a', 'b', 'c']) endpoint.bucket('lake').put(key, key)
  await Promise.all(['a', 'b', 'c'].map((key) => store.get(key)))
  t.equal(endpoint.mostInFlight, 3)
})
