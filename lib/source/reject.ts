/** Why an info file is not served. The names are stable; docs/reference.md explains each. */
export const REJECT_CODES = [
  'invalid_id',
  'duplicate_id',
  'too_large',
  'empty_file',
  'invalid_utf8',
  'invalid_encoding',
  'malformed_csv',
  'malformed_gzip',
  'malformed_json',
  'empty_header',
  'duplicate_header',
  'reserved_header',
  'missing_column',
  'wrong_columns',
  'too_many_columns',
  'too_many_lake_columns',
  'no_row',
  'several_rows',
  'wrong_field_count',
  'invalid_value',
  'download_failed',
  'unreadable',
  'incomplete'
] as const
export type RejectCode = (typeof REJECT_CODES)[number]

/** The codes of files whose content is not known: they may be records, and are read again. */
export const UNREAD_CODES: readonly RejectCode[] = ['download_failed', 'unreadable', 'incomplete']

/** The codes of the entries of a quarantine: those of rejects, and that of an image without an info file. */
export const QUARANTINE_CODES = [...REJECT_CODES, 'orphan'] as const
export type QuarantineCode = (typeof QUARANTINE_CODES)[number]

/** Replaces the detail of rejects whose detail may quote the file, such as the message of a parser, in places that must not quote it. */
export const GENERAL_DETAILS: Readonly<Partial<Record<QuarantineCode, string>>> = {
  malformed_csv: 'The file is not CSV',
  malformed_json: 'The file is not one JSON object',
  duplicate_header: 'Two columns are the same',
  reserved_header: 'A column has a reserved name, or the key column has another value than the file name',
  wrong_columns: 'The columns are not those that the schema allows'
}

/** What is wrong with an object, and where. */
export interface Rejection<Code extends QuarantineCode = RejectCode> {
  readonly code: Code
  /** A human-readable sentence. */
  readonly detail: string
  /** How the uploader can correct the file; `null` if it is not a known mistake. */
  readonly hint: string | null
  /** The line in the file, from 1; `null` if the error has no position. */
  readonly line: number | null
  /** The name of the column; `null` if the error concerns no column or several. */
  readonly column: string | null
  /** The beginning of the text with the error, at most EXCERPT_LENGTH characters and an ellipsis; `null` if the error has no text. */
  readonly excerpt: string | null
}

/** The maximum length of an excerpt, in characters (code points). */
const EXCERPT_LENGTH = 60

/** A rejection with these details. The excerpt is shortened to EXCERPT_LENGTH. Half a surrogate pair, as in messages of JSON.parse, becomes U+FFFD. */
export function rejection<Code extends QuarantineCode> (code: Code, detail: string, rest: Partial<Omit<Rejection, 'code' | 'detail'>> = {}): Rejection<Code> {
  const { hint = null, line = null, column = null, excerpt = null } = rest
  // Splits the beginning only. A character has at most two UTF-16 code units, so EXCERPT_LENGTH of them are whole if the excerpt is longer.
  const characters = [...excerpt?.slice(0, 2 * (EXCERPT_LENGTH + 1)) ?? '']
  const shortened = characters.length > EXCERPT_LENGTH ? characters.slice(0, EXCERPT_LENGTH).join('') + '…' : excerpt
  return { code, detail: toWellFormed(detail), hint, line, column: column && toWellFormed(column), excerpt: shortened && toWellFormed(shortened) }
}

function toWellFormed (text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '\ufffd')
}
