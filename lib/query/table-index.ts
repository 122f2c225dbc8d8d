import { setImmediate } from 'node:timers/promises'
import { hasValue, type FixedColumn } from '../table/column.js'
import type { TableReader } from '../table/table.js'
import type { Utf8Reader } from '../table/utf8-column.js'
import { BirthIndex } from './birth-index.js'
import { sortByCode, type Postings } from './postings.js'

/** The rows of a table in ascending order of a column, ties in row order. The rows without a value come last. */
export interface ColumnOrder {
  readonly rows: Uint32Array
  /** The number of rows with a value. */
  readonly valued: number
}

/** A table and the orders of its rows that queries have used. */
export class TableIndex {
  readonly table: TableReader
  /** `undefined` without a birth field. */
  readonly births: BirthIndex | undefined
  readonly #postings = new Map<string, Postings>()
  /** Postings that are being made. */
  readonly #preparing = new Map<string, Promise<void>>()
  readonly #orders = new Map<string, ColumnOrder>()

  constructor (table: TableReader) {
    this.table = table
    this.births = table.data.births && new BirthIndex(table, table.data.births)
  }

  /** The rows in the order of a dictionary column of the table. Computed in one piece, unless it has been prepared. */
  postings (column: string): Postings {
    const postings = this.#postings.get(column) ?? runToEnd(this.#sort(column))
    this.#postings.set(column, postings)
    return postings
  }

  /** Makes the postings of a column without holding up the event loop; does nothing for a column that has none. */
  async prepare (column: string): Promise<void> {
    if (this.#postings.has(column) || this.table.dictionary(column) === undefined) return
    const preparing = this.#preparing.get(column) ?? this.#prepare(column).finally(() => this.#preparing.delete(column))
    this.#preparing.set(column, preparing)
    await preparing
  }

  async #prepare (column: string): Promise<void> {
    const steps = this.#sort(column)
    for (;;) {
      const step = steps.next()
      if (step.done) {
        this.#postings.set(column, step.value)
        return
      }
      await setImmediate()
    }
  }

  #sort (column: string): ReturnType<typeof sortByCode> {
    const { values, codes } = this.table.dictionary(column)!
    return sortByCode(codes, values.length)
  }

  /** The rows in the order of a column, which is not the key. */
  order (column: string): ColumnOrder {
    let order = this.#orders.get(column)
    if (order === undefined) this.#orders.set(column, order = this.#makeOrder(column))
    return order
  }

  #makeOrder (name: string): ColumnOrder {
    const { births, table } = this
    const column = table.column(name)
    if (column?.kind === 'dictionary') {
      const { rows, starts } = this.postings(name)
      return nullsLast(rows, starts[1]!)
    }
    if (column !== undefined && births?.isOf(column)) return withOthers(births.rows(0, births.length), table.length)
    if (column !== undefined) return sortFixed(column)
    const keys = table.images(name)
    return keys === undefined ? { rows: rowNumbers(table.length), valued: 0 } : sortTexts(keys)
  }
}

function runToEnd<T> (steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Moves the rows without a value, which come first, to the end. */
function nullsLast (rows: Uint32Array, nulls: number): ColumnOrder {
  if (nulls === 0) return { rows, valued: rows.length }
  const moved = new Uint32Array(rows.length)
  moved.set(rows.subarray(nulls))
  moved.set(rows.subarray(0, nulls), rows.length - nulls)
  return { rows: moved, valued: rows.length - nulls }
}

/** Adds the rows that are not in an order, in row order. */
function withOthers (rows: Uint32Array, length: number): ColumnOrder {
  if (rows.length === length) return { rows, valued: length }
  const isOrdered = new Uint8Array(length)
  for (const row of rows) isOrdered[row] = 1
  const all = new Uint32Array(length)
  all.set(rows)
  let next = rows.length
  for (let row = 0; row < length; row++) if (isOrdered[row] === 0) all[next++] = row
  return { rows: all, valued: rows.length }
}

function sortFixed ({ kind, values }: FixedColumn): ColumnOrder {
  const valued = rowNumbers(values.length).filter((row) => hasValue(kind, values[row]!))
  return withOthers(valued.sort((a, b) => values[a]! - values[b]! || a - b), values.length)
}

/** Empty texts are missing values. */
function sortTexts (texts: Utf8Reader): ColumnOrder {
  const valued = rowNumbers(texts.length).filter((row) => !texts.isEmpty(row))
  return withOthers(valued.sort((a, b) => texts.compare(a, texts.bytes, texts.offsets[b], texts.offsets[b + 1]) || a - b), texts.length)
}

function rowNumbers (length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, row) => row)
}
