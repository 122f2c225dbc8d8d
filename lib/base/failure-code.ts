import { StoreError, TooLargeError, type StoreErrorCode } from './errors.js'

/** Why something failed or the data may be stale. The codes are stable: they appear in responses and in `Data-Stale`. */
export type FailureCode = StoreErrorCode | 'lake_too_large' | 'download_failed' | 'refresh_slow' | 'internal_error'

const DESCRIPTIONS: Readonly<Record<FailureCode, string>> = {
  unreachable: 'The bucket can\'t be reached',
  timeout: 'The bucket does not respond in time',
  access_denied: 'The bucket refuses access',
  no_such_bucket: 'The bucket or folder does not exist',
  invalid_listing: 'The response of the bucket is not a complete listing',
  corrupt: 'The body of an object does not match its length or checksum',
  too_large: 'An object is too large',
  invalid_key: 'The store can\'t hold an object with this name',
  precondition_failed: 'The object was changed repeatedly while it was read or written',
  read_only: 'Another process writes to this folder; this one serves it read-only',
  store_error: 'The bucket reports an error',
  lake_too_large: 'The lake is too large for this service: one of its columns has more than 2 GiB of text',
  download_failed: 'Some info files could not be downloaded',
  refresh_slow: 'The bucket is slow to respond',
  internal_error: 'An unexpected error; see the log'
}

/** All codes. */
export const FAILURE_CODES = Object.keys(DESCRIPTIONS) as readonly FailureCode[]

/** A sentence for users, which discloses nothing about the store. */
export function describeFailure (code: FailureCode): string {
  return DESCRIPTIONS[code]
}

/** The code of an error. */
export function toFailureCode (error: unknown): FailureCode {
  if (error instanceof StoreError) return error.code
  return error instanceof TooLargeError ? 'lake_too_large' : 'internal_error'
}
