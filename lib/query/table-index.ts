import { rowRanges, runSteps } from '../base/steps.js'
import { hasValue, type FixedColumn } from '../table/column.js'
import type { DictionaryReader, TableReader } from '../table/table.js'
import { Utf8Reader, type Utf8Column } from '../table/utf8-column.js'
import { AGE, ageColumn, isAge } from './age-column.js'
import { BirthIndex } from './birth-index.js'
import { orderByCode, orderByKey, orderByRanks, orderOfRows, rankRows, type CodeOrder, type ColumnOrder, type RankedColumn } from './column-order.js'
import { foldTexts } from './fold-texts.js'
import type { IndexCache } from './index-cache.js'
import { addWhere, type Bitmap, countRows, emptyBitmap } from './bitmap.js'
import { isComparable, orderingOf, queryColumn, type ComparableColumn, type ComparableKeys, type KeyColumn, type QueryColumn } from './query-column.js'

/** The case-folded values of a text column. */
export interface FoldedTexts {
  readonly texts: Utf8Reader
  /** The code of each value of a dictionary; absent: its index, which is the row in a column of keys. */
  readonly codes?: Uint32Array | undefined
}

/** A column by which rows are sorted. */
export interface OrderedColumn { readonly column: ComparableColumn, readonly isReversed: boolean }

/** The least and the greatest of whole numbers; Infinity and -Infinity without any number. */
export interface WholeRange { readonly min: number, readonly max: number }

/** A table, its columns as queries read them, and the indexes of them that queries have used. */
export class TableIndex {
  readonly table: TableReader
  /** `undefined` without a birth field. */
  readonly births: BirthIndex | undefined
  readonly #timeZone: string
  readonly #cache: IndexCache
  readonly #hasAge: boolean
  readonly #ranges = new WeakMap<object, WholeRange | 'not whole'>()
  #imageBitmap: Bitmap | undefined
  #imageCount: number | undefined
  #ages: { readonly asOf: number, readonly column: FixedColumn } | undefined

  /** @param timeZone IANA name of the zone whose calendar counts completed years */
  constructor (table: TableReader, timeZone: string, cache: IndexCache) {
    this.table = table
    this.births = table.data.births && new BirthIndex(table, table.data.births)
    this.#timeZone = timeZone
    this.#cache = cache
    this.#hasAge = isAge({ fields: table.data.fields, columns: table.columnNames }, AGE)
  }

