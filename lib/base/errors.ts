import { nearest } from './nearest.js'

/** A query names a column that no record has. */
export class UnknownColumnError extends Error {
  readonly column: string
  readonly usedIn: 'columns' | 'filters'
  /** The column with the most similar name; `undefined` if none is similar. */
  readonly nearest: string | undefined

  constructor (column: string, usedIn: 'columns' | 'filters', known: readonly string[]) {
    super(`No record has a column ${JSON.stringify(column)}`)
    this.name = 'UnknownColumnError'
    this.column = column
    this.usedIn = usedIn
    this.nearest = nearest(column, known.filter((name) => !/[,=]/.test(name))) // these cannot be written in a query
  }
}

/** A query was made before the first reconcile has succeeded. */
export class NoDataError extends Error {
  constructor () {
    super('The lake has not been read yet')
    this.name = 'NoDataError'
  }
}

/** An output was not published because info files could not be downloaded: it would lack their records. */
export class IncompleteSourceError extends Error {
  constructor (failed: readonly string[]) {
    super(`${failed.length} info files could not be downloaded, ${failed[0]} among them; the output is left as it is`)
    this.name = 'IncompleteSourceError'
  }
}

/** A text column of the lake is larger than a table can hold. */
export class TooLargeError extends Error {
  constructor () {
    super('A column of the lake has more than 2 GiB of text')
    this.name = 'TooLargeError'
  }
}

/** Why an object store failed. The codes are stable: they appear in responses and in `Data-Stale`. */
export type StoreErrorCode =
  | 'unreachable' // the connection failed
  | 'timeout'
  | 'access_denied'
  | 'no_such_bucket' // or the folder is missing
  | 'invalid_listing' // not a listing, or its keys are out of order; never treated as an empty bucket
  | 'corrupt' // the body does not match its length or checksum
  | 'too_large'
  | 'invalid_key' // this store cannot hold such a key
  | 'precondition_failed'
  | 'read_only' // another process writes to this folder
  | 'store_error' // any other failure that the store reports

/** The error of any object store. */
export class StoreError extends Error {
  readonly code: StoreErrorCode

  constructor (code: StoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
  }
}

/**
 * A failure as a StoreError whose message begins with its subject: the URL of the store or object.
 *
 * @param classify gives the code of an error that is not a StoreError yet, and its reason in words
 */
export function toStoreError<E> (error: unknown, subject: string, classify: (error: E) => readonly [code: StoreErrorCode, reason: string]): StoreError {
  const [code, reason] = error instanceof StoreError ? [error.code, error.message] : classify(error as E)
  return new StoreError(code, `${subject}: ${reason}`, { cause: error })
}

/** The service has more work, or holds more responses, than it takes on at a time. */
export class OverloadedError extends Error {
  constructor (reason: string) {
    super(`${reason}; try again later`)
    this.name = 'OverloadedError'
  }
}

/** The client closed the connection before its response was ready. */
export class RequestAbortedError extends Error {
  constructor () {
    super('The client closed the connection')
    this.name = 'RequestAbortedError'
  }
}
