import type { Test } from 'tap'
import { S3Store, type S3StoreSettings } from '../../lib/store/s3/s3-store.js'
import './file-timeout.js'
import type { S3Bucket } from './s3-bucket.js'
import { startS3Endpoint, type S3Endpoint, type S3EndpointOptions } from './s3-endpoint.js'

export interface S3Setup {
  readonly endpoint: S3Endpoint
  readonly bucket: S3Bucket
  readonly store: S3Store
}

/** A store over the empty bucket `lake` of an endpoint; all end with the test. */
export async function setUpS3 (
  t: Test, options: S3EndpointOptions & Omit<Partial<S3StoreSettings>, 'endpoint'> = {}
): Promise<S3Setup> {
  const endpoint = await startS3Endpoint(options)
  const bucket = endpoint.bucket('lake')
  const store = new S3Store({ bucket: 'lake', ...options, endpoint: endpoint.url })
  t.teardown(async () => {
    await store.close()
    await endpoint.stop()
  })
  return { endpoint, bucket, store }
}
