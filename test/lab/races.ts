import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { raceWrites, WRITERS } from '../../lib/store/check-writes.js'
import { FolderStore } from '../../lib/store/folder/folder-store.js'
import type { ObjectStore } from '../../lib/store/object-store.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { deleteBucket } from '../support/real-bucket.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { finish, parseIsShort, print } from './lab.js'

const isShort = parseIsShort(`Lets ${WRITERS} writers replace one object at the same time, each on the condition that it is unchanged, on a folder, on the endpoint of the tests and, if
S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID and S3_TEST_SECRET_ACCESS_KEY are set, on a real S3 server. Fails unless each round has exactly one winner, whose content is then read.

node dist-test/test/lab/races.js [--short]

  --short  200 rounds on the folder instead of 10,000, and 20 instead of 500 on each server
`)

const [FOLDER_ROUNDS, S3_ROUNDS] = isShort ? [200, 20] : [10_000, 500]
const KEY = 'processed_data/output.csv'
const failures: string[] = []

async function run (name: string, store: ObjectStore, rounds: number): Promise<void> {
  const begin = performance.now()
  let expected: string | null = null
  for (let round = 1; round <= rounds; round++) {
    const { winners, losses } = await raceWrites(store, KEY, expected, Array.from({ length: WRITERS }, (_, writer) => `round ${round}, writer ${writer}`))
    const found = await store.get(KEY)
    const [winner] = winners
    if (winners.length !== 1) failures.push(`${name}, round ${round}: ${winners.length} winners`)
    else if (typeof found !== 'object' || String(found.body) !== winner!.body || found.etag !== winner!.etag) failures.push(`${name}, round ${round}: the object is not what the winner wrote`)
    const other = losses.find(({ code }) => code !== 'precondition_failed')
    if (other !== undefined) failures.push(`${name}, round ${round}: ${other.message}`)
    expected = typeof found === 'object' ? found.etag : null
  }
  print(`${name}: ${rounds} rounds of ${WRITERS} writers, ${((performance.now() - begin) / 1000).toFixed(1)} s`)
}

async function onFolder (): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'races-'))
  const store = new FolderStore(root)
  await run('folder', store, FOLDER_ROUNDS)
  await store.close()
  rmSync(root, { recursive: true })
}

async function onEndpoint (): Promise<void> {
  const endpoint = await startS3Endpoint()
  endpoint.bucket('lake')
  const store = new S3Store({ bucket: 'lake', endpoint: endpoint.url })
  await run('test endpoint', store, S3_ROUNDS)
  await store.close()
  await endpoint.stop()
}

async function onServer (endpoint: string): Promise<void> {
  const { S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY, S3_TEST_STORE } = process.env
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: S3_TEST_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: S3_TEST_SECRET_ACCESS_KEY })
  const bucket = `userlake-races-${randomUUID()}`
  const store = new S3Store({ bucket, endpoint })
  await store.create()
  await run(S3_TEST_STORE ?? endpoint, store, S3_ROUNDS)
  await store.close()
  await deleteBucket(endpoint, bucket)
}

await onFolder()
await onEndpoint()
if (process.env['S3_TEST_ENDPOINT'] !== undefined) await onServer(process.env['S3_TEST_ENDPOINT'])
finish(failures)
