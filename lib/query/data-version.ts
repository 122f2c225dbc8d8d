import type { Cell } from '../schema/record.js'
import type { Filter, RowPredicate } from './filter.js'
import type { Statistics } from './statistics.js'

/** The columns by which records can be sorted; a leading minus reverses the whole order. */
export const SORT_COLUMNS = ['user_id', 'first_name', 'last_name', 'birthts'] as const
export type Sort = (typeof SORT_COLUMNS)[number] | `-${(typeof SORT_COLUMNS)[number]}`

/** A place in an order of the records: that of a user, who may be gone by now. */
export interface Position {
  readonly userId: string
  /** What the user had in the column of the sort, the beginning of a long text; `null` where that is the user id. */
  readonly value: Cell
}

export interface SelectQuery {
  readonly filters?: readonly (Filter | RowPredicate)[] | undefined
  /** In the order of the answer; a column that no record has is `null` throughout. Default: the base columns. */
  readonly columns?: readonly string[] | undefined
  /** Text by its bytes, ties by user id. Default: user_id. */
  readonly sort?: Sort | undefined
  /** At most so many records. Default: all. */
  readonly limit?: number | undefined
  /** Only those that come behind this place. */
  readonly after?: Position | undefined
}

/** The records that match a query, of one data version however long they take to read. */
export interface Selection {
  readonly columns: readonly string[]
  /** How many records match, whatever the limit. */
  readonly count: number
  /** The place of the last record, where the limit has left out others behind it. */
  readonly next: Position | undefined
  /** The records, each as its cells in the order of `columns`, a few hundred at a time. */
  batches (): AsyncIterable<readonly (readonly Cell[])[]>
  /** The records as JSON objects, where the engine has them ready. */
  readonly json?: (() => JsonRows) | undefined
}

/** Records that the engine has ready as JSON objects. */
export interface JsonRows {
  readonly length: number
  /** The JSON array of all of them, where it is at hand. */
  readonly array: Buffer | undefined
  /**
   * The part of the JSON array, or the lines, that begins with the record `from` and has about so many bytes: a record at
   * least, where there is one.
   */
  chunk (from: number, maxBytes: number, format: 'json' | 'ndjson', allocate?: Allocate): Chunk
}

/** Memory of at least so many bytes, with whatever is in it. */
export type Allocate = (bytes: number) => ArrayBuffer

/** Some of the bytes, up to the record `to`. */
export interface Chunk { readonly bytes: Buffer, readonly to: number }

export interface StatisticsQuery {
  readonly filters?: readonly (Filter | RowPredicate)[] | undefined
  /** The instant of the ages, in milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
  /** Width of the age histogram's bins in years. */
  readonly binWidth: number
}

/** One immutable version of the records, wherever it is held: what answers queries. */
export interface DataVersion {
  /** Names the records: equal ones have the equal name. */
  readonly version: string
  /** Every column that some record has: the base columns, then the further ones by their bytes. */
  readonly columns: readonly string[]
  /** The memory that it holds. Versions share the memory of columns that did not change. */
  readonly memory: ReadonlySet<ArrayBufferLike>
  select (query: SelectQuery): Promise<Selection>
  statistics (query: StatisticsQuery): Promise<Statistics>
}
