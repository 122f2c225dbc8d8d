import { firstIndex } from '../base/bytes.js'
import { SCAN_COST, SORT_COST } from './costs.js'
import type { Match } from './match.js'
import type { Position, Sort } from './data-version.js'
import type { TableIndex } from './table-index.js'

/** The rows of a table in the order of a sort. */
export class RowOrder {
  readonly #index: TableIndex
  readonly #column: string
  readonly #isReversed: boolean
  /** What rows are ordered by, ties by the row. */
  readonly #valueOf: (row: number) => number

  constructor (index: TableIndex, sort: Sort) {
    this.#index = index
    this.#isReversed = sort.startsWith('-')
    this.#column = sort.replace('-', '')
    const { data } = index.table
    const codes = index.table.dictionary(this.#column)?.codes
    this.#valueOf = this.#column === 'birthts' ? (row) => data.birthts[row]! : (row) => codes?.[row] ?? 0
  }

  /** The matching rows in this order. */
  rows (match: Match): Uint32Array {
    const rows = this.#ascending(match)
    return this.#isReversed ? rows.slice().reverse() : rows
  }

  /** At most `limit` of the matching rows in this order, behind the position. */
  page (match: Match, after: Position | undefined, limit: number): Uint32Array {
    const isBehind = after === undefined ? () => true : this.#isBehind(after)
    const { length } = this.#index.table
    // To look at rows one by one is cheaper than to list them all, where enough of them match.
    if (!match.isListed && match.count * SCAN_COST > length) {
      const page: number[] = []
      for (let place = firstIndex(0, length, (place) => isBehind(this.#rowAt(place))); place < length && page.length < limit; place++) {
        const row = this.#rowAt(place)
        if (match.test(row)) page.push(row)
      }
      return Uint32Array.from(page)
    }
    const rows = this.rows(match)
    const from = firstIndex(0, rows.length, (i) => isBehind(rows[i]!))
    return rows.slice(from, from + limit)
  }

  /** Where a row is in this order, whatever else there is. */
  positionOf (row: number): Position {
    const { table } = this.#index
    const value = this.#column === 'user_id' ? null : table.cell(row, this.#column)
    return { userId: table.userIds.at(row), value: typeof value === 'string' ? beginningOf(value) : value }
  }

  #rowAt (place: number): number {
    const { births, table: { length } } = this.#index
    const ascending = this.#isReversed ? length - 1 - place : place
    switch (this.#column) {
      case 'user_id': return ascending
      case 'birthts': return births.rowAt(ascending)
      default: return this.#index.postings(this.#column).rows[ascending]!
    }
  }

  #ascending (match: Match): Uint32Array {
    if (this.#column === 'user_id') return match.rows
    const { table } = this.#index
    const order = this.#column === 'birthts' ? table.data.births.rows : this.#index.postings(this.#column).rows
    if (match.isAll) return order
    if (match.count * SORT_COST < table.length) return match.rows.slice().sort((a, b) => this.#valueOf(a) - this.#valueOf(b) || a - b)
    return order.filter((row) => match.test(row))
  }

  /** Whether a row comes behind a position, that of a row which may be gone. */
  #isBehind ({ userId, value }: Position): (row: number) => boolean {
    const { table } = this.#index
    const id = Buffer.from(userId)
    // Halves lie between rows, and between values.
    const between = (place: number, isThere: boolean) => isThere ? place : place - 0.5
    const lower = table.userIds.lowerBound(id)
    const isThere = lower < table.length && table.userIds.compare(lower, id) === 0
    const row = between(lower, isThere)
    const hasValue = isThere && beginningOf(String(table.cell(lower, this.#column))) === String(value)
    const last = this.#column === 'user_id' ? 0 : hasValue ? this.#valueOf(lower) : this.#placeOf(value)
    const direction = this.#isReversed ? -1 : 1
    return (other) => direction * (this.#valueOf(other) - last || other - row) > 0
  }

  #placeOf (value: Position['value']): number {
    if (typeof value === 'number') return value
    const { values } = this.#index.table.dictionary(this.#column)!
    const bytes = Buffer.from(value ?? '')
    const code = values.lowerBound(bytes, 1)
    return code < values.length && values.compare(code, bytes) === 0 ? code : code - 0.5
  }
}

/** A long text would make the URLs of pages too long. */
const BEGINNING_LENGTH = 200

function beginningOf (text: string): string {
  return text.slice(0, BEGINNING_LENGTH).replace(/[\ud800-\udbff]$/, '') // no half of a character
}
