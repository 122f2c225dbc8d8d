import t, { type Test } from 'tap'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import '../support/file-timeout.js'
import { startS3Endpoint, type S3Endpoint } from '../support/s3-endpoint.js'
import { contract } from '../support/store-contract.js'

/** Keys that S3 accepts and that are not paths of files. */
const FURTHER_KEYS = ['line\nbreak', 'control\u0001', 'a//b', '/leading', 'trailing/', 'a/../b', './c']

function testEndpoint (t: Test, unquotedIfMatch: boolean): void {
  const start = async (t: Test): Promise<{ endpoint: S3Endpoint, store: S3Store }> => {
    const endpoint = await startS3Endpoint({ unquotedIfMatch })
    const store = new S3Store({ bucket: 'lake', endpoint: endpoint.url })
    t.teardown(async () => {
      await store.close()
      await endpoint.stop()
    })
    return { endpoint, store }
  }
  contract(t, {
    open: async (t, keys = []) => {
      const { endpoint, store } = await start(t)
      const bucket = endpoint.bucket('lake')
      for (const key of keys) bucket.put(key, key)
      return store
    },
    openStalled: async t => {
      const { endpoint, store } = await start(t)
      endpoint.bucket('lake').put('key', 'content')
      endpoint.intercept = ({ operation }) => operation === 'GET' ? new Promise(() => {}) : undefined
      return store
    },
    openMissing: async t => (await start(t)).store,
    furtherKeys: FURTHER_KEYS
  })
}

t.test('an endpoint that behaves as AWS', async t => testEndpoint(t, false))
t.test('an endpoint with the quirk of Ceph RGW 16.2', async t => testEndpoint(t, true))
