import { monotonicNow } from '../../lib/base/clock.js'
import { ClickHouseVersion } from '../../lib/clickhouse/clickhouse-version.js'
import { Commits, type Committed } from '../../lib/clickhouse/commits.js'
import { Connection } from '../../lib/clickhouse/connection.js'
import { LakeIngest } from '../../lib/clickhouse/ingest.js'
import { sql } from '../../lib/clickhouse/sql.js'
import { renderOutput, streamOutput, type Output, type RenderedOutput } from '../../lib/output/output.js'
import type { DataVersion } from '../../lib/query/data-version.js'
import { TableVersion } from '../../lib/query/table-version.js'
import { compileSchema } from '../../lib/schema/schema.js'
import { USERS_SCHEMA } from '../../lib/schema/users-schema.js'
import { findPosition, keysBetween, lastPosition } from '../../lib/source/change-log.js'
import { reconcile } from '../../lib/source/reconcile.js'
import { EMPTY_NAME, emptyState, type SourceState } from '../../lib/source/source-state.js'
import { tableFields } from '../../lib/table/table-field.js'
import { drop, engineOptions } from '../support/clickhouse.js'
import { S3Bucket } from '../support/s3-bucket.js'
import { MemoryStore } from '../support/stores.js'
import type { GeneratedLake } from './generated-lake.js'

/** A lake in one of the engines. */
export interface LakeEngine {
  /** Whether the records are in other processes. */
  readonly isRemote: boolean
  /** The version after the last reconcile. */
  readonly version: DataVersion
  readonly records: number
  /** Returns the duration of the listing in milliseconds, and the number of records that were added, changed or removed; `undefined` for the first listing. */
  reconcile (): Promise<{ readonly listingMs: number, readonly touched: number | undefined }>
  renderOutput (output: Output): Promise<RenderedOutput>
  /** The CPU time of the servers of the engine since they were started. */
  cpuMs (): Promise<number>
  close (): Promise<void>
}

const FIELDS = tableFields(compileSchema(USERS_SCHEMA))
const RULES = { ownKeys: [], imageExtensions: ['png'], delimiter: ',', encoding: 'utf-8', duplicates: 'shortest', schema: USERS_SCHEMA, timeZone: 'UTC' } as const

/** The lake in a database of its own, which `close` removes, in the cluster of the tests. */
export async function openClickHouse (lake: GeneratedLake): Promise<LakeEngine> {
  const connection = await Connection.open(engineOptions())
  const commits = await Commits.open({
    store: new MemoryStore(new S3Bucket(Date.now)), key: 'out.engine.json', connection, fields: FIELDS, timeZone: 'UTC', identity: { lake: 'lab', schema: USERS_SCHEMA }, clock: monotonicNow, wallClock: Date.now
  })
  const ingest = new LakeIngest(lake, { connection, commits, rules: { ...RULES, prefix: lake.prefix }, clock: monotonicNow })
  let last: Committed | undefined
  const open = () => new ClickHouseVersion(connection, { ...last!, fields: FIELDS, timeZone: 'UTC' })
  return {
    isRemote: true,
    get version () { return open() },
    get records () { return last?.records ?? 0 },
    reconcile: async () => {
      const { committed, listingMs, touched } = await ingest.reconcile(last)
      last = committed
      return { listingMs, touched: touched?.length }
    },
    renderOutput: async (output) => await streamOutput(open(), output),
    cpuMs: async () => {
      const nodes = await connection.queryNodes<[string]>(sql`SELECT toString(value) FROM system.events WHERE event = 'OSCPUVirtualTimeMicroseconds'`)
      return nodes.reduce((sum, { rows }) => sum + Number(rows[0]?.[0] ?? 0), 0) / 1000
    },
    close: async () => {
      await drop(connection)
      await connection.close()
    }
  }
}

/** The lake in the memory of this process. */
export async function openInProcess (lake: GeneratedLake): Promise<LakeEngine> {
  let state = emptyState(FIELDS)
  let version = new TableVersion(state.table, 'UTC')
  return {
    isRemote: false,
    get version () { return version },
    get records () { return state.table.length },
    reconcile: async () => {
      const previous = state
      const { state: next, listingMs } = await reconcile(lake, previous, monotonicNow, { rules: { ...RULES, prefix: lake.prefix } })
      state = next
      version = new TableVersion(state.table, 'UTC', state.images)
      return { listingMs, touched: previous.name === EMPTY_NAME ? undefined : countTouched(previous, next) }
    },
    renderOutput: async (output) => await renderOutput(version, output),
    cpuMs: async () => 0,
    close: async () => {}
  }
}

function countTouched ({ changes: before }: SourceState, { changes }: SourceState): number {
  return keysBetween(changes, findPosition(changes, lastPosition(before))!, changes.ends.length - 1).length
}