  /** The rows that have the first image. */
  get imageBitmap (): Bitmap {
    if (this.#imageBitmap === undefined) {
      this.#imageBitmap = emptyBitmap(this.table.length)
      addWhere(this.#imageBitmap, 0, this.table.length, (row) => this.table.hasImage(row))
    }
    return this.#imageBitmap
  }

  /** The number of rows that have the first image. */
  get imageCount (): number {
    this.#imageCount ??= countRows(this.imageBitmap)
    return this.#imageCount
  }

  /**
   * A column, the virtual one included; `undefined` if the table has no column with this name.
   *
   * @param asOf the instant of ages, in milliseconds since 1970-01-01 UTC
   */
  column (name: string, asOf?: number): QueryColumn | undefined {
    if (name !== AGE || !this.#hasAge) return queryColumn(this.table, name)
    if (asOf === undefined) throw new TypeError(`The column ${AGE} needs the instant of the query`)
    if (this.#ages?.asOf !== asOf) this.#ages = { asOf, column: ageColumn(this.table.data.births!, asOf, this.#timeZone) }
    return this.#ages.column
  }

  /** The column in a form whose rows can be compared. For images, their object keys are built first; they are an index like any other. */
  async comparable (column: QueryColumn): Promise<ComparableColumn> {
    if (isComparable(column)) return column
    const texts = await this.#cache.make<Utf8Column>(this.#cache.nameOf('texts', column.arrays), column.expand!)
    const { kind, name, isKey, arrays } = column
    return { kind, name, isKey, arrays, texts: new Utf8Reader(texts) }
  }

  /**
   * The rows in the order of a column, if that index exists. Otherwise returns `undefined`, and the caller finds the rows by a scan; for a large
   * table, starts to build the index, except that of ages, which is valid for a minute only.
   */
  orderIfReady (column: DictionaryReader): CodeOrder | undefined
  orderIfReady (column: QueryColumn): ColumnOrder | undefined
  orderIfReady (column: QueryColumn): ColumnOrder | undefined {
    if (this.table.length <= this.#cache.maxScannedRows || column === this.#ages?.column) return undefined
    const order = this.#cache.get<ColumnOrder>(nameOfOrder(this.#cache, column))
    if (order === undefined) this.order(column).catch(() => {}) // reported to the queries that need it
    return order
  }

  /** The rows in the order of a column. */
  order (column: DictionaryReader): Promise<CodeOrder>
  order (column: QueryColumn): Promise<ColumnOrder>
  async order (column: QueryColumn): Promise<ColumnOrder> {
    const { births } = this
    const name = nameOfOrder(this.#cache, column)
    switch (column.kind) {
      case 'dictionary': return await this.#cache.make(name, () => orderByCode(column.codes, column.values.length))
      case 'keys': return await this.#cache.make(name, async () => await runSteps(orderByKey(await this.comparable(column) as ComparableKeys)))
      default: return await this.#cache.make(name, () => births?.isOf(column) ? orderOfRows(births.rows(0, births.length), this.table.length) : this.#cache.orderNumbers(column))
    }
  }

  /** The values of a column in ascending order, and the row of each. */
  async orderedValues (column: FixedColumn): Promise<{ readonly rows: Uint32Array, readonly values: Float64Array }> {
    const { rows, valued } = await this.order(column)
    const { values } = await this.#cache.make(this.#cache.nameOf('values', arraysOf(column)), function * () {
      const values = new Float64Array(valued)
      yield * rowRanges(valued, (from, to) => {
        for (let i = from; i < to; i++) values[i] = column.values[rows[i]!]!
      })
      return { values }
    })
    return { rows, values }
  }

  /** The range of the numbers of a column; `undefined` if not all are whole. */
  async wholeRange ({ kind, values }: FixedColumn): Promise<WholeRange | undefined> {
    let range = this.#ranges.get(values)
    if (range === undefined) {
      let [min, max, isWhole] = [Infinity, -Infinity, true]
      await runSteps(rowRanges(values.length, (from, to) => {
        for (let row = from; row < to && isWhole; row++) {
          const value = values[row]!
          if (!hasValue(kind, value)) continue
          if (value < min) min = value
          if (value > max) max = value
          isWhole = Math.floor(value) === value
        }
      }))
      range = isWhole ? { min, max } : 'not whole'
      this.#ranges.set(values, range)
    }
    return range === 'not whole' ? undefined : range
  }

  /** The rows in the order of several columns, ties by row. `isReversed`: ties from the last row to the first. */
  async orderBy (columns: readonly OrderedColumn[], isReversed: boolean): Promise<Uint32Array> {
    const directions = [...columns, { isReversed }].map(({ isReversed }) => isReversed ? '-' : '+').join('')
    const name = this.#cache.nameOf(`rows ${directions}`, columns.flatMap(({ column }) => arraysOf(column)))
    const { rows } = await this.#cache.make(name, async () => {
      const ranked: RankedColumn[] = []
      for (const { column, isReversed } of columns) ranked.push({ ...await this.#ranks(column), isReversed })
      return await runSteps(orderByRanks(ranked, this.table.length, isReversed))
    })
    return rows
  }

  async #ranks (column: ComparableColumn): Promise<RankedColumn> {
    if (column.kind === 'dictionary') return { codes: column.codes, count: column.values.length }
    return await runSteps(rankRows(await this.order(column), orderingOf(column).compare))
  }

  /** The case-folded values of a text column. */
  async foldedTexts (column: DictionaryReader | KeyColumn): Promise<FoldedTexts> {
    if (column.kind === 'dictionary' && column.folded !== undefined) return { texts: new Utf8Reader(column.folded.texts), codes: column.folded.codes }
    const arrays = column.kind === 'keys' ? column.arrays : this.#arraysOfValues(column.name)
    const folded = await this.#cache.make<Utf8Column>(this.#cache.nameOf('folded', arrays), async () => {
      const comparable = await this.comparable(column) as DictionaryReader | ComparableKeys
      return await runSteps(foldTexts(comparable.kind === 'keys' ? comparable.texts : comparable.values))
    })
    return { texts: new Utf8Reader(folded) }
  }

  /** The arrays that hold the values of a dictionary. They name its index; those of a reader cannot, because each reader has its own views. */
  #arraysOfValues (name: string): readonly object[] {
    const column = this.table.column(name)
    return column?.kind === 'dictionary' ? [column.values.offsets, column.values.bytes] : []
  }
}

function nameOfOrder (cache: IndexCache, column: QueryColumn): string {
  return cache.nameOf('order', arraysOf(column))
}

/** What the order of a column depends on. */
function arraysOf (column: QueryColumn): readonly object[] {
  switch (column.kind) {
    case 'dictionary': return [column.codes]
    case 'keys': return column.arrays
    default: return [column.values]
  }
}
