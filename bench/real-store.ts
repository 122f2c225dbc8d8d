import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { promisify } from 'node:util'
import { forEachConcurrently } from '../lib/base/concurrent.js'
import { S3Store } from '../lib/store/s3/s3-store.js'
import { deleteBucket } from '../test/support/real-bucket.js'
import { isInstalled } from './child-process.js'
import { lakeObjects } from './lake-objects.js'
import { measureReading } from './reading.js'
import type { Report } from './report.js'

const RECORDS = 10_000
const run = promisify(execFile)

/** As `measureReading`, for the real S3 server at S3_TEST_ENDPOINT, with S3_TEST_ACCESS_KEY_ID and S3_TEST_SECRET_ACCESS_KEY. */
export async function measureRealStore (report: Report, { rounds, folder }: { readonly rounds: number, readonly folder: string }): Promise<void> {
  const { S3_TEST_ENDPOINT: endpoint, S3_TEST_STORE: name = 'a real S3 server', S3_TEST_ACCESS_KEY_ID: id, S3_TEST_SECRET_ACCESS_KEY: secret } = process.env
  if (endpoint === undefined) return report.skip('Cold load from a real S3 server', 'S3_TEST_ENDPOINT is not set')
  const { AWS_ACCESS_KEY_ID: benchId, AWS_SECRET_ACCESS_KEY: benchSecret } = process.env
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret })
  const bucket = `userlake-bench-${Date.now()}`
  const store = new S3Store({ bucket, endpoint })
  try {
    await store.create()
    await forEachConcurrently(lakeObjects(RECORDS), 32, async ([key, body]) => { await store.put(key, body) })
    await measureReading(report, endpoint, { rounds, small: bucket, large: bucket, suffix: `, ${name}` })
    await measureS5cmd(report, endpoint, bucket, folder, name)
  } finally {
    await store.close()
    await deleteBucket(endpoint, bucket)
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: benchId, AWS_SECRET_ACCESS_KEY: benchSecret })
  }
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
