import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { forEachConcurrently } from '../lib/base/concurrent.js'
import { RetryBudget } from '../lib/base/retry-budget.js'
import { reconcile } from '../lib/source/reconcile.js'
import { USERS_SCHEMA } from '../lib/schema/users-schema.js'
import { EMPTY_STATE, type SourceState } from '../lib/source/source-state.js'
import { ObjectList } from '../lib/store/object-list.js'
import { FALL_BACK_TO_SDK, S3FastPath, type FastPage } from '../lib/store/s3/fast-path/s3-fast-path.js'
import { createClients } from '../lib/store/s3/s3-client.js'
import { S3Store } from '../lib/store/s3/s3-store.js'

// Reads a bucket once per message, and replies with the number of objects, the duration and the CPU time in seconds:
// reader.js <endpoint> <bucket> <one of TASKS> [<number of downloads at a time; default: adaptive>]

/** The concurrency of the loop that uses the SDK. */
const CONCURRENCY = 32
const [endpoint, bucket, task, downloads] = process.argv.slice(2) as [string, string, keyof typeof TASKS, string?]
const rules = {
  prefix: 'source_data/', ownKeys: ['processed_data/output.csv'], imageExtensions: ['png'], delimiter: ',', encoding: 'utf-8', duplicates: 'shortest', schema: USERS_SCHEMA, timeZone: 'UTC'
} as const
const store = new S3Store({ bucket, endpoint, ...downloads !== undefined && { minDownloads: Number(downloads), maxDownloads: Number(downloads) } })
const fastPath = new S3FastPath(bucket, createClients({ endpoint }, new RetryBudget()), { maxMs: 20_000, maxDownloads: CONCURRENCY })
const sdk = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, requestHandler: { httpAgent: { keepAlive: true, maxSockets: 64 } } })
/** The state after the last reconcile. */
let last: SourceState | undefined

async function listWithSdk (): Promise<string[]> {
  const keys: string[] = []
  let token: string | undefined
  do {
    const page = await sdk.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: rules.prefix, ContinuationToken: token }))
    for (const { Key } of page.Contents ?? []) keys.push(Key!)
    token = page.NextContinuationToken
  } while (token !== undefined)
  return keys
}

async function reconcileFrom (previous: SourceState): Promise<number> {
  const { state } = await reconcile(store, previous, Date.now, { rules })
  last = state
  return state.table.length
}

/** Each task returns the number of objects that it has read. */
const TASKS = {
  /** A plain loop with the SDK: lists the bucket and downloads every info file. */
  async sdkLoad () {
    const keys = (await listWithSdk()).filter((key) => key.endsWith('.csv'))
    await forEachConcurrently(keys, CONCURRENCY, async (key) => {
      const { Body } = await sdk.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      await Body!.transformToByteArray()
    })
    return keys.length
  },
  sdkList: async () => (await listWithSdk()).length,
  load: async () => await reconcileFrom(EMPTY_STATE),
  /** A reconcile that finds nothing new. */
  relist: async () => await reconcileFrom(last!),
  /** A listing with the store of the service. */
  async list () {
    let objects = 0
    for await (const page of store.list(rules.prefix)) objects += page.length
    return objects
  },
  /** The same pages one after the other, each requested as soon as the one before it has been received. */
  async listSequentially () {
    const page = new ObjectList()
    let objects = 0
    let next: Promise<FastPage> | undefined = fastPath.fetchPage(rules.prefix, { after: undefined })
    while (next !== undefined) {
      const received: FastPage = await next
      next = received.next === undefined ? undefined : fastPath.fetchPage(rules.prefix, { token: received.next })
      if (received.read(page) === FALL_BACK_TO_SDK) throw new Error('The page could not be read')
      objects += page.length
    }
    return objects
  }
}

process.on('message', async () => {
  if (task === 'relist' && last === undefined) await reconcileFrom(EMPTY_STATE)
  const cpu = process.cpuUsage()
  const start = performance.now()
  const objects = await TASKS[task]()
  const { user, system } = process.cpuUsage(cpu)
  process.send!({ objects, seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 })
})
process.stdout.write('{}\n') // reports that the process is ready
process.on('SIGTERM', () => process.exit())
