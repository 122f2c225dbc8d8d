import { randomBytes } from 'node:crypto'
import { countOf } from '../base/count-of.js'
import { EngineError } from '../base/errors.js'
import type { TableField } from '../table/table-field.js'
import type { Connection } from './connection.js'
import type { StagedCounts } from './manifest.js'
import { validIn } from './records.js'
import { insertByShard } from './shards.js'
import { identifier, parameter, sql, type Sql } from './sql.js'
import { columnsOfRow, toObjectRow, toRejectRow, toRow, type StoredObject, type StoredRecord, type StoredReject } from './stored-record.js'
import { DATA_TABLES, namesOf, OBJECTS_TABLE, RECORDS_TABLE, REJECTS_TABLE, STAGED_KEYS_OF_SHARD, STAGES_OF_SHARD, VALIDITY, type DataTable } from './tables.js'

/** A batch of a change: rows that are added or replaced, and the keys of those that are removed. A key occurs in one batch only, and once. */
export interface Delta {
  readonly records: readonly StoredRecord[]
  readonly removedRecords: readonly string[]
  readonly objects: readonly StoredObject[]
  readonly removedObjects: readonly string[]
  readonly rejects: readonly StoredReject[]
  readonly removedRejects: readonly string[]
}

export interface StageOptions {
  readonly connection: Connection
  readonly fields: readonly TableField[]
  /** The number that the version will have, and that of the version that is changed; see `Commit`. */
  readonly number: bigint
  readonly base: bigint | null
  /** The ETag of the manifest that the commit will replace; `null` if the lake has no manifest. A stage whose manifest has been replaced can never be committed, and is removed. */
  readonly etag: string | null
}

/** A change that is being prepared in the tables. Its rows are part of no version before it has been committed and applied. */
export class Stage {
  /** A random UInt64. Never 0, which the column `stage` has in rows that are not staged. */
  readonly id = BigInt(`0x${randomBytes(8).toString('hex')}`) | 1n
  readonly number: bigint
  readonly base: bigint | null
  readonly etag: string | null
  readonly #connection: Connection
  readonly #fields: readonly TableField[]
  readonly #counts = new Map(DATA_TABLES.map(({ name }) => [name, { rows: 0, keys: 0 }]))

  private constructor ({ connection, fields, number, base, etag }: StageOptions) {
    this.#connection = connection
    this.#fields = fields
    this.number = number
    this.base = base
    this.etag = etag
  }

  static async begin (options: StageOptions): Promise<Stage> {
    const stage = new Stage(options)
    await options.connection.insert(0, STAGES_OF_SHARD, ['stage', 'etag'], [[String(stage.id), options.etag ?? '']])
    return stage
  }

