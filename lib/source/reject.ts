/** Why an info file is not served. The names are stable; the README explains each. */
export const REJECT_CODES = [
  'invalid_id',
  'duplicate_id',
  'too_large',
  'empty_file',
  'invalid_utf8',
  'malformed_csv',
  'empty_header',
  'duplicate_header',
  'reserved_header',
  'missing_column',
  'too_many_columns',
  'too_many_lake_columns',
  'no_row',
  'several_rows',
  'wrong_field_count',
  'invalid_value',
  'download_failed'
] as const
export type RejectCode = (typeof REJECT_CODES)[number]

/** What is wrong with an info file, and where. */
export interface Rejection {
  readonly code: RejectCode
  /** One sentence for a person. */
  readonly detail: string
  /** The line in the file, from 1; `null` if the fault has no position. */
  readonly line: number | null
  /** The name of the column; `null` if the fault concerns no column or several. */
  readonly column: string | null
  /** The beginning of the text at that position. */
  readonly excerpt: string | null
}

/** An entry of the quarantine. */
export interface Reject extends Rejection {
  /** `null` if the key contains no valid user id. */
  readonly user_id: string | null
  readonly key: string
  readonly etag: string
  /** The last good version, which is served instead; `null` if there is none. */
  readonly last_good: { readonly key: string, readonly etag: string } | null
}

/** The maximum length of an excerpt, in characters. */
const EXCERPT_LENGTH = 60

/** A rejection with these details. The excerpt is shortened to EXCERPT_LENGTH. */
export function rejection (code: RejectCode, detail: string, position: Partial<Pick<Rejection, 'line' | 'column' | 'excerpt'>> = {}): Rejection {
  const { line = null, column = null, excerpt = null } = position
  // A character has at most two UTF-16 code units, and none is cut in half.
  const characters = [...excerpt?.slice(0, 2 * (EXCERPT_LENGTH + 1)) ?? '']
  const shortened = characters.length > EXCERPT_LENGTH ? characters.slice(0, EXCERPT_LENGTH).join('') + '…' : excerpt
  return { code, detail, line, column, excerpt: shortened }
}
