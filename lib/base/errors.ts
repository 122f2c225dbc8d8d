import { isQueryable } from './column-name.js'
import { countOf } from './count-of.js'
import type { Loss } from './large-loss.js'
import { nearest } from './nearest.js'

/** Where a query names a column. */
export type ColumnUse = 'columns' | 'filters' | 'sort' | 'groupBy'

/** A query uses a column that no record has. */
export class UnknownColumnError extends Error {
  readonly column: string
  readonly usedIn: ColumnUse
  /** The column with the most similar name; `undefined` if none is similar. */
  readonly nearest: string | undefined

  /** @param columns the columns that exist */
  constructor (column: string, usedIn: ColumnUse, columns: readonly string[]) {
    super(`No record has a column ${JSON.stringify(column)}`)
    this.name = 'UnknownColumnError'
    this.column = column
    this.usedIn = usedIn
    this.nearest = nearest(column, columns.filter(isQueryable))
  }
}

/** Data was requested before the first reconcile succeeded. */
export class NoDataError extends Error {
  constructor () {
    super('The lake has not been read yet')
    this.name = 'NoDataError'
  }
}

/** The lake was listed, but too few of its info files could be read to serve it. */
export class UnreadSourceError extends Error {
  /** @param unread the number of info files that could not be read, of `infoFiles`. @param example the key of one of them */
  constructor (unread: number, infoFiles: number, example: string) {
    super(`${unread} of ${countOf(infoFiles, 'info file')}, ${example} among them, could not be read yet; at most one in a hundred may be missing`)
    this.name = 'UnreadSourceError'
  }
}

/** An output was not published because some info files could not be downloaded: it would lack their records. */
export class IncompleteSourceError extends Error {
  /** @param failed the keys of the info files, at least one */
  constructor (failed: readonly string[]) {
    const what = failed.length === 1 ? `The info file ${failed[0]}` : `${failed.length} info files, ${failed[0]} among them,`
    super(`${what} could not be downloaded; the output is left as it is`)
    this.name = 'IncompleteSourceError'
  }
}

/** A complete listing lacks so many records that it is believed only once a second one agrees. */
export class LargeLossError extends Error {
  /** @param loss the loss or, for an error that comes from another thread, its message */
  constructor (loss: Loss | string) {
    super(typeof loss === 'string' ? loss : `The listing lacks ${loss.lost} of ${loss.before} records, more than MAX_LOSS allows; it is believed once the next one agrees`)
    this.name = 'LargeLossError'
  }
}

/** An output was not published because the caller has confirmed another data version. */
export class ConfirmationMismatchError extends Error {
  /** @param version the current data version */
  constructor (confirmed: string, version: string) {
    super(`confirm: got ${JSON.stringify(confirmed.slice(0, MAX_CONFIRMED_LENGTH))}; the lake has the data version ${version} now, and nothing was published`)
    this.name = 'ConfirmationMismatchError'
  }
}

const MAX_CONFIRMED_LENGTH = 100

/** A column has more UTF-8 text than 32-bit offsets can address: 2 GiB. */
export class TooLargeError extends Error {
  constructor () {
    super('A column of the lake has more than 2 GiB of text')
    this.name = 'TooLargeError'
  }
}

/** Why an object store failed. The codes are stable: they appear in responses and in their header `Data-Stale`. */
export type StoreErrorCode =
  | 'unreachable' // the connection failed
  | 'timeout'
  | 'access_denied'
  | 'no_such_bucket' // or the folder is missing
  | 'invalid_listing' // not a listing, or its keys are not in ascending order; never treated as an empty bucket
  | 'corrupt' // the body does not match its length or checksum
  | 'too_large'
  | 'invalid_key' // no object of this store can have such a key
  | 'precondition_failed'
  | 'read_only' // another process writes to this folder
  | 'output_key_taken' // an object that the service has not written has the key of the output
  | 'store_error' // any other failure that the store reports

/** What the store itself has reported, if it has. */
export interface StoreReport {
  /** The store's own code, such as `HTTP 403 InvalidObjectState` or `EIO`. Contains no secret. */
  readonly storeCode?: string | undefined
  /** Whether the store refuses this request, so that it would fail again until the object or its rights are changed. */
  readonly isRefused?: boolean | undefined
}

/** The error of any object store. */
export class StoreError extends Error implements StoreReport {
  readonly code: StoreErrorCode
  readonly storeCode: string | undefined
  readonly isRefused: boolean

  constructor (code: StoreErrorCode, message: string, { cause, storeCode, isRefused = false }: StoreReport & { readonly cause?: unknown } = {}) {
    super(message, { cause })
    this.name = 'StoreError'
    this.code = code
    this.storeCode = storeCode
    this.isRefused = isRefused
  }
}

/**
 * Converts any error to a StoreError whose message begins with `subject`: the URL of the store or object.
 *
 * @param classify returns the code and the reason, in words, of an error that is not a StoreError, and what the store has reported
 */
export function toStoreError<E> (error: unknown, subject: string, classify: (error: E) => readonly [code: StoreErrorCode, reason: string, report?: StoreReport]): StoreError {
  const [code, reason, report = {}] = error instanceof StoreError ? [error.code, error.message, error] as const : classify(error as E)
  return new StoreError(code, `${subject}: ${reason}`, { cause: error, storeCode: report.storeCode, isRefused: report.isRefused })
}

/** Why an engine that runs elsewhere failed. The codes are stable. */
export type EngineErrorCode =
  | 'engine_unavailable' // the engine, or one of its shards, cannot be reached
  | 'engine_timeout' // a query took longer than its limit
  | 'engine_overloaded' // a query needs more memory than the engine grants, or too many run at the same time
  | 'engine_access_denied'
  | 'engine_wrong_cluster' // the engine has no cluster with this name, or not with these nodes
  | 'engine_wrong_database' // the database is missing, or its tables are of another lake, schema, time zone or revision
  | 'engine_read_only'
  | 'engine_incomplete' // the engine returned other data than it had announced
  | 'engine_query_failed' // any other failure that the engine reports

/** The error of any engine that runs elsewhere. Part of the data is never returned instead. */
export class EngineError extends Error {
  readonly code: EngineErrorCode
  /** The engine's own code, such as `279 ALL_CONNECTION_TRIES_FAILED`, if it has reported one. Contains no secret. */
  readonly engineCode: string | undefined

  constructor (code: EngineErrorCode, message: string, { cause, engineCode }: { readonly cause?: unknown, readonly engineCode?: string | undefined } = {}) {
    super(message, { cause })
    this.name = 'EngineError'
    this.code = code
    this.engineCode = engineCode
  }
}

/** The engine does not have the records of a data version any more: what was read of it may not be whole. */
export class VersionForgottenError extends Error {
  constructor () {
    super('The data version of this request is no longer retained')
    this.name = 'VersionForgottenError'
  }
}

/** The request was rejected because a limit is reached: of waiting requests, or of the memory for responses. */
export class OverloadedError extends Error {
  /** @param reason the limit that is reached, as a sentence without a full stop */
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
