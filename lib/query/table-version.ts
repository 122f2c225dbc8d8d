import { firstIndex } from '../base/bytes.js'
import { BoundedCache } from '../base/bounded-cache.js'
import { hintSharedMemory, memoryOf } from '../base/shared-memory.js'
import type { Cell } from '../schema/record.js'
import type { ObjectInfo } from '../store/object-list.js'
import { unpackEtag } from '../store/packed-etag.js'
import { isPlainDelimiter } from '../table/cell-style.js'
import { NO_IMAGES, type ImageVersions } from '../table/image-versions.js'
import type { TableField } from '../table/table-field.js'
import { TableReader, type Table } from '../table/table.js'
import { Utf8Reader, type Utf8Column } from '../table/utf8-column.js'
import { Match } from './match.js'
import { jsonOfRows } from './json-rows.js'
import { textOfRows } from './text-rows.js'
import type { Allocate, DataVersion, FilterQuery, SelectQuery, Selection, StatisticsQuery, TextShape } from './data-version.js'
import { RowOrder } from './row-order.js'
import { statisticsOfRows, statisticsOfRun, type Statistics } from './statistics.js'
import { TableIndex } from './table-index.js'
import { countUndeclared, type UndeclaredColumn } from './undeclared-columns.js'

/** The largest number of cells of a batch, which takes some milliseconds, and about the largest number of characters. */
const BATCH_CELLS = 8000
const BATCH_CHARACTERS = 64 * 1024

/** Matches are cached up to as many rows together as the table has, or up to this number. */
const MIN_CACHED_ROWS = 10_000
const ROW_BYTES = Uint32Array.BYTES_PER_ELEMENT

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
   */
  constructor (data: Table, timeZone: string, images: readonly ImageVersions[] = [], previous?: DataVersion) {
    const same = previous instanceof TableVersion && previous.version === data.version ? previous : undefined
    this.#table = same ? same.#table : new TableReader(data)
    this.#index = same ? same.#index : new TableIndex(this.#table)
    this.#matches = same ? same.#matches : new BoundedCache(ROW_BYTES * Math.max(data.length, MIN_CACHED_ROWS))
    this.#timeZone = timeZone
    this.#images = new Map(data.fields.filter(({ source }) => source === 'image').map(({ name }, i) => [name, images[i] ?? NO_IMAGES]))
    this.version = data.version
    this.fields = data.fields
    this.columns = same ? same.columns : this.#table.columnNames
    this.memory = same ? same.memory : memoryOf(data)
    if (!same) hintSharedMemory(data)
  }

  async select (query: SelectQuery): Promise<Selection> {
    const { columns = this.#table.declared, sort = this.#table.keyName, page } = query
    if (sort !== this.#table.keyName) await this.#index.prepare(sort.replace(/^-/, ''))
    const match = this.#match(query)
    const order = new RowOrder(this.#index, sort)
    // One row more than the page has shows whether another page follows.
    const found = page && order.page(match, page.after, (page.limit ?? match.count) + 1)
    const hasMore = found !== undefined && found.length > (page?.limit ?? Infinity)
    /** All rows of the table in its own order: the table contains their JSON array. */
    const isWhole = page === undefined && match.isAll && sort === this.#table.keyName
    let listed = found?.subarray(0, page?.limit)
    const rows = () => (listed ??= order.rows(match))
    return {
      columns,
      count: match.count,
      next: hasMore ? order.positionOf(listed!.at(-1)!) : undefined,
      batches: () => batches(this.#table, rows(), columns),
      countAmong: (ids) => {
        const among = this.#rowsOf(ids)
        return listed === undefined ? count(among, (row) => match.test(row)) : count(listed, (row) => contains(among, row))
      },
      text: (shape, allocate) => this.#text(columns, rows, isWhole, shape, allocate)
    }
  }

  #text (columns: readonly string[], rows: () => Uint32Array, isWhole: boolean, shape: TextShape, allocate: Allocate = (bytes) => new ArrayBuffer(bytes)): Buffer | AsyncIterable<Buffer> | undefined {
    if (shape.format === 'csv' && !isPlainDelimiter(shape.delimiter)) return undefined
    if (shape.format === 'csv' || !isSameList(columns, this.#table.declared)) return textOfRows(this.#table.data, rows(), columns, shape, allocate)
    return isWhole && shape.format === 'json' ? this.#table.json.bytes : jsonOfRows(this.#table, rows(), shape.format, allocate)
  }

  /** The rows of users, in ascending order. `ids` are in ascending byte order, as the rows are. */
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

  async statistics (query: StatisticsQuery): Promise<Statistics> {
    const { asOf, binWidth } = query
    const match = this.#match(query)
    const ages = { asOf, binWidth, timeZone: this.#timeZone }
    const { births } = this.#index
    return births?.datesAscend && match.run !== undefined
      ? statisticsOfRun(births, match.run.run, match.run.facet, ages)
      : statisticsOfRows(this.#table, match.rows, ages)
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
  #match ({ filters = [], filterKey }: FilterQuery): Match {
    const cached = filterKey === undefined ? undefined : this.#matches.get(filterKey)
    if (cached !== undefined) return cached
    const match = new Match(this.#index, filters)
    // A run of rows by birth is found as quickly as it would be looked up.
    if (filterKey !== undefined && match.run === undefined) this.#matches.set(filterKey, match, ROW_BYTES * match.count)
    return match
  }
}

function isSameList (a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i])
}

/** The number of rows for which the predicate holds. */
function count (rows: Uint32Array, holds: (row: number) => boolean): number {
  let count = 0
  for (const row of rows) if (holds(row)) count++
  return count
}

/** Whether ascending rows contain this one. */
function contains (rows: Uint32Array, row: number): boolean {
  return rows[firstIndex(0, rows.length, (i) => rows[i]! >= row)] === row
}

async function * batches (table: TableReader, rows: Uint32Array, columns: readonly string[]): AsyncGenerator<Cell[][]> {
  const maxRows = Math.ceil(BATCH_CELLS / columns.length)
  for (let start = 0; start < rows.length;) {
    const batch: Cell[][] = []
    for (let length = 0; start < rows.length && batch.length < maxRows && length < BATCH_CHARACTERS; start++) {
      const cells = columns.map((column) => table.cell(rows[start]!, column))
      for (const cell of cells) if (typeof cell === 'string') length += cell.length
      batch.push(cells)
    }
    yield batch
  }
}
