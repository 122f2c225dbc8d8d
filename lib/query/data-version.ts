import type { Value } from '../schema/field-type.js'
import type { Cell } from '../schema/record.js'
import type { ObjectInfo } from '../store/object-list.js'
import type { TableField } from '../table/table-field.js'
import type { Filter, RowPredicate } from './filter.js'
import type { Utf8Column } from '../table/utf8-column.js'
import type { ColumnStatistics, Statistics } from './statistics.js'
import type { UndeclaredColumn } from './undeclared-columns.js'

/** A column by which records are sorted. Records without a value come last in both directions. */
export interface SortColumn { readonly column: string, readonly isReversed?: boolean | undefined }

/** The first column counts most. Texts are compared by their UTF-8 bytes; ties by key, in the direction of the last column. */
export type Sort = readonly SortColumn[]

/** A place in an order of the records: that of one record, which need not exist any more. */
export interface Position {
  /** The key of the record. */
  readonly id: string
  /** The values of the sort columns before the key in that record; of a long text, its beginning. */
  readonly values: readonly Value[]
}

/** A part of the records that match, in their order. */
export interface Page {
  /** The largest number of records. Default: no limit. */
  readonly limit?: number | undefined
  /** Only records after this position. */
  readonly after?: Position | undefined
}

/** Filters, combined with AND. */
export interface FilterQuery {
  readonly filters?: readonly (Filter | RowPredicate)[] | undefined
  /** Names the filters: equal filters have equal keys. With it, an engine may cache which records match. */
  readonly filterKey?: string | undefined
  /**
   * The instant at which ages are counted, in milliseconds since 1970-01-01 UTC. Needed if filters or the sort name the virtual column `age`. If only `columns`
   * name `age`, it is `null` without an instant.
   */
  readonly asOf?: number | undefined
  /** Ends the query, and the reading of its results, when it is aborted. The in-process engine, whose queries are short, ignores it. */
  readonly signal?: AbortSignal | undefined
  /** The maximum duration of a selection and of the reading of its records, in milliseconds. Default: that of the engine. The in-process engine has no limit. */
  readonly timeoutMs?: number | undefined
}

export interface SelectQuery extends FilterQuery {
  /** In this order; the virtual column `age` can be among them. A column that no record has is `null` in all of them. Default: the declared columns. */
  readonly columns?: readonly string[] | undefined
  /** Default: the key. */
  readonly sort?: Sort | undefined
  /** Default: all records that match. */
  readonly page?: Page | undefined
}

/** The records that match a query. They are those of one data version, however long it takes to read them. */
export interface Selection {
  readonly columns: readonly string[]
  /** The number of records that match, on this page or not. */
  readonly count: number
  /** The position of the last record of the page; `undefined` if no record comes after the page. */
  readonly next: Position | undefined
  /** The records of the page, some hundreds at a time, each as its cells in the order of `columns`. The caller yields to the event loop between them. */
  batches (): AsyncIterable<readonly (readonly Cell[])[]>
  /** The number of records on the page whose ids are among `ids`, which are in ascending byte order. */
  countAmong (ids: Utf8Column): number | Promise<number>
  /**
   * The records of the page as text, or `undefined` if the engine does not write this shape itself: whole if they are in one piece or short, otherwise in
   * chunks of bounded size, each made when it is read.
   *
   * @param allocate for the memory of a short text. Default: new memory.
   */
  readonly text?: ((shape: TextShape, allocate?: Allocate) => Buffer | TextChunks | undefined) | undefined
}

/** A text in chunks of bounded size, each made when it is read. */
export interface TextChunks extends AsyncIterable<string | Buffer> {
  /** The length of the whole text in bytes; absent if it is known only at the end. */
  readonly byteLength?: number | undefined
}

/** How records are written as text: a JSON array, JSON objects in lines, or CSV. */
export type TextShape = { readonly format: 'json' | 'ndjson' } | CsvShape

export interface CsvShape {
  readonly format: 'csv'
  /** What comes before the records: the header. */
  readonly head: Buffer
  /** The text between fields: one or more characters. */
  readonly delimiter: string
  /** Written in place of `null`. */
  readonly emptyValue: string
  /** Puts an apostrophe before text that a spreadsheet would evaluate as a formula. */
  readonly escapeFormulas: boolean
}

/** Returns memory of at least this many bytes, with undefined contents. */
export type Allocate = (bytes: number) => ArrayBuffer

/** The default of `bins`, and that of `maxGroups`. */
export const DEFAULT_BINS = 20
export const DEFAULT_MAX_GROUPS = 100

export interface StatisticsQuery extends FilterQuery {
  /** The instant at which ages are counted, in milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
  /** The width of the bins of the age histogram, in years. */
  readonly binWidth: number
  /** The columns of numbers, dates and datetimes whose statistics are requested. Default: none. */
  readonly columns?: readonly string[] | undefined
  /** The largest number of bins of the histograms of columns. Default: DEFAULT_BINS. */
  readonly bins?: number | undefined
  /** The column by whose values the records are counted. Default: none. */
  readonly groupBy?: string | undefined
  /** The largest number of groups, at most 1,000. Default: DEFAULT_MAX_GROUPS. */
  readonly maxGroups?: number | undefined
}

/**
 * One immutable version of the records: the interface of an engine. The in-process engine is `TableVersion`; another one comes in
 * through the option `openVersion` of `UserDataTransformer`. Every method may take time; what it returns is of this version.
 */
export interface DataVersion {
  /** Names the records: equal records have equal names. */
  readonly version: string
  /** The declared columns, in schema order. */
  readonly fields: readonly TableField[]
  /** Every column that at least one record has: the declared ones, then the undeclared ones in the order of their UTF-8 bytes. */
  readonly columns: readonly string[]
  /** The buffers that contain its data. Versions share the buffers of columns that did not change. */
  readonly memory: ReadonlySet<ArrayBufferLike>
  /** Whether queries run elsewhere, so that the `signal` of a query ends it, and several can wait at the same time. Default: they do not. */
  readonly isRemote?: boolean
  select (query: SelectQuery): Promise<Selection>
  statistics (query: StatisticsQuery): Promise<Statistics & ColumnStatistics>
  /** The undeclared columns, in the order of `columns`. */
  undeclared (): Promise<readonly UndeclaredColumn[]>
  /** The attachment, in an image field, of the record with this key, as the listing that this version comes from reported it; `undefined` if the record does not exist or has no such attachment. */
  attachment (key: string, field: string): Promise<ObjectInfo | undefined>
}
