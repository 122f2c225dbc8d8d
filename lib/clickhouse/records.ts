import type { FilterQuery } from '../query/data-version.js'
import type { ColumnContext } from './columns.js'
import { compileFilter } from './compile-filter.js'
import type { Connection } from './connection.js'
import { join, parameter, sql, type Sql } from './sql.js'
import { RECORDS } from './tables.js'

/** The records of one data version in the tables of a cluster. */
export interface EngineRecords extends ColumnContext {
  readonly connection: Connection
  /** The number of the version in the tables. */
  readonly number: bigint
}

/** The FROM and WHERE of a query: the records that match the filters and meet the further conditions. */
export function from (records: EngineRecords, { filters = [], asOf }: Pick<FilterQuery, 'filters' | 'asOf'>, ...conditions: readonly Sql[]): Sql {
  const { connection, number } = records
  const all = [validIn(number), ...filters.map((filter) => compileFilter(filter, records, asOf)), ...conditions]
  return sql`FROM ${connection.table(RECORDS)} WHERE ${join(all.map((condition) => sql`(${condition})`), ' AND ')}`
}

/** The condition that a row is part of the version with this number. */
export function validIn (number: bigint): Sql {
  const version = parameter(number, 'UInt64')
  return sql`valid_from <= ${version} AND valid_to > ${version}`
}
