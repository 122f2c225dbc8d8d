import { crc32 } from '../base/crc32.js'
import type { TableField } from '../table/table-field.js'
import type { Connection } from './connection.js'
import { columnsOfRow, toRow, type StoredRecord } from './stored-record.js'
import { OPEN_END, RECORDS_OF_SHARD, VALIDITY, VERSIONS_OF_SHARD } from './tables.js'

/** Rows are inserted when a shard has this number of them. */
const INSERT_ROWS = 10_000

export interface LoadOptions {
  readonly fields: readonly TableField[]
  /** The number of the version in which the records begin. */
  readonly number: bigint
}

/** Inserts records into the tables of their shards. They become visible when a version with this number is published. */
export async function insertRecords (connection: Connection, records: Iterable<StoredRecord> | AsyncIterable<StoredRecord>, { fields, number }: LoadOptions): Promise<void> {
  const columns: [string, ...string[]] = [...columnsOfRow(fields), ...VALIDITY.map(({ name }) => name)]
  const waiting: unknown[][][] = Array.from({ length: connection.shards }, () => [])
  const running = new Map<number, Promise<void>>()
  const insert = async (shard: number) => {
    const rows = waiting[shard]!
    waiting[shard] = []
    // At most one insert at a time in each shard bounds the memory.
    await running.get(shard)
    const inserted = connection.insert(shard, RECORDS_OF_SHARD, columns, rows)
    inserted.catch(() => {}) // thrown where it is awaited
    running.set(shard, inserted)
  }
  for await (const record of records) {
    const shard = shardOf(record.key, connection.shards)
    if (waiting[shard]!.push([...toRow(fields, record), String(number), OPEN_END, '0']) >= INSERT_ROWS) await insert(shard)
  }
  for (const shard of waiting.keys()) if (waiting[shard]!.length > 0) await insert(shard)
  await Promise.all(running.values())
}

/** Names a version, which makes it readable. Can be repeated. `undeclared`: its undeclared columns, in byte order; `stage`: that of the change that leads to it. */
export async function publishVersion (connection: Connection, number: bigint, { name, undeclared, records, stage = 0n }: { readonly name: string, readonly undeclared: readonly string[], readonly records: number, readonly stage?: bigint }): Promise<void> {
  await connection.insert(0, VERSIONS_OF_SHARD, ['version', 'name', 'columns', 'records', 'stage'], [[String(number), name, undeclared, records, String(stage)]])
}

/** The shard of a row with this key, counted from 0: as the sharding key of the Distributed tables. */
export function shardOf (key: string, shards: number): number {
  const bytes = Buffer.from(key)
  return crc32(bytes, 0, bytes.length) % shards
}
