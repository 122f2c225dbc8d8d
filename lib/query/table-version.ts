import { firstIndex } from '../base/bytes.js'
import { BoundedCache } from '../base/bounded-cache.js'
import { hintSharedMemory, buffersOf } from '../base/shared-memory.js'
import type { Cell } from '../schema/record.js'
import type { ObjectInfo } from '../store/object-list.js'
import { unpackEtag } from '../store/packed-etag.js'
import { isPlainDelimiter } from '../table/cell-style.js'
import type { FixedColumn } from '../table/column.js'
import { NO_IMAGES, type ImageVersions } from '../table/image-versions.js'
import type { TableField } from '../table/table-field.js'
import { TableReader, type Table } from '../table/table.js'
import { Utf8Reader, type Utf8Column } from '../table/utf8-column.js'
import { AGE, columnType, isAge } from './age-column.js'
import { ageStatistics } from './age-statistics.js'
import { groupRows } from './groups.js'
import { IndexCache } from './index-cache.js'
import { Match } from './match.js'
import { valuesOf } from './query-column.js'
import { jsonOfRows } from './json-rows.js'
import { textOfRows } from './text-rows.js'
import { DEFAULT_BINS, DEFAULT_MAX_GROUPS, type Allocate, type DataVersion, type FilterQuery, type SelectQuery, type Selection, type StatisticsQuery, type TextChunks, type TextShape } from './data-version.js'
import { RowOrder } from './row-order.js'
import type { ColumnStatistics, ValueStatistics, Statistics } from './statistics.js'
import { TableIndex } from './table-index.js'
import { countUndeclared, type UndeclaredColumn } from './undeclared-columns.js'
import { valueStatisticsOfGroups, valueStatisticsOfMatch } from './value-statistics.js'

/** The maximum number of cells of a batch, so that it takes some milliseconds, and the approximate maximum number of its characters. */
const BATCH_CELLS = 8000
const BATCH_CHARACTERS = 64 * 1024

/** The cached matches take at most as much memory as a list of all rows of the table or, if that is more, of this many rows. */
const MIN_CACHED_ROWS = 10_000
const ROW_BYTES = Uint32Array.BYTES_PER_ELEMENT

/** A selection that is written as text. */
interface Written {
  readonly columns: readonly string[]
  readonly asOf: number | undefined
  /** Whether it is all rows of the table in its own order. */
  readonly isWhole: boolean
  readonly rows: () => Uint32Array
}

/** The in-process engine: the records of one data version as a table in memory. */
export class TableVersion implements DataVersion {
  readonly version: string
  readonly fields: readonly TableField[]
  readonly columns: readonly string[]
  readonly memory: ReadonlySet<ArrayBufferLike>
  readonly #table: TableReader
  readonly #index: TableIndex
  readonly #timeZone: string
  readonly #rowsOfIds = new WeakMap<Utf8Column, Uint32Array>()
  readonly #matches: BoundedCache<Match>
  readonly #images: ReadonlyMap<string, ImageVersions>
  #undeclared: Promise<readonly UndeclaredColumn[]> | undefined

  /**
   * @param timeZone IANA name of the zone whose calendar counts completed years
   * @param images of each image field of the table. Default: no image can be looked up.
   * @param previous a version whose indexes are used if it has the same records
   * @param indexes the cache of indexes, which versions share. Default: a cache of its own.
   */
  constructor (data: Table, timeZone: string, images: readonly ImageVersions[] = [], previous?: DataVersion, indexes = new IndexCache(Infinity)) {
    const same = previous instanceof TableVersion && previous.version === data.version ? previous : undefined
    this.#table = same ? same.#table : new TableReader(data)
    this.#index = same ? same.#index : new TableIndex(this.#table, timeZone, indexes)
    this.#matches = same ? same.#matches : new BoundedCache(ROW_BYTES * Math.max(data.length, MIN_CACHED_ROWS))
    this.#timeZone = timeZone
    this.#images = new Map(data.fields.filter(({ source }) => source === 'image').map(({ name }, i) => [name, images[i] ?? NO_IMAGES]))
    this.version = data.version
    this.fields = data.fields
    this.columns = same ? same.columns : this.#table.columnNames
    this.memory = same ? same.memory : buffersOf(data)
    if (!same) hintSharedMemory(data)
  }

