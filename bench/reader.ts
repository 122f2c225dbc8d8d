import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { forEachConcurrently } from '../lib/base/concurrent.js'
import { reconcile } from '../lib/source/reconcile.js'
import { EMPTY_STATE, type SourceState } from '../lib/source/source-state.js'
import { S3Store } from '../lib/store/s3/s3-store.js'

// A process that reads a bucket when it is asked to, in one of these ways, and tells how long and how much CPU it took:
// reader.js <endpoint> <bucket> <way>

/** That of `reconcile`. */
const CONCURRENCY = 32
const [endpoint, bucket, way] = process.argv.slice(2) as [string, string, keyof typeof WAYS]
const rules = { prefix: 'source_data/', ownKeys: ['processed_data/output.csv'], imageExtensions: ['png'], delimiter: ',', timeZone: 'UTC' }
const store = new S3Store({ bucket, endpoint })
const sdk = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, requestHandler: { httpAgent: { keepAlive: true, maxSockets: 64 } } })
let known: SourceState | undefined

async function listBySdk (): Promise<string[]> {
  const keys: string[] = []
  let token: string | undefined
  do {
    const page = await sdk.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: rules.prefix, ContinuationToken: token }))
    for (const { Key } of page.Contents ?? []) keys.push(Key!)
    token = page.NextContinuationToken
  } while (token !== undefined)
  return keys
}

async function readByReconcile (previous: SourceState): Promise<number> {
  const { state } = await reconcile(store, previous, Date.now, { rules })
  known = state
  return state.table.length
}

const WAYS = {
  /** A plain loop with the SDK: lists, and downloads every info file. */
  async sdkLoad () {
    const keys = (await listBySdk()).filter((key) => key.endsWith('.csv'))
    await forEachConcurrently(keys, CONCURRENCY, async (key) => {
      const { Body } = await sdk.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      await Body!.transformToByteArray()
    })
    return keys.length
  },
  sdkList: async () => (await listBySdk()).length,
  load: async () => await readByReconcile(EMPTY_STATE),
  /** A reconcile of what is known already. */
  again: async () => await readByReconcile(known!),
  async list () {
    let objects = 0
    for await (const page of store.list(rules.prefix)) objects += page.length
    return objects
  }
}

process.on('message', async () => {
  if (way === 'again' && known === undefined) await readByReconcile(EMPTY_STATE)
  const cpu = process.cpuUsage()
  const began = performance.now()
  const objects = await WAYS[way]()
  const { user, system } = process.cpuUsage(cpu)
  process.send!({ objects, seconds: (performance.now() - began) / 1000, cpu: (user + system) / 1e6 })
})
process.stdout.write('{}\n')
process.on('SIGTERM', () => process.exit())
