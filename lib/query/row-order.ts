import { firstIndex } from '../base/bytes.js'
import type { Value } from '../schema/field-type.js'
import { hasValue } from '../table/column.js'
import { SCAN_COST, SORT_COST } from './costs.js'
import type { Match } from './match.js'
import type { Position, Sort } from './data-version.js'
import type { TableIndex } from './table-index.js'

/** The rank of rows without a value: they come last in both directions. */
const NO_VALUE = Infinity

/** The rows of a table in the order of a sort: by one column, ties by row, which is by key. */
export class RowOrder {
  readonly #index: TableIndex
  readonly #column: string
  readonly #isByKey: boolean
  readonly #isReversed: boolean
  /** The number that rows are ordered by. */
  readonly #rankOf: (row: number) => number

  constructor (index: TableIndex, sort: Sort) {
    this.#index = index
    this.#isReversed = sort.startsWith('-')
    this.#column = this.#isReversed ? sort.slice(1) : sort
    this.#isByKey = this.#column === index.table.keyName
    this.#rankOf = this.#isByKey ? () => 0 : rankBy(index, this.#column)
  }

  /** The matching rows in this order. */
  rows (match: Match): Uint32Array {
    const rows = this.#ascending(match)
    if (!this.#isReversed) return rows
    const reversed = rows.slice()
    const valued = firstIndex(0, rows.length, (i) => this.#rankOf(rows[i]!) === NO_VALUE)
    reversed.subarray(0, valued).reverse()
    reversed.subarray(valued).reverse()
    return reversed
  }

  /** At most `limit` of the matching rows in this order, after the position. */
  page (match: Match, after: Position | undefined, limit: number): Uint32Array {
    const isAfter = after === undefined ? () => true : this.#isAfter(after)
    const { length } = this.#index.table
    // If enough rows match, testing rows one by one costs less than listing all that match.
    if (!match.isListed && match.count * SCAN_COST > length) {
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
    const { table } = this.#index
    const value = this.#isByKey ? null : table.value(row, this.#column)
    return { userId: table.keys.at(row), value: typeof value === 'string' ? beginningOf(value) : value }
  }

  #rowAt (place: number): number {
    const { length } = this.#index.table
    if (this.#isByKey) return this.#isReversed ? length - 1 - place : place
    const { rows, valued } = this.#index.order(this.#column)
    if (!this.#isReversed) return rows[place]!
    return rows[place < valued ? valued - 1 - place : length - 1 - (place - valued)]!
  }

  #ascending (match: Match): Uint32Array {
    if (this.#isByKey) return match.rows
    const { rows } = this.#index.order(this.#column)
    if (match.isAll) return rows
    // Two missing values differ by NaN.
    if (match.count * SORT_COST < rows.length) return match.rows.slice().sort((a, b) => this.#rankOf(a) - this.#rankOf(b) || a - b)
    return rows.filter((row) => match.test(row))
  }

  /** Whether a row comes after a position, that of a row which need not exist any more. */
  #isAfter ({ userId, value }: Position): (row: number) => boolean {
    const { table } = this.#index
    const id = Buffer.from(userId)
    // Halves are between rows, and between values.
    const lower = table.keys.lowerBound(id)
    const exists = lower < table.length && table.keys.compare(lower, id) === 0
    const row = exists ? lower : lower - 0.5
    const hasSameValue = exists && sameBeginning(table.value(lower, this.#column), value)
    const last = this.#isByKey ? 0 : hasSameValue ? this.#rankOf(lower) : this.#rankOfValue(value)
    const direction = this.#isReversed ? -1 : 1
    return (other) => {
      const rank = this.#rankOf(other)
      if (rank !== last && (rank === NO_VALUE || last === NO_VALUE)) return rank === NO_VALUE
      return direction * (rank - last || other - row) > 0
    }
  }

  #rankOfValue (value: Value): number {
    if (value === null) return NO_VALUE
    if (typeof value !== 'string') return Number(value)
    const bytes = Buffer.from(value)
    const dictionary = this.#index.table.dictionary(this.#column)
    if (dictionary === undefined) return rankOfKey(this.#index, this.#column, bytes)
    const code = dictionary.values.lowerBound(bytes, 1)
    return code < dictionary.values.length && dictionary.values.compare(code, bytes) === 0 ? code : code - 0.5
  }
}

function rankBy (index: TableIndex, name: string): (row: number) => number {
  const { table } = index
  const column = table.column(name)
  if (column === undefined) return rankInOrder(index, name)
  if (column.kind === 'dictionary') return (row) => column.codes[row] || NO_VALUE
  const { kind, values } = column
  return (row) => hasValue(kind, values[row]!) ? values[row]! : NO_VALUE
}

/** The rank of a row in the order of its image key. */
function rankInOrder (index: TableIndex, name: string): (row: number) => number {
  const { rows, valued } = index.order(name)
  const ranks = new Float64Array(rows.length).fill(NO_VALUE)
  for (let i = 0; i < valued; i++) ranks[rows[i]!] = i
  return (row) => ranks[row]!
}

/** The rank that an image key would have. */
function rankOfKey (index: TableIndex, name: string, key: Buffer): number {
  const keys = index.table.images(name)
  if (keys === undefined) return NO_VALUE
  const { rows, valued } = index.order(name)
  return firstIndex(0, valued, (i) => keys.compare(rows[i]!, key) >= 0) - 0.5
}

/** Longer texts would make the URLs of pages too long. Characters. */
const BEGINNING_LENGTH = 200

function beginningOf (text: string): string {
  return text.slice(0, BEGINNING_LENGTH).replace(/[\ud800-\udbff]$/, '') // do not cut a surrogate pair in half
}

function sameBeginning (value: Value, other: Value): boolean {
  return typeof value === 'string' ? beginningOf(value) === other : value === other
}
