import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { deleteBucket } from './real-bucket.js'

/** A store over a new bucket, which is removed after the test. Sets the credentials of the owner of the bucket (S3_TEST_ACCESS_KEY_ID) in the environment. */
export async function createBucket (t: Test): Promise<{ readonly bucket: string, readonly store: S3Store }> {
  const { S3_TEST_ENDPOINT: endpoint, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY } = process.env
  const owner = { AWS_ACCESS_KEY_ID: S3_TEST_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: S3_TEST_SECRET_ACCESS_KEY }
  Object.assign(process.env, owner)
  const bucket = `userlake-test-${randomUUID()}`
  const store = new S3Store({ bucket, endpoint })
  t.teardown(async () => {
    Object.assign(process.env, owner)
    await store.close()
    await deleteBucket(endpoint!, bucket)
  })
  await store.create()
  return { bucket, store }
}
