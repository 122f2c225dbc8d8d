import { crc32 } from '../base/crc32.js'
import type { Connection } from './connection.js'

/** The maximum number of rows of one insert. */
const INSERT_ROWS = 10_000

/**
 * Inserts items as rows, each into the table of its shard.
 *
 * @param keyOf the key that decides on the shard of an item: the sharding key of the Distributed tables
 * @param toValues the values of an item, in the order of `columns`
 * @throws EngineError
 */
export async function insertByShard<T> (connection: Connection, table: string, columns: readonly string[], items: readonly T[], keyOf: (item: T) => string, toValues: (item: T) => unknown[]): Promise<void> {
  const shards = Array.from({ length: connection.shards }, (): T[] => [])
  for (const item of items) shards[shardOf(keyOf(item), shards.length)]!.push(item)
  await connection.forEachShard(async (shard) => {
    const some = shards[shard]!
    for (let from = 0; from < some.length; from += INSERT_ROWS) await connection.insert(shard, table, columns, some.slice(from, from + INSERT_ROWS).map(toValues))
  })
}

/** The shard of a key, counted from 0. */
function shardOf (key: string, shards: number): number {
  const bytes = Buffer.from(key)
  return crc32(bytes, 0, bytes.length) % shards
}
