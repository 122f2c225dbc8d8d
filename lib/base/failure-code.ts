import { StoreError, TooLargeError, type StoreErrorCode } from './errors.js'

/** Why something could not be done, or the data may not be the truth of the bucket now, as answers name it. */
export type FailureCode = StoreErrorCode | 'lake_too_large' | 'download_failed' | 'refresh_slow' | 'internal_error'

const DESCRIPTIONS: Readonly<Record<FailureCode, string>> = {
  unreachable: 'The bucket can\'t be reached',
  timeout: 'The bucket does not answer in time',
  access_denied: 'The bucket refuses access',
  no_such_bucket: 'The bucket or folder does not exist',
  invalid_listing: 'The bucket answers with something that is not a complete listing',
  corrupt: 'What the bucket sent does not match its checksum',
  too_large: 'An object is too large',
  invalid_key: 'The store can\'t hold an object of that name',
  precondition_failed: 'The object kept changing while it was read or written',
  read_only: 'Another process writes to this folder; this one serves it read-only',
  store_error: 'The bucket reports an error',
  lake_too_large: 'The lake is too large for this service: one column of it has more than 2 GiB of text',
  download_failed: 'Some source objects could not be downloaded',
  refresh_slow: 'The bucket takes long to answer',
  internal_error: 'An unexpected error; the log has more'
}

/** All reasons. */
export const FAILURE_CODES = Object.keys(DESCRIPTIONS) as readonly FailureCode[]

/** A sentence for a person that gives nothing away of the systems behind. */
export function describeFailure (reason: FailureCode): string {
  return DESCRIPTIONS[reason]
}

/** The reason of a failure. */
export function toFailureCode (error: unknown): FailureCode {
  if (error instanceof StoreError) return error.code
  return error instanceof TooLargeError ? 'lake_too_large' : 'internal_error'
}