  async select (query: SelectQuery): Promise<Selection> {
    const { columns = this.#table.declared, sort = [], page, asOf } = query
    const match = await this.#match(query)
    const order = new RowOrder(this.#index, sort, asOf)
    await order.prepare(match)
    // One row more than the page has shows whether another page follows.
    const found = page && order.page(match, page.after, (page.limit ?? match.count) + 1)
    const hasMore = found !== undefined && found.length > (page?.limit ?? Infinity)
    /** All rows of the table in its own order: the table contains their JSON array. */
    const isWhole = page === undefined && match.isAll && order.isByRow
    let listed = found?.subarray(0, page?.limit)
    const rows = () => (listed ??= order.rows(match))
    return {
      columns,
      count: match.count,
      next: hasMore ? order.positionOf(listed!.at(-1)!) : undefined,
      batches: () => batches(rows(), columns.map((column) => this.#cellsOf(column, asOf))),
      countAmong: (ids) => {
        const among = this.#rowsOf(ids)
        return listed === undefined ? count(among, (row) => match.test(row)) : count(listed, (row) => contains(among, row))
      },
      text: (shape, allocate) => this.#text({ columns, asOf, isWhole, rows }, shape, allocate)
    }
  }

  #text ({ columns, asOf, isWhole, rows }: Written, shape: TextShape, allocate: Allocate = (bytes) => new ArrayBuffer(bytes)): Buffer | TextChunks | undefined {
    if (shape.format === 'csv' && !isPlainDelimiter(shape.delimiter)) return undefined
    if (shape.format === 'csv' || !isSameList(columns, this.#table.declared)) return textOfRows(this.#withAge(columns, asOf), rows(), columns, shape, allocate)
    return isWhole && shape.format === 'json' ? this.#table.json.bytes : jsonOfRows(this.#table, rows(), shape.format, allocate)
  }

  /** The table, with the virtual column if it is among these. Without an instant, such as in outputs, the table has no virtual column. */
  #withAge (columns: readonly string[], asOf: number | undefined): Table {
    const { data } = this.#table
    if (asOf === undefined || !columns.some((column) => isAge(this, column))) return data
    const ages = this.#index.column(AGE, asOf) as FixedColumn
    return { ...data, fields: [...data.fields, { name: AGE, source: 'file', type: 'integer', isBirth: false }], columns: [...data.columns, ages] }
  }

  /** Reads the cells of a column. */
  #cellsOf (column: string, asOf: number | undefined): (row: number) => Cell {
    const ages = asOf !== undefined && isAge(this, column) ? this.#index.column(column, asOf) : undefined
    return ages === undefined ? (row) => this.#table.cell(row, column) : valuesOf(ages).valueOf
  }

  /** The rows of records, in ascending order. `ids` are in ascending byte order, as the rows are. */
  #rowsOf (ids: Utf8Column): Uint32Array {
    const known = this.#rowsOfIds.get(ids)
    if (known !== undefined) return known
    const reader = new Utf8Reader(ids)
    const { keys } = this.#table
    const rows: number[] = []
    let next = 0
    for (let i = 0; i < reader.length; i++) {
      const row = keys.find(reader.at(i), next)
      if (row !== -1) rows.push(row)
      next = Math.max(next, row)
    }
    const found = Uint32Array.from(rows)
    this.#rowsOfIds.set(ids, found)
    return found
  }

  async statistics (query: StatisticsQuery): Promise<Statistics & ColumnStatistics> {
    const { asOf, binWidth } = query
    const match = await this.#match(query)
    const statistics = await ageStatistics(this.#index, match, { asOf, binWidth, timeZone: this.#timeZone })
    return query.columns === undefined && query.groupBy === undefined ? statistics : { ...statistics, ...await this.#columnStatistics(match, query) }
  }

  async #columnStatistics (match: Match, { columns = [], bins = DEFAULT_BINS, groupBy, maxGroups = DEFAULT_MAX_GROUPS, asOf }: StatisticsQuery): Promise<ColumnStatistics> {
    const ofAll: Record<string, ValueStatistics> = Object.create(null)
    for (const name of columns) ofAll[name] = await valueStatisticsOfMatch(this.#index, this.#numbersOf(name, asOf), columnType(this, name)!, match, bins)
    const ofColumns = columns.length > 0 && { columns: ofAll }
    if (groupBy === undefined) return { ...ofColumns }
    const { groups, other, grouped } = await groupRows(this.#index, match, { column: groupBy, type: columnType(this, groupBy)!, limit: maxGroups, asOf })
    if (columns.length === 0) return { groups, other }
    const rows = await grouped()
    const ofGroups: [name: string, statistics: readonly ValueStatistics[]][] = []
    for (const name of columns) ofGroups.push([name, await valueStatisticsOfGroups(this.#index, this.#numbersOf(name, asOf), columnType(this, name)!, rows, bins)])
    return { ...ofColumns, groups: groups.map((group, i) => ({ ...group, columns: Object.fromEntries(ofGroups.map(([name, statistics]) => [name, statistics[i]!])) })), other }
  }

  #numbersOf (name: string, asOf: number): FixedColumn {
    const column = this.#index.column(name, asOf)
    if (column === undefined || column.kind === 'dictionary' || column.kind === 'keys' || column.kind === 'boolean') throw new TypeError(`The column ${name} has no statistics`)
    return column
  }

  undeclared (): Promise<readonly UndeclaredColumn[]> {
    this.#undeclared ??= countUndeclared(this.#table)
    return this.#undeclared
  }

  async attachment (key: string, field: string): Promise<ObjectInfo | undefined> {
    const row = this.#table.keys.find(key)
    const keys = this.#table.images(field)
    if (row === -1 || keys === undefined || keys.isEmpty(row)) return undefined
    const { etags, sizes, modified } = this.#images.get(field)!
    return { key: keys.at(row), etag: unpackEtag(etags, row), size: sizes[row]!, lastModified: modified[row]! }
  }

  /** The pages of a listing select the same rows again and again. */
  async #match (query: FilterQuery): Promise<Match> {
    const { filterKey } = query
    const cached = filterKey === undefined ? undefined : this.#matches.get(filterKey)
    if (cached !== undefined) return cached
    const match = await Match.find(this.#index, query)
    // A run of rows by birth is found as quickly as it would be looked up.
    if (filterKey !== undefined && match.run === undefined && !match.isAll) this.#matches.set(filterKey, match, match.bytes)
    return match
  }
}

function isSameList (a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i])
}

/** The number of rows for which the predicate is true. */
function count (rows: Uint32Array, predicate: (row: number) => boolean): number {
  let count = 0
  for (const row of rows) if (predicate(row)) count++
  return count
}

/** Whether ascending rows contain this one. */
function contains (rows: Uint32Array, row: number): boolean {
  return rows[firstIndex(0, rows.length, (i) => rows[i]! >= row)] === row
}

async function * batches (rows: Uint32Array, columns: readonly ((row: number) => Cell)[]): AsyncGenerator<Cell[][]> {
  const maxRows = Math.ceil(BATCH_CELLS / columns.length)
  for (let start = 0; start < rows.length;) {
    const batch: Cell[][] = []
    for (let length = 0; start < rows.length && batch.length < maxRows && length < BATCH_CHARACTERS; start++) {
      const cells = columns.map((cellOf) => cellOf(rows[start]!))
      for (const cell of cells) if (typeof cell === 'string') length += cell.length
      batch.push(cells)
    }
    yield batch
  }
}
