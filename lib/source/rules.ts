import type { DuplicateRule, InputEncoding } from '../base/info-formats.js'
import type { SchemaDescriptor } from '../schema/descriptor.js'

/** Columns whose values are read and checked, but never stored or shown. Plain data. */
export interface HiddenColumns {
  /** All declared columns, the hidden ones included. The schema of the records does not have those. */
  readonly schema: SchemaDescriptor
  /** The names of the hidden columns: of declared ones, but not the key, and of undeclared ones. */
  readonly names: readonly string[]
}

/** How keys and info files are interpreted. */
export interface SourceRules {
  /** The prefix of all keys; empty, or ends in a slash. */
  readonly prefix: string
  /** Keys that the service itself writes. They are never input, even below the prefix. */
  readonly ownKeys: readonly string[]
  /** The extensions of the image field that declares none. Lower case, without the dot. */
  readonly imageExtensions: readonly string[]
  /** Separates the fields of an info file; one or more characters. */
  readonly delimiter: string
  readonly encoding: InputEncoding
  /** Which one of several info files of the same record is served. */
  readonly duplicates: DuplicateRule
  /** The declared columns. */
  readonly schema: SchemaDescriptor
  /** Absent: no column is hidden. */
  readonly hidden?: HiddenColumns | undefined
  /** IANA name of the time zone in which a birth timestamp is a date. */
  readonly timeZone: string
}

/** The maximum number of undeclared columns in one info file, and in all records of a lake together. */
export const MAX_FILE_COLUMNS = 64
export const MAX_LAKE_COLUMNS = 256

/** The maximum size of an info file, in bytes. Larger objects are not downloaded. */
export const MAX_INFO_BYTES = 1024 * 1024

/** The maximum length of an id, in bytes of UTF-8. */
export const MAX_ID_BYTES = 240
