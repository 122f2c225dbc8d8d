import { countOf } from '../base/count-of.js'
import { EngineError } from '../base/errors.js'
import type { TableField } from '../table/table-field.js'
import type { Connection } from './connection.js'
import type { Commit } from './manifest.js'
import { nameRecords } from './name-records.js'
import type { EngineRecords } from './records.js'
import { countRecords } from './select.js'
import { parameter, raw, sql, type Sql } from './sql.js'
import { isStagedKey } from './stage.js'
import { DATA_TABLES, OPEN_END, VERSIONS, VERSIONS_OF_SHARD, type DataTable } from './tables.js'
import { countUndeclared } from './undeclared.js'

/** A row of the table `versions`. `stage`: the one that has become this version. */
export interface AppliedVersion { readonly name: string, readonly undeclared: readonly string[], readonly records: number, readonly stage: bigint }

/** Returns a version that was applied; `undefined` if the tables do not have it. */
export async function findApplied (connection: Connection, number: bigint): Promise<AppliedVersion | undefined> {
  const [row] = await connection.query<[name: string, undeclared: string[], records: number, stage: string]>(sql`
    SELECT name, columns, records, toString(stage) FROM ${connection.table(VERSIONS)} WHERE version = ${parameter(number, 'UInt64')} LIMIT 1`)
  return row && { name: row[0], undeclared: row[1], records: row[2], stage: BigInt(row[3]) }
}

/** Adds a version to the table `versions`, which makes it readable. Can be repeated. */
export async function publishVersion (connection: Connection, number: bigint, { name, undeclared, records, stage }: AppliedVersion): Promise<void> {
  await connection.insert(0, VERSIONS_OF_SHARD, ['version', 'name', 'columns', 'records', 'stage'], [[String(number), name, undeclared, records, String(stage)]])
}

/**
 * Applies a change that was committed: its rows become valid, those that it replaces or removes end, and the version becomes readable. Can be repeated and interrupted
 * anywhere, by any number of processes, at the same time and at any later time: after it has ended once, it changes nothing.
 *
 * @param records the number of records that the version must have
 * @throws EngineError `engine_incomplete` if the tables have another number
 */
export async function applyCommit (connection: Connection, { number, base, stage, staged }: Commit, records: number, { fields, timeZone }: { readonly fields: readonly TableField[], readonly timeZone: string }): Promise<AppliedVersion> {
  await connection.forEachShard(async (shard) => {
    for (const table of DATA_TABLES) {
      const counts = staged[table.name]
      if (base === null || counts === undefined || counts.rows + counts.keys > 0) await mutate(connection, shard, updateOf(connection, table, { number, base, stage }))
    }
  })
  const view: EngineRecords = { connection, fields, timeZone, number, columns: fields.map(({ name }) => name) }
  const count = await countRecords(view, {})
  if (count !== records) throw new EngineError('engine_incomplete', `The database ${connection.database} has ${count} of the ${countOf(records, 'record')} of version ${number}`)
  const undeclared = (await countUndeclared(view)).map(({ name }) => name)
  const version = { name: await nameRecords(view, count), undeclared, records, stage }
  await publishVersion(connection, number, version)
  return version
}

/** How many times a mutation is sent: for about an hour with the default limit of a statement. */
const MAX_ATTEMPTS = 60

/**
 * Runs a mutation that changes nothing when it is executed again. If it takes longer than the limit of a statement, it goes on in the engine and is sent again: the engine executes the second
 * one after the first. One long statement would leave its connection without traffic, and networks may close such a connection.
 */
async function mutate (connection: Connection, shard: number, statement: Sql): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await connection.commandOn(shard, statement)
      return
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !(error instanceof EngineError && error.code === 'engine_timeout')) throw error
      // Fails if the engine does not respond at all.
      await connection.queryOn(shard, sql`SELECT 1`)
    }
  }
}

/**
 * One mutation makes the staged rows of a table valid and ends the older rows of the staged keys. Executed again, it changes nothing: no row has the stage any more, and
 * all older rows of these keys have ended. Later versions do not change that, as their rows have a greater `valid_from`. Mutations of a table are executed one after the other.
 */
function updateOf (connection: Connection, table: DataTable, { number, base, stage }: Pick<Commit, 'number' | 'base' | 'stage'>): Sql {
  const [version, id, open] = [number, stage, OPEN_END].map((value) => parameter(value, 'UInt64'))
  const isReplaced = base === null ? raw('1') : isStagedKey(connection, table, stage)
  return sql`ALTER TABLE ${connection.table(table.ofShard)} UPDATE valid_to = if(stage = ${id!}, ${open!}, ${version!}), stage = 0
    WHERE stage = ${id!} OR (valid_to = ${open!} AND valid_from < ${version!} AND ${isReplaced}) SETTINGS mutations_sync = 2`
}
