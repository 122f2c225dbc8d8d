import { firstIndex } from '../base/bytes.js'
import type { Value } from '../schema/field-type.js'
import { isCheapToSort, LISTING_COST } from './costs.js'
import type { Position, Sort } from './data-version.js'
import { keepRowsIn } from './bitmap.js'
import type { Match } from './match.js'
import { areTiesReversed, beginningOf, untilKey } from './positions.js'
import { orderingOf, type Ordering, type QueryColumn } from './query-column.js'
import type { OrderedColumn, TableIndex } from './table-index.js'

/** A column of an order. */
interface Key extends OrderedColumn, Ordering {}

/** All rows of a table in an order. With `isReversed`, the first `valued` rows, and the others, are each from last to first. */
interface AllRows { readonly rows: Uint32Array, readonly valued: number, readonly isReversed: boolean }

/** The rows of a table in the order of a sort. Rows that are equal in all columns are ordered by key, in the direction of the last column. */
export class RowOrder {
  readonly #index: TableIndex
  readonly #columns: readonly { readonly column: QueryColumn, readonly isReversed: boolean }[]
  /** Its columns, once it has been prepared. */
  #keys: readonly Key[] = []
  /** The direction of the rows that are equal in all columns. */
  readonly #isReversed: boolean
  /** All rows in this order, once it has been prepared; `undefined` if ordering only the matching rows costs less. */
  #all: AllRows | undefined

  /** @param asOf the instant of ages, in milliseconds since 1970-01-01 UTC */
  constructor (index: TableIndex, sort: Sort, asOf?: number) {
    const { keyName } = index.table
    this.#index = index
    this.#isReversed = areTiesReversed(sort, keyName)
    this.#columns = untilKey(sort, keyName).flatMap(({ column: name, isReversed = false }) => {
      const column = index.column(name, asOf)
      return column === undefined ? [] : { column, isReversed }
    })
  }

  /** Whether it is the order of the rows themselves. */
  get isByRow (): boolean {
    return this.#columns.length === 0 && !this.#isReversed
  }

  /** Prepares the order to list the matching rows, without blocking the event loop. */
  async prepare (match: Match): Promise<void> {
    const keys: Key[] = []
    for (const { column, isReversed } of this.#columns) {
      const comparable = await this.#index.comparable(column)
      keys.push({ column: comparable, isReversed, ...orderingOf(comparable) })
    }
    this.#keys = keys
    const [key] = keys
    if (key === undefined || this.#isCheapToSort(match)) return
    if (keys.length > 1 || key.isReversed !== this.#isReversed) {
      const rows = await this.#index.orderBy(keys, this.#isReversed)
      this.#all = { rows, valued: rows.length, isReversed: false }
    } else {
      this.#all = { ...await this.#index.order(key.column), isReversed: key.isReversed }
    }
  }

  /** The matching rows in this order. It must have been prepared for them. */
  rows (match: Match): Uint32Array {
    if (this.#keys.length === 0) return this.#isReversed ? match.rows.slice().reverse() : match.rows
    if (this.#all === undefined) return match.rows.slice().sort((a, b) => this.#compare(a, b))
    const { rows, valued, isReversed } = this.#all
    const ordered = isReversed ? rows.slice() : rows
    if (isReversed) {
      ordered.subarray(0, valued).reverse()
      ordered.subarray(valued).reverse()
    }
    return match.isAll ? ordered : keepRowsIn(ordered, match.bitmap, match.count)
  }

  /** At most `limit` of the matching rows in this order, after the position. It must have been prepared for them. */
  page (match: Match, after: Position | undefined, limit: number): Uint32Array {
    const isAfter = after === undefined ? () => true : this.#isAfter(after)
    const { length } = this.#index.table
    // If enough rows match, testing rows one by one costs less than listing all that match.
    const isScanned = this.#keys.length === 0 ? !match.isListed && match.count * LISTING_COST > length : this.#all !== undefined
    if (isScanned) {
      const page: number[] = []
      for (let place = firstIndex(0, length, (place) => isAfter(this.#rowAt(place))); place < length && page.length < limit; place++) {
        const row = this.#rowAt(place)
        if (match.test(row)) page.push(row)
      }
      return Uint32Array.from(page)
    }
    const rows = this.rows(match)
    const from = firstIndex(0, rows.length, (i) => isAfter(rows[i]!))
    return rows.slice(from, from + limit)
  }

  /** The position of a row in this order. It does not depend on other rows. */
  positionOf (row: number): Position {
    return { id: this.#index.table.keys.at(row), values: this.#keys.map(({ valueOf }) => beginningOf(valueOf(row))) }
  }

  /** Whether sorting the matching rows costs less than to order all rows. */
  #isCheapToSort (match: Match): boolean {
    return isCheapToSort(match.count, this.#index.table.length)
  }

  #rowAt (place: number): number {
    const { length } = this.#index.table
    if (this.#all === undefined) return this.#isReversed ? length - 1 - place : place
    const { rows, valued, isReversed } = this.#all
    if (!isReversed) return rows[place]!
    return rows[place < valued ? valued - 1 - place : length - 1 - (place - valued)]!
  }

  #compare (a: number, b: number): number {
    for (const { hasValue, compare, isReversed } of this.#keys) {
      const isValued = hasValue(a)
      if (isValued !== hasValue(b)) return isValued ? -1 : 1
      const order = isValued ? compare(a, b) : 0
      if (order !== 0) return isReversed ? -order : order
    }
    return this.#isReversed ? b - a : a - b
  }

  /** Returns whether a row comes after a position. The record of the position need not exist any more. */
  #isAfter ({ id: lastId, values }: Position): (row: number) => boolean {
    const { keys } = this.#index.table
    const id = Buffer.from(lastId)
    const lower = keys.lowerBound(id)
    const exists = lower < keys.length && keys.compare(lower, id) === 0
    // Halves are between rows.
    const row = exists ? lower : lower - 0.5
    const comparisons = this.#keys.map((key, i) => comparedToPosition(key, values[i] ?? null, exists ? lower : undefined))
    return (other) => {
      for (const compared of comparisons) {
        const order = compared(other)
        if (order !== 0) return order > 0
      }
      return this.#isReversed ? other < row : other > row
    }
  }
}

/** Compares rows with the value of a position. `row`: the row that the position is of, if it still exists. */
function comparedToPosition ({ hasValue, valueOf, compare, comparedTo, isReversed }: Key, value: Value, row: number | undefined): (other: number) => number {
  if (value === null) return (other) => hasValue(other) ? -1 : 0
  const compared = row !== undefined && beginningOf(valueOf(row)) === value ? (other: number) => compare(other, row) : comparedTo(value)
  const direction = isReversed ? -1 : 1
  return (other) => hasValue(other) ? direction * compared(other) : 1
}
