import { notPlain, type NotPlain } from './blocks.js'
import { csvTextWriter, maxCsvLength, type CsvTextOptions } from './csv-text.js'
import { writeJson } from './json-text.js'

/** How values are written: as JSON values, or as the fields of a CSV. */
export interface CellStyle {
  /** Written for a row without a value. */
  readonly missing: Uint8Array
  /** Whether texts, dates and datetimes are always in quotes. */
  readonly isQuoted: boolean
  /** The maximum number of bytes that are written for a text of `length` bytes. */
  readonly maxTextLength: (length: number) => number
  /** The bytes of a text that may have to be escaped or quoted; absent: any text may need it. */
  readonly notPlain?: NotPlain
  /** Writes UTF-8 text. Returns the end. */
  readonly writeText: (to: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number) => number
}

const QUOTE = 0x22

export const JSON_STYLE: CellStyle = {
  missing: Buffer.from('null'),
  isQuoted: true,
  maxTextLength: (length) => 6 * length + 2, // \u0000
  notPlain: notPlain(0x20, QUOTE, 0x5c),
  writeText: (to, at, bytes, start, end) => {
    to[at] = QUOTE
    const close = writeJson(to, at + 1, bytes, start, end)
    to[close] = QUOTE
    return close + 1
  }
}

export interface CsvStyleOptions extends CsvTextOptions {
  /** Written in place of `null`. */
  readonly emptyValue: string
}

export function csvStyle ({ emptyValue, ...options }: CsvStyleOptions): CellStyle {
  const writeText = csvTextWriter(options)
  const empty = Buffer.from(emptyValue)
  const missing = Buffer.alloc(maxCsvLength(empty.length))
  const separator = options.delimiter.charCodeAt(0)
  return {
    missing: missing.subarray(0, writeText(missing, 0, empty, 0, empty.length)),
    isQuoted: false,
    maxTextLength: maxCsvLength,
    // The delimiter, and all bytes up to the quote: they include white space and line breaks.
    ...!options.escapeFormulas && { notPlain: notPlain(QUOTE + 1, separator, separator) },
    writeText
  }
}

/** Whether `csvStyle` supports a delimiter: one ASCII character that does not occur in numbers, booleans and dates. */
export function isPlainDelimiter (delimiter: string): boolean {
  return /^[^\x80-\uffff\w"\r\n+\-.:]$/.test(delimiter)
}
