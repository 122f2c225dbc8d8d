/** How keys and files of the source are read. */
export interface SourceRules {
  /** Empty, or ends in a slash. */
  readonly prefix: string
  /** Keys that the service itself writes to, which are never input, wherever they lie. */
  readonly ownKeys: readonly string[]
  /** Lower case, without the dot. */
  readonly imageExtensions: readonly string[]
  /** Between the fields of an info file; one or more characters. */
  readonly delimiter: string
  /** IANA name of the zone in which a birth timestamp is a date. */
  readonly timeZone: string
}

/** At most so many columns in one info file, and in all records of a lake together. */
export const MAX_FILE_COLUMNS = 64
export const MAX_LAKE_COLUMNS = 256

/** An info file is one person; a larger object is not downloaded. Bytes. */
export const MAX_INFO_BYTES = 1024 * 1024

/** Longest user id, in bytes of UTF-8. */
export const MAX_USER_ID_BYTES = 240
