import type { Cell } from '../record.js'
import type { Filter, RowPredicate } from './filter.js'
import type { Statistics } from './statistics.js'

/** The columns by which records can be sorted; a leading minus reverses the whole order. */
export const SORT_COLUMNS = ['user_id', 'first_name', 'last_name', 'birthts'] as const
export type Sort = (typeof SORT_COLUMNS)[number] | `-${(typeof SORT_COLUMNS)[number]}`

export interface SelectQuery {
  readonly filters?: readonly (Filter | RowPredicate)[] | undefined
  /** In the order of the answer; a column that no record has is `null` throughout. Default: the base columns. */
  readonly columns?: readonly string[] | undefined
  /** Text by its bytes, ties by user id. Default: user_id. */
  readonly sort?: Sort | undefined
}

/** The records that match a query, of one data version however long they take to read. */
export interface Selection {
  readonly columns: readonly string[]
  /** How many records match. */
  readonly count: number
  /** The records, each as its cells in the order of `columns`, a few hundred at a time. */
  batches (): AsyncIterable<readonly (readonly Cell[])[]>
}

export interface StatisticsQuery {
  readonly filters?: readonly (Filter | RowPredicate)[] | undefined
  /** The instant of the ages, in milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
  /** Width of the age histogram's bins in years. */
  readonly binWidth: number
}

/** One immutable version of the records, wherever it is held: what answers queries. */
export interface Records {
  /** Every column that some record has: the base columns, then the further ones by their bytes. */
  readonly columns: readonly string[]
  select (query: SelectQuery): Promise<Selection>
  statistics (query: StatisticsQuery): Promise<Statistics>
}
