import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { forEachConcurrently } from '../../lib/base/concurrent.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { deleteBucket } from '../support/real-bucket.js'
import { contract } from '../support/store-contract.js'

const { S3_TEST_ENDPOINT: endpoint, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY, S3_TEST_STORE: name } = process.env
const skip = endpoint === undefined &&
  'set S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY (and S3_TEST_STORE, its name) to test one'

/** A store whose bucket does not exist yet. The test creates it, and it is deleted after the test. */
function openMissing (t: Test): S3Store {
  const bucket = `userlake-test-${randomUUID()}`
  const store = new S3Store({ bucket, endpoint })
  t.teardown(async () => {
    await store.close()
    await deleteBucket(endpoint!, bucket)
  })
  return store
}

t.test(name ?? 'a real S3 server', { skip }, async t => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: S3_TEST_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: S3_TEST_SECRET_ACCESS_KEY })
  contract(t, {
    open: async (t, keys = []) => {
      const store = openMissing(t)
      await store.create()
      await forEachConcurrently(keys, 32, async key => { await store.put(key, Buffer.from(key)) })
      return store
    },
    openMissing: async t => openMissing(t),
    additionalKeys: ['line\nbreak']
  })
})
