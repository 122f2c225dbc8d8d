import type { TableReader } from '../table/table.js'
import { BirthIndex } from './birth-index.js'
import { sortByCode, type Postings } from './postings.js'

/** A table and the orders of its rows that queries have asked for. */
export class TableIndex {
  readonly table: TableReader
  readonly births: BirthIndex
  readonly #postings = new Map<string, Postings>()

  constructor (table: TableReader) {
    this.table = table
    this.births = new BirthIndex(table)
  }

  /** The rows by the values of a column of text, which some row has. */
  postings (column: string): Postings {
    let postings = this.#postings.get(column)
    if (postings === undefined) {
      const { values, codes } = this.table.dictionary(column)!
      postings = sortByCode(codes, values.length)
      this.#postings.set(column, postings)
    }
    return postings
  }
}
