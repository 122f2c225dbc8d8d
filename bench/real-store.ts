import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { promisify } from 'node:util'
import { forEachConcurrently } from '../lib/base/concurrent.js'
import { S3Store } from '../lib/store/s3/s3-store.js'
import { deleteBucket } from '../test/support/real-bucket.js'
import { measureReading } from './bucket.js'
import { isInstalled } from './child.js'
import { lakeObjects } from './lake-users.js'
import type { Report } from './report.js'

const USERS = 10_000
const run = promisify(execFile)

/** What reading a bucket of a real S3 server costs: S3_TEST_ENDPOINT, with S3_TEST_ACCESS_KEY_ID and S3_TEST_SECRET_ACCESS_KEY. */
export async function measureRealStore (report: Report, folder: string): Promise<void> {
  const { S3_TEST_ENDPOINT: endpoint, S3_TEST_STORE: name = 'a real S3 server', S3_TEST_ACCESS_KEY_ID: id, S3_TEST_SECRET_ACCESS_KEY: secret } = process.env
  if (endpoint === undefined) return report.skip('Cold load from a real S3 server', 'S3_TEST_ENDPOINT names none')
  const { AWS_ACCESS_KEY_ID: benchId, AWS_SECRET_ACCESS_KEY: benchSecret } = process.env
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret })
  const bucket = `userlake-bench-${Date.now()}`
  const store = new S3Store({ bucket, endpoint })
  try {
    await store.create()
    await forEachConcurrently(lakeObjects(USERS), 32, async ([key, body]) => { await store.put(key, body) })
    await measureReading(report, endpoint, { small: bucket, large: bucket, store: `, ${name}` })
    await measureS5cmd(report, endpoint, bucket, folder, name)
  } finally {
    await store.close()
    await deleteBucket(endpoint, bucket)
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: benchId, AWS_SECRET_ACCESS_KEY: benchSecret })
  }
}

/** A fast client, written in Go, that copies the info files into a folder. */
async function measureS5cmd (report: Report, endpoint: string, bucket: string, folder: string, name: string): Promise<void> {
  const label = `s5cmd, info files a second, ${name}`
  if (!isInstalled('s5cmd')) return report.skip(label, 's5cmd is not installed')
  const target = mkdtempSync(`${folder}/s5cmd-`)
  const began = performance.now()
  await run('s5cmd', ['--endpoint-url', endpoint, 'cp', `s3://${bucket}/source_data/*.csv`, `${target}/`], { maxBuffer: 2 ** 28 })
  report.tell(label, USERS / ((performance.now() - began) / 1000))
  rmSync(target, { recursive: true })
}
