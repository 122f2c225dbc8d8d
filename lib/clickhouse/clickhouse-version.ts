import { BoundedCache } from '../base/bounded-cache.js'
import { EngineError } from '../base/errors.js'
import type { DataVersion, FilterQuery, SelectQuery, Selection, StatisticsQuery } from '../query/data-version.js'
import type { ColumnStatistics, Statistics } from '../query/statistics.js'
import type { UndeclaredColumn } from '../query/undeclared-columns.js'
import type { ObjectInfo } from '../store/object-list.js'
import type { TableField } from '../table/table-field.js'
import { findAttachment } from './attachment.js'
import type { Connection } from './connection.js'
import type { EngineRecords } from './records.js'
import { countRecords, select } from './select.js'
import { parameter, sql } from './sql.js'
import { statistics } from './statistics.js'
import { VERSIONS } from './tables.js'
import { countUndeclared } from './undeclared.js'

export interface VersionOptions {
  /** The declared columns, for which `migrate` has made the tables. */
  readonly fields: readonly TableField[]
  /** IANA name of the zone whose calendar counts completed years: that in which the records were stored. */
  readonly timeZone: string
  /** The number of the version in the tables. */
  readonly number: bigint
}

/** The bytes of the counts that are remembered, and of one of them. */
const CACHED_BYTES = 1024 * 1024
const COUNT_BYTES = 8

/** A data version whose records are in the tables of a ClickHouse cluster. Every query reads the rows that are valid in this version, whatever is being written. */
export class ClickHouseVersion implements DataVersion {
  readonly version: string
  readonly fields: readonly TableField[]
  readonly columns: readonly string[]
  readonly memory: ReadonlySet<ArrayBufferLike> = new Set()
  readonly isRemote = true
  readonly #records: EngineRecords
  /** How many records match: the pages of a listing need the same count again and again. */
  readonly #counts = new BoundedCache<number>(CACHED_BYTES)

  private constructor (name: string, records: EngineRecords) {
    this.version = name
    this.fields = records.fields
    this.columns = records.columns
    this.#records = records
  }

  /** @throws EngineError `engine_wrong_database` if the tables have no version with this number */
  static async open (connection: Connection, { fields, timeZone, number }: VersionOptions): Promise<ClickHouseVersion> {
    const [row] = await connection.query<[name: string, undeclared: string[]]>(sql`SELECT name, columns FROM ${connection.table(VERSIONS)} WHERE version = ${parameter(number, 'UInt64')}`)
    if (row === undefined) throw new EngineError('engine_wrong_database', `The database ${connection.database} has no data version ${number}`)
    const [name, undeclared] = row
    return ClickHouseVersion.of(connection, { fields, timeZone, number, name, undeclared })
  }

  /** A version whose name and undeclared columns are known. */
  static of (connection: Connection, { fields, timeZone, number, name, undeclared }: VersionOptions & { readonly name: string, readonly undeclared: readonly string[] }): ClickHouseVersion {
    return new ClickHouseVersion(name, { connection, fields, timeZone, number, columns: [...fields.map(({ name }) => name), ...undeclared] })
  }

  async select (query: SelectQuery): Promise<Selection> {
    return await select(this.#records, query, this.#count(query))
  }

  async statistics (query: StatisticsQuery): Promise<Statistics & ColumnStatistics> {
    return await statistics(this.#records, query)
  }

  async undeclared (): Promise<readonly UndeclaredColumn[]> {
    return await countUndeclared(this.#records)
  }

  async attachment (key: string, field: string): Promise<ObjectInfo | undefined> {
    return await findAttachment(this.#records, key, field)
  }

  async #count (query: FilterQuery): Promise<number> {
    const { filterKey = query.filters === undefined || query.filters.length === 0 ? '[]' : undefined } = query
    const cached = filterKey === undefined ? undefined : this.#counts.get(filterKey)
    if (cached !== undefined) return cached
    const count = await countRecords(this.#records, query)
    if (filterKey !== undefined) this.#counts.set(filterKey, count, COUNT_BYTES)
    return count
  }
}
