import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { monotonicNow } from '../../lib/base/clock.js'
import { ClickHouseVersion } from '../../lib/clickhouse/clickhouse-version.js'
import { Commits, type Committed } from '../../lib/clickhouse/commits.js'
import { Connection } from '../../lib/clickhouse/connection.js'
import { LakeIngest } from '../../lib/clickhouse/ingest.js'
import { streamOutput } from '../../lib/output/output.js'
import { Publisher } from '../../lib/output/publisher.js'
import { compileSchema } from '../../lib/schema/schema.js'
import { USERS_SCHEMA } from '../../lib/schema/users-schema.js'
import { ObjectList, type ObjectInfo } from '../../lib/store/object-list.js'
import { FolderStore } from '../../lib/store/folder/folder-store.js'
import type { ReadableStore } from '../../lib/store/object-store.js'
import { readPreconditions, type Precondition } from '../../lib/store/precondition.js'
import { tableFields } from '../../lib/table/table-field.js'
import { drop, engineOptions, noClickHouse } from '../support/clickhouse.js'
import { S3Bucket } from '../support/s3-bucket.js'
import { MemoryStore } from '../support/stores.js'
import { finish, parseIsShort, print } from './lab.js'

const isShort = parseIsShort(`Loads a generated lake into ClickHouse and publishes its output to a folder, reconciles it without a change, and then with 1,000 changes, after which the output is published again. Prints the time and the
resident memory of this process. Fails if that exceeds 300 MiB, or if a listing finds other records than the lake has, or an output other changes. Without a network between this process and the lake, so that the engine and this process are what is measured.

CLICKHOUSE_TEST_SHARDS=URL,URL CLICKHOUSE_TEST_CLUSTER=NAME node --max-old-space-size=160 dist-test/test/lab/engine-ingest.js [--short]

  --short  100,000 records instead of 2,000,000
`)

if (noClickHouse !== false) finish([noClickHouse])

const RECORDS = isShort ? 100_000 : 2_000_000
const CHANGES = 1000
const MAX_MIB = 300
const SAMPLE_MS = 50
const MIB = 1024 * 1024
const rules = { prefix: 'in/', ownKeys: [], imageExtensions: ['png'], delimiter: ',', encoding: 'utf-8', duplicates: 'shortest', schema: USERS_SCHEMA, timeZone: 'UTC' } as const
const NAMES = ['Ann', 'Bob', 'Cyd', 'Dan', 'Eve', 'Fay', 'Gus', 'Hal']

/** The revision of each info file that has changed. */
const revisions = new Map<number, number>()
const keyOf = (record: number) => `in/${String(record).padStart(9, '0')}.csv`
const bodyOf = (record: number) => Buffer.from(`first_name,last_name,birthts\n${NAMES[record % 8]},Number ${record} ${revisions.get(record) ?? 0},${record * 1000}\n`)

function infoOf (record: number): ObjectInfo {
  const body = bodyOf(record)
  return { key: keyOf(record), etag: createHash('md5').update(body).digest('hex'), size: body.length, lastModified: 1_700_000_000_000 }
}

/** A lake in which every record has an info file, and every second one an image. */
const store: ReadableStore = {
  downloads: 64,
  list: async function * () {
    for (let first = 0; first < RECORDS; first += 500) {
      const page = new ObjectList()
      for (let record = first; record < Math.min(RECORDS, first + 500); record++) {
        page.push(infoOf(record))
        if (record % 2 === 0) page.push({ key: keyOf(record).replace('.csv', '.png'), etag: 'an image', size: 10_000, lastModified: 1_700_000_000_000 })
      }
      yield page
    }
  },
  get: async (key) => {
    const record = Number(key.slice(3, -4))
    return { ...infoOf(record), body: bodyOf(record) }
  },
  head: async () => undefined
}

const failures: string[] = []
let peak = 0
const sampler = setInterval(() => { peak = Math.max(peak, process.memoryUsage().rss) }, SAMPLE_MS)
const fields = tableFields(compileSchema(USERS_SCHEMA))
const folder = await mkdtemp(join(tmpdir(), 'userlake-lab-'))
const outputs = new FolderStore(folder)
const connection = await Connection.open(engineOptions())
const commits = await Commits.open({
  store: new MemoryStore(new S3Bucket(Date.now)), key: 'out.engine.json', connection, fields, timeZone: 'UTC', identity: { lake: 'lab', schema: USERS_SCHEMA }, clock: monotonicNow, wallClock: Date.now
})
const lake = new LakeIngest(store, { connection, commits, rules, clock: monotonicNow })
let base: Committed | undefined

async function run (name: string, touched: number | undefined): Promise<void> {
  peak = 0
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const found = await lake.reconcile(base)
  base = found.committed
  const { user, system } = process.cpuUsage(cpu)
  print(`${name}: ${Math.round(performance.now() - start)} ms, of which the listing ${Math.round(found.listingMs)} ms and the commit ${Math.round(found.work.phases.buildMs)} ms; CPU of this process ${Math.round((user + system) / 1000)} ms; at most ${Math.round(peak / MIB)} MiB`)
  if (base.records !== RECORDS) failures.push(`${name}: ${base.records} of ${RECORDS} records`)
  if (found.touched?.length !== touched) failures.push(`${name}: ${found.touched?.length} records were touched, and not ${touched}`)
  if (peak > MAX_MIB * MIB) failures.push(`${name}: ${Math.round(peak / MIB)} MiB`)
}

/** Publishes the output, as a process that has not seen the previous one. */
async function publish (name: string, expected: object): Promise<void> {
  peak = 0
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const precondition = (await readPreconditions(outputs, ['out.csv'])).get('out.csv') as Precondition
  const version = new ClickHouseVersion(connection, { ...base!, fields, timeZone: 'UTC' })
  const rendered = await streamOutput(version, { format: 'csv', key: 'out.csv' })
  const { added, changed, removed, skipped, bytes } = await new Publisher(outputs).publish({ key: 'out.csv', precondition, dryRun: false, ...rendered })
  const { user, system } = process.cpuUsage(cpu)
  print(`${name}, ${Math.round(bytes / MIB)} MiB: ${Math.round(performance.now() - start)} ms; CPU of this process ${Math.round((user + system) / 1000)} ms; at most ${Math.round(peak / MIB)} MiB`)
  if (!isDeepStrictEqual({ added, changed, removed, skipped }, expected)) failures.push(`${name}: ${JSON.stringify({ added, changed, removed, skipped })} instead of ${JSON.stringify(expected)}`)
  if (peak > MAX_MIB * MIB) failures.push(`${name}: ${Math.round(peak / MIB)} MiB`)
}

try {
  await run(`${RECORDS} records`, undefined)
  await publish('first output', { added: RECORDS, changed: 0, removed: 0, skipped: false })
  await publish('the same output', { added: 0, changed: 0, removed: 0, skipped: true })
  await run('no change', 0)
  for (let i = 0; i < CHANGES; i++) revisions.set(Math.floor(i * RECORDS / CHANGES), 1)
  await run(`${CHANGES} changes`, CHANGES)
  await publish('changed output', { added: 0, changed: CHANGES, removed: 0, skipped: false })
} finally {
  clearInterval(sampler)
  await drop(connection)
  await connection.close()
  await outputs.close()
  await rm(folder, { recursive: true })
}
finish(failures)
