import { EngineError, IncompleteSourceError, LargeLossError, StoreError, TooLargeError, UnreadSourceError, type EngineErrorCode, type StoreErrorCode } from './errors.js'

/** Why an operation failed or why the data may be stale. The codes are stable: they appear in responses and in `Data-Stale`. */
export type FailureCode = StoreErrorCode | EngineErrorCode | 'lake_too_large' | 'large_loss' | 'download_failed' | 'refresh_slow' | 'internal_error'

const DESCRIPTIONS: Readonly<Record<FailureCode, string>> = {
  unreachable: 'The lake cannot be reached',
  timeout: 'The lake does not respond in time',
  access_denied: 'The lake refuses access',
  no_such_bucket: 'The bucket or folder does not exist',
  invalid_listing: 'The listing of the lake is incomplete or invalid',
  corrupt: 'The body of an object does not match its length or checksum',
  too_large: 'An object is too large',
  invalid_key: 'The lake cannot contain an object with this key',
  precondition_failed: 'The object was changed repeatedly while it was read or written',
  read_only: 'Another process writes to this folder; this one only reads it',
  output_key_taken: 'OUTPUT_KEY is the key of a file of the lake that this service has not written, and does not replace',
  store_error: 'The lake returned an error',
  lake_too_large: 'The lake is too large: one of its columns has more than 2 GiB of text; hide it with COLUMNS_HIDDEN, or shorten its values',
  large_loss: 'The last listing lacks so many records that it is believed only once a second one agrees',
  download_failed: 'Some info files could not be downloaded',
  engine_unavailable: 'The engine, or one of its shards, cannot be reached',
  engine_timeout: 'The engine took too long',
  engine_overloaded: 'The engine has too little memory for a query, or runs too many at the same time',
  engine_access_denied: 'The engine refuses access',
  engine_wrong_cluster: 'The engine has no cluster with the name in ENGINE_CLUSTER, or one of other nodes than those in ENGINE_URL',
  engine_wrong_database: 'The database of the engine is missing, or its tables are of another lake, schema, time zone or release',
  engine_read_only: 'The engine accepts no writes',
  engine_incomplete: 'The engine returned other data than it had announced',
  engine_query_failed: 'The engine returned an error',
  refresh_slow: 'The data is old and still being refreshed',
  internal_error: 'An unexpected error; see the log'
}

/** All codes. */
export const FAILURE_CODES = Object.keys(DESCRIPTIONS) as readonly FailureCode[]

/** The codes that an error can have: all except `refresh_slow`, which is only a reason why the data may be stale. */
export const ERROR_CODES = FAILURE_CODES.filter((code) => code !== 'refresh_slow')

/** Describes a code in a sentence without a full stop, for clients. It contains no name, URL or message of the store. */
export function describeFailure (code: FailureCode): string {
  return DESCRIPTIONS[code]
}

/** Returns the code of an error; `internal_error` for an error of any class that has no code here. */
export function toFailureCode (error: unknown): FailureCode {
  if (error instanceof StoreError || error instanceof EngineError) return error.code
  if (error instanceof LargeLossError) return 'large_loss'
  if (error instanceof IncompleteSourceError || error instanceof UnreadSourceError) return 'download_failed'
  return error instanceof TooLargeError ? 'lake_too_large' : 'internal_error'
}
