import { setImmediate } from 'node:timers/promises'
import type { TableReader } from '../table/table.js'
import { BirthIndex } from './birth-index.js'
import { sortByCode, type Postings } from './postings.js'

/** A table with its indexes, which are built when a query first needs them. */
export class TableIndex {
  readonly table: TableReader
  readonly births: BirthIndex
  readonly #postings = new Map<string, Postings>()
  /** Postings that are being made. */
  readonly #preparing = new Map<string, Promise<void>>()

  constructor (table: TableReader) {
    this.table = table
    this.births = new BirthIndex(table)
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
}

function runToEnd<T> (steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
