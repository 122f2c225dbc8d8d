/** Why an info file is not served. Stable names; the README explains each. */
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

/** What is wrong with a file, and where. */
export interface Rejection {
  readonly code: RejectCode
  /** One sentence for a person. */
  readonly detail: string
  /** Line in the file, from 1; `null` where the fault has no place. */
  readonly line: number | null
  /** Name of the column; `null` where the fault concerns none or several. */
  readonly column: string | null
  /** The beginning of what was found there. */
  readonly excerpt: string | null
}

/** An entry of the quarantine. */
export interface Reject extends Rejection {
  /** `null` where the key gives no valid one. */
  readonly user_id: string | null
  readonly key: string
  readonly etag: string
  /** The good version that is still served for this user; `null` where there is none. */
  readonly last_good: { readonly key: string, readonly etag: string } | null
}

const EXCERPT_LENGTH = 60

/** A fault; its excerpt is cut to a length fit for a report. */
export function rejection (code: RejectCode, detail: string, place: Partial<Pick<Rejection, 'line' | 'column' | 'excerpt'>> = {}): Rejection {
  const { line = null, column = null, excerpt = null } = place
  // No character has more than two UTF-16 units, and none is cut in half.
  const characters = [...excerpt?.slice(0, 2 * (EXCERPT_LENGTH + 1)) ?? '']
  const cut = characters.length > EXCERPT_LENGTH ? characters.slice(0, EXCERPT_LENGTH).join('') + '…' : excerpt
  return { code, detail, line, column, excerpt: cut }
}