  /** The numbers of rows and keys so far, by the name of the table. */
  get counts (): Readonly<Record<string, StagedCounts>> {
    return Object.fromEntries([...this.#counts].map(([name, counts]) => [name, { ...counts }]))
  }

  /** Whether it has no change so far. */
  get isEmpty (): boolean {
    return [...this.#counts.values()].every(({ rows, keys }) => rows + keys === 0)
  }

  /** Adds a batch of the change. After an error, the stage must not be committed. @throws EngineError */
  async put ({ records, removedRecords, objects, removedObjects, rejects, removedRejects }: Delta): Promise<void> {
    await Promise.all([
      this.#put(RECORDS_TABLE, columnsOfRow(this.#fields), records, (record) => toRow(this.#fields, record), removedRecords),
      this.#put(OBJECTS_TABLE, namesOf(OBJECTS_TABLE.columns), objects, toObjectRow, removedObjects),
      this.#put(REJECTS_TABLE, namesOf(REJECTS_TABLE.columns), rejects, toRejectRow, removedRejects)
    ])
  }

  async #put<T extends { readonly key: string }> ({ name, ofShard }: DataTable, columns: readonly string[], added: readonly T[], toValues: (row: T) => unknown[], removed: readonly string[]): Promise<void> {
    const validity = [String(this.number), '0', String(this.id)]
    // A version that replaces everything ends all rows, whatever their keys are.
    const keys = this.base === null ? [] : [...added.map(({ key }) => key), ...removed]
    const counts = this.#counts.get(name)!
    counts.rows += added.length
    counts.keys += keys.length
    await insertByShard(this.#connection, ofShard, [...columns, ...namesOf(VALIDITY)], added, ({ key }) => key, (row) => [...toValues(row), ...validity])
    await insertByShard(this.#connection, STAGED_KEYS_OF_SHARD, ['stage', 'kind', 'row_key'], keys, (key) => key, (key) => [String(this.id), name, key])
  }

  /** Checks that the tables have exactly what was put, and that the version will have this number of records: a change that cannot be applied must not be committed. @throws EngineError `engine_incomplete` */
  async verify (records: number): Promise<void> {
    const { counts } = this
    const count = counts[RECORDS_TABLE.name]!.rows + (this.base === null ? 0 : await this.#countKept(this.base))
    if (count !== records) throw new EngineError('engine_incomplete', `Version ${this.number} would have ${countOf(count, 'record')} instead of ${records}`)
    await Promise.all(DATA_TABLES.map(async (table) => {
      const { name } = table
      const found = await countStaged(this.#connection, table, this.id)
      const { rows, keys } = counts[name]!
      if (found.rows !== rows || found.keys !== keys) throw new EngineError('engine_incomplete', `The engine has ${found.rows} and ${found.keys} of the ${rows} rows and ${keys} keys that were written to ${name}`)
    }))
  }

  /** The number of records of a version that the change neither replaces nor removes. */
  async #countKept (base: bigint): Promise<number> {
    const nodes = await this.#connection.queryNodes<[number]>(sql`
      SELECT count() FROM ${this.#connection.table(RECORDS_TABLE.ofShard)} WHERE ${validIn(base)} AND NOT ${isStagedKey(this.#connection, RECORDS_TABLE, this.id)}`)
    return nodes.reduce((sum, { rows: [row] }) => sum + row![0], 0)
  }

  /** Removes what was put: the change will not be committed. Must not be called after an attempt to commit it that may still take effect. */
  async drop (): Promise<void> {
    await dropStages(this.#connection, [this.id])
  }
}

/** The condition that a row of a table of a shard has one of the keys of a stage. */
export function isStagedKey (connection: Connection, table: DataTable, stage: bigint): Sql {
  return sql`${identifier(table.key)} IN (SELECT row_key ${fromStagedKeys(connection, table, stage)})`
}

function fromStagedKeys (connection: Connection, { name }: DataTable, stage: bigint): Sql {
  return sql`FROM ${connection.table(STAGED_KEYS_OF_SHARD)} WHERE stage = ${parameter(stage, 'UInt64')} AND kind = ${parameter(name, 'String')}`
}

/** The numbers of rows and keys of a stage that has not been applied. */
async function countStaged (connection: Connection, table: DataTable, stage: bigint): Promise<StagedCounts> {
  const nodes = await connection.queryNodes<[rows: number, keys: number]>(sql`
    SELECT (SELECT count() FROM ${connection.table(table.ofShard)} WHERE stage = ${parameter(stage, 'UInt64')}), (SELECT count() ${fromStagedKeys(connection, table, stage)})`)
  const counts = nodes.map(({ rows: [row] }) => row!)
  return { rows: counts.reduce((sum, [rows]) => sum + rows, 0), keys: counts.reduce((sum, [, keys]) => sum + keys, 0) }
}

/** The tables that have rows of stages. */
export const TABLES_WITH_STAGES: readonly string[] = [...DATA_TABLES.map(({ ofShard }) => ofShard), STAGED_KEYS_OF_SHARD]

/**
 * Removes stages: their keys and, if a stage was not applied, its rows, so that it can never be applied.
 *
 * @param tables the tables that may have rows of them; a deletion rewrites or copies each part of a table, even if it finds nothing
 */
export async function dropStages (connection: Connection, stages: readonly bigint[], tables: readonly string[] = TABLES_WITH_STAGES): Promise<void> {
  const isDropped = sql`stage IN ${parameter(stages, 'Array(UInt64)')}`
  await connection.forEachShard(async (shard) => {
    for (const table of tables) await connection.commandOn(shard, sql`DELETE FROM ${connection.table(table)} WHERE ${isDropped}`)
  })
  await connection.commandOn(0, sql`DELETE FROM ${connection.table(STAGES_OF_SHARD)} WHERE ${isDropped}`)
}
