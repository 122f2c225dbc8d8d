import type { Connection } from './connection.js'
import type { KnownManifest } from './manifest.js'
import { number, parameter, sql } from './sql.js'
import { dropStages, TABLES_WITH_STAGES } from './stage.js'
import { DATA_TABLES, FORGOTTEN, STAGES_OF_SHARD, VERSIONS_OF_SHARD } from './tables.js'

/**
 * Forgets the versions that were replaced at least this number of milliseconds ago, by the clock of the engine: first they are marked as forgotten on each node, which each
 * reader of one of them checks after its last row, and then the rows that only they have are removed. Can be repeated and interrupted anywhere.
 */
export async function forgetVersions (connection: Connection, olderThanMs: number): Promise<void> {
  const [row] = await connection.queryOn<[below: string]>(0, sql`
    SELECT toString(max(version)) FROM ${connection.table(VERSIONS_OF_SHARD)} WHERE published <= now64(3) - toIntervalMillisecond(${number(Math.ceil(olderThanMs))})`)
  const below = BigInt(row![0])
  if (below === 0n) return
  const nodes = await connection.queryNodes<[below: string]>(sql`SELECT toString(max(below)) FROM ${connection.table(FORGOTTEN)}`)
  const limit = parameter(below, 'UInt64')
  if (nodes.some(({ rows }) => BigInt(rows[0]![0]) < below)) await connection.command(sql`INSERT INTO ${connection.table(FORGOTTEN)} SELECT ${limit}`)
  const ended = sql`stage = 0 AND valid_to <= ${limit}`
  await connection.forEachShard(async (shard) => {
    for (const { ofShard } of DATA_TABLES) {
      const [some] = await connection.queryOn(shard, sql`SELECT 1 FROM ${connection.table(ofShard)} WHERE ${ended} LIMIT 1`)
      if (some !== undefined) await connection.commandOn(shard, sql`DELETE FROM ${connection.table(ofShard)} WHERE ${ended}`)
    }
  })
  const [old] = await connection.queryOn(0, sql`SELECT 1 FROM ${connection.table(VERSIONS_OF_SHARD)} WHERE version < ${limit} LIMIT 1`)
  if (old !== undefined) await connection.commandOn(0, sql`DELETE FROM ${connection.table(VERSIONS_OF_SHARD)} WHERE version < ${limit}`)
}

/**
 * Removes the stages that can never be committed, because the manifest that they would replace has been replaced, and those that were applied.
 *
 * @param readManifest reads the manifest as it is now
 */
export async function forgetStages (connection: Connection, readManifest: () => Promise<KnownManifest | undefined>): Promise<void> {
  // A stage is announced, in the table of stages, before it gets rows, so one that has rows and is not announced has already been dropped.
  // The manifest is read last: the stages that it shows to be past stay so.
  const used = await Promise.all(TABLES_WITH_STAGES.map(async (table) => {
    const nodes = await connection.queryNodes<[string]>(sql`SELECT DISTINCT toString(stage) FROM ${connection.table(table)} WHERE stage != 0`)
    return { table, stages: nodes.flatMap(({ rows }) => rows.map(([stage]) => stage)) }
  }))
  const announced = new Map(await connection.queryOn<[stage: string, etag: string]>(0, sql`SELECT toString(stage), etag FROM ${connection.table(STAGES_OF_SHARD)}`))
  const manifest = await readManifest()
  const isPast = (stage: string) => announced.get(stage) !== (manifest?.etag ?? '') && stage !== String(manifest?.commit.stage)
  const past = new Set([...used.flatMap(({ stages }) => stages), ...announced.keys()].filter(isPast))
  // Rows that are still being added to such a stage are found the next time: the stage is not announced any more.
  if (past.size > 0) await dropStages(connection, [...past].map(BigInt), used.filter(({ stages }) => stages.some(isPast)).map(({ table }) => table))
}

/** The versions below the returned number are forgotten: what is read of them may lack rows. */
export async function forgottenBelow (connection: Connection): Promise<bigint> {
  const [row] = await connection.queryFirst<[below: string]>(sql`SELECT toString(max(below)) FROM ${connection.table(FORGOTTEN)}`)
  return BigInt(row![0])
}
