import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { promisify } from 'node:util'
import { forEachConcurrently } from '../lib/base/concurrent.js'
import { S3Store } from '../lib/store/s3/s3-store.js'
import { startDelayingProxy } from '../test/support/delaying-proxy.js'
import { deleteBucket } from '../test/support/real-bucket.js'
import { isInstalled } from './child-process.js'
import { measureFar, type FarOptions } from './far.js'
import { lakeObjects } from './lake-objects.js'
import { measureReading } from './reading.js'
import type { Report } from './report.js'

const RECORDS = 10_000
/** The number of records added to the lake of the real server: fewer than the 100,000 of `farEndpoint`, because a real server writes each one to its disk. */
const ADDED_RECORDS = 10_000
const run = promisify(execFile)

/** A bucket of the real S3 server at S3_TEST_ENDPOINT. */
interface RealBucket {
  readonly store: S3Store
  readonly endpoint: string
  readonly bucket: string
  /** S3_TEST_STORE: the name of the server. */
  readonly name: string
}

/** As `measureReading`, for the real S3 server at S3_TEST_ENDPOINT, with S3_TEST_ACCESS_KEY_ID and S3_TEST_SECRET_ACCESS_KEY. */
export async function measureRealStore (report: Report, { rounds, folder }: { readonly rounds: number, readonly folder: string }): Promise<void> {
  await withRealBucket(report, 'Cold load from a real S3 server', async ({ store, endpoint, bucket, name }) => {
    await fill(store, RECORDS)
    await measureReading(report, endpoint, { rounds, small: bucket, large: bucket, suffix: `, ${name}` })
    await measureS5cmd(report, endpoint, bucket, folder, name)
  })
}

/** As `measureFar`, for the real S3 server, through a TCP proxy that delays each request. */
export async function measureFarRealStore (report: Report, options: FarOptions): Promise<void> {
  await withRealBucket(report, 'Reads, a real S3 server that is far away', async ({ store, endpoint, bucket, name }) => {
    const proxy = await startDelayingProxy(endpoint)
    await measureFar(report, {
      suffix: `, ${name}`,
      tolerance: 1.2,
      settings: { LAKE_URL: `s3://${bucket}`, AWS_ENDPOINT_URL_S3: proxy.url },
      addedRecords: ADDED_RECORDS,
      fill: (records) => fill(store, records),
      setLatency: async (ms) => { proxy.latencyMs = ms }
    }, options)
    await proxy.stop()
  })
}

/** Calls `work` with a new bucket, and deletes the bucket. Meanwhile the credentials of the environment are those of the server. */
async function withRealBucket (report: Report, row: string, work: (bucket: RealBucket) => Promise<void>): Promise<void> {
  const { S3_TEST_ENDPOINT: endpoint, S3_TEST_STORE: name = 'a real S3 server', S3_TEST_ACCESS_KEY_ID: id, S3_TEST_SECRET_ACCESS_KEY: secret } = process.env
  if (endpoint === undefined) return report.skip(row, 'S3_TEST_ENDPOINT is not set')
  const { AWS_ACCESS_KEY_ID: benchId, AWS_SECRET_ACCESS_KEY: benchSecret } = process.env
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret })
  const bucket = `userlake-bench-${Date.now()}`
  const store = new S3Store({ bucket, endpoint })
  try {
    await store.create()
    await work({ store, endpoint, bucket, name })
  } finally {
    await store.close()
    await deleteBucket(endpoint, bucket)
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: benchId, AWS_SECRET_ACCESS_KEY: benchSecret })
  }
}

async function fill (store: S3Store, records: number): Promise<void> {
  await forEachConcurrently(lakeObjects(records), 32, async ([key, body]) => { await store.put(key, body) })
}

/** For comparison, measures how fast s5cmd, a client written in Go, copies the info files into a folder. */
async function measureS5cmd (report: Report, endpoint: string, bucket: string, folder: string, storeName: string): Promise<void> {
  const name = `s5cmd, info files a second, ${storeName}`
  if (!isInstalled('s5cmd')) return report.skip(name, 's5cmd is not installed')
  const target = mkdtempSync(`${folder}/s5cmd-`)
  const start = performance.now()
  await run('s5cmd', ['--endpoint-url', endpoint, 'cp', `s3://${bucket}/source_data/*.csv`, `${target}/`], { maxBuffer: 2 ** 28 })
  report.inform({ name, value: RECORDS / ((performance.now() - start) / 1000) })
  rmSync(target, { recursive: true })
}
