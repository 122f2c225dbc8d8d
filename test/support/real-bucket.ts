import { randomUUID } from 'node:crypto'
import { DeleteBucketCommand, DeleteObjectCommand, DeleteObjectsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import type { Test } from 'tap'
import { S3Store } from '../../lib/store/s3/s3-store.js'

/** A store of the owner over a new bucket, which is removed after the test. Sets the credentials of the owner in the environment. */
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

/** Removes a bucket of a real server with its objects. This is not a method of a store, because Userlake never deletes objects. */
export async function deleteBucket (endpoint: string, bucket: string): Promise<void> {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true })
  try {
    for (;;) {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
      if (Contents.length === 0) break
      const Objects = Contents.map(({ Key }) => ({ Key }))
      await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
    }
    await client.send(new DeleteBucketCommand({ Bucket: bucket }))
  } finally {
    client.destroy()
  }
}

/** Removes one object. */
export async function deleteObject (endpoint: string, bucket: string, key: string): Promise<void> {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true })
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
  client.destroy()
}
