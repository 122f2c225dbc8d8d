import { firstIndex } from '../base/bytes.js'
import { SCAN_COST, SORT_COST } from './costs.js'
import type { Match } from './match.js'
import type { Position, Sort } from './data-version.js'
import type { TableIndex } from './table-index.js'

/** The rows of a table in the order of a sort column. */
export class RowOrder {
  readonly #index: TableIndex
  readonly #column: string
  readonly #isReversed: boolean
  /** The number by which rows are ordered; ties are in the order of the rows. */
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

  /** The first matching rows in this order after the position, at most `limit`. */
  page (match: Match, after: Position | undefined, limit: number): Uint32Array {
    const comesAfter = after === undefined ? () => true : this.#comesAfter(after)
    const { length } = this.#index.table
    // If enough rows match, testing row after row is cheaper than listing all that match.
    if (!match.isListed && match.count * SCAN_COST > length) {
      const page: number[] = []
      for (let position = firstIndex(0, length, (position) => comesAfter(this.#rowAt(position))); position < length && page.length < limit; position++) {
        const row = this.#rowAt(position)
        if (match.test(row)) page.push(row)
      }
      return Uint32Array.from(page)
    }
    const rows = this.rows(match)
    const from = firstIndex(0, rows.length, (i) => comesAfter(rows[i]!))
    return rows.slice(from, from + limit)
  }

  /** The position of a row, which remains valid in any other version of the records. */
  positionOf (row: number): Position {
    const { table } = this.#index
    const value = this.#column === 'user_id' ? null : table.cell(row, this.#column)
    return { userId: table.userIds.at(row), value: typeof value === 'string' ? beginningOf(value) : value }
  }

  #rowAt (position: number): number {
    const { births, table: { length } } = this.#index
    const ascending = this.#isReversed ? length - 1 - position : position
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

  /** Tests whether rows come after a position. The record of the position may no longer exist. */
  #comesAfter ({ userId, value }: Position): (row: number) => boolean {
    const { table } = this.#index
    const id = Buffer.from(userId)
    // A record or value that does not exist lies half-way between two that do.
    const between = (position: number, isThere: boolean) => isThere ? position : position - 0.5
    const lower = table.userIds.lowerBound(id)
    const isThere = lower < table.length && table.userIds.compare(lower, id) === 0
    const row = between(lower, isThere)
    const hasValue = isThere && beginningOf(String(table.cell(lower, this.#column))) === String(value)
    const last = this.#column === 'user_id' ? 0 : hasValue ? this.#valueOf(lower) : this.#orderOf(value)
    const direction = this.#isReversed ? -1 : 1
    return (other) => direction * (this.#valueOf(other) - last || other - row) > 0
  }

  #orderOf (value: Position['value']): number {
    if (typeof value === 'number') return value
    const { values } = this.#index.table.dictionary(this.#column)!
    const bytes = Buffer.from(value ?? '')
    const code = values.lowerBound(bytes, 1)
    return code < values.length && values.compare(code, bytes) === 0 ? code : code - 0.5
  }
}

/** Positions contain the beginning of long texts, in UTF-16 code units: whole texts would make the URLs of pages too long. */
const BEGINNING_LENGTH = 200

function beginningOf (text: string): string {
  return text.slice(0, BEGINNING_LENGTH).replace(/[\ud800-\udbff]$/, '') // do not cut a surrogate pair in half
}
