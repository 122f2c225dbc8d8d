import type { TableReader } from '../table/table.js'
import { BirthIndex } from './birth-index.js'
import { sortByCode, type Postings } from './postings.js'

/** A table with its indexes, which are built when a query first needs them. */
export class TableIndex {
  readonly table: TableReader
  readonly births: BirthIndex
  readonly #postings = new Map<string, Postings>()

  constructor (table: TableReader) {
    this.table = table
    this.births = new BirthIndex(table)
  }

  /** The rows in the order of a dictionary column of the table. */
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
