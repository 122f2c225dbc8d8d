import { nearest } from './nearest.js'

/** Thrown by queries that name a column no record has. */
export class UnknownColumnError extends Error {
  readonly column: string
  readonly usedIn: 'columns' | 'filters'
  /** The column that was perhaps meant. */
  readonly nearest: string | undefined

  constructor (column: string, usedIn: 'columns' | 'filters', known: readonly string[]) {
    super(`No record has a column ${JSON.stringify(column)}`)
    this.name = 'UnknownColumnError'
    this.column = column
    this.usedIn = usedIn
    this.nearest = nearest(column, known.filter((name) => !/[,=]/.test(name))) // these can't be written in a query
  }
}

/** Thrown by queries before the source has been read for the first time. */
export class NoDataError extends Error {
  constructor () {
    super('The source has not been read yet')
    this.name = 'NoDataError'
  }
}

/** Thrown instead of publishing records that may lack users: nothing is lost because of a download. */
export class IncompleteSourceError extends Error {
  constructor (failed: readonly string[]) {
    super(`${failed.length} source objects could not be downloaded, ${failed[0]} among them; the output stays as it is`)
    this.name = 'IncompleteSourceError'
  }
}

/** Thrown by queries on a data version that is not held: no longer, or it never was. */
export class UnknownVersionError extends Error {
  constructor (version: string) {
    super(`The data version ${JSON.stringify(version)} is not held`)
    this.name = 'UnknownVersionError'
  }
}
