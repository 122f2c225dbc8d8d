import { CsvError, parse } from 'csv-parse/sync'
import { isUtf8 } from 'node:buffer'
import type { InfoFormat, InputEncoding } from '../../lib/base/info-formats.js'
import { decodeText } from '../../lib/source/decode-text.js'
import { gunzip } from '../../lib/source/gunzip.js'
import type { SampleValue } from './column-type.js'

/** An info file as it was downloaded. */
export interface SampledFile {
  /** The base name without the extension. */
  readonly id: string
  readonly key: string
  readonly format: InfoFormat
  readonly body: Uint8Array
}

/** The values of a file by column name. `null` means that there is no value; an object or an array is represented by NESTED. */
export type SampledColumns = ReadonlyMap<string, SampleValue | null | typeof NESTED>
export const NESTED = Symbol('an object or an array')

const CSV_DELIMITERS = [',', ';', '\t', '|'] as const
export type CsvDelimiter = (typeof CSV_DELIMITERS)[number]

/** The unpacked content of a file; `undefined` if it cannot be unpacked. */
export function unpack ({ format, body }: SampledFile): Uint8Array | undefined {
  const unpacked = format === 'csv.gz' ? gunzip(body) : body
  return 'code' in unpacked ? undefined : unpacked
}

/** The encodings that a file probably has. A file of ASCII characters only is valid in several. */
export function encodingsOf (body: Uint8Array): readonly InputEncoding[] {
  const hasMark = (body[0] === 0xff && body[1] === 0xfe) || (body[0] === 0xfe && body[1] === 0xff)
  if (hasMark || body.includes(0)) return ['utf-16']
  if (!body.some((byte) => byte >= 0x80)) return ['utf-8', 'windows-1252', 'iso-8859-1']
  if (isUtf8(body)) return ['utf-8']
  return typeof decodeText(body, 'windows-1252') === 'string' ? ['windows-1252', 'iso-8859-1'] : ['iso-8859-1']
}

/**
 * The delimiter with which the most files have a header and a row with the same number of fields, at least two. If several delimiters fit equally many
 * files, the one with the most fields.
 */
export function findDelimiter (contents: readonly string[]): CsvDelimiter {
  const scores = CSV_DELIMITERS.map((delimiter) => {
    const widths = contents.map((text) => {
      const rows = readCsv(text, delimiter)
      const [header, row] = typeof rows === 'string' ? [] : rows
      return header !== undefined && row !== undefined && header.length === row.length && header.length > 1 ? header.length : 0
    })
    return { delimiter, files: widths.filter((width) => width > 0).length, fields: widths.reduce((sum, width) => sum + width, 0) }
  })
  return scores.sort((a, b) => b.files - a.files || b.fields - a.fields)[0]!.delimiter
}

/** The values of a CSV or TSV file by column name. If the file is not a header and one row, returns what is wrong with it, as a predicate without a subject. */
export function readCsvColumns (text: string, delimiter: string): SampledColumns | string {
  const rows = readCsv(text, delimiter)
  if (typeof rows === 'string') return rows
  const [header, row, ...others] = rows
  if (header === undefined) return 'is empty'
  if (row === undefined) return 'has no row'
  if (others.length > 0) return 'has more than one row'
  if (header.length !== row.length) return 'has a row with more or fewer fields than the header'
  return new Map(header.map((name, i) => [name.trim(), row[i]!]))
}

/** The values of a JSON file by column name. If the file is not one object, returns what is wrong with it, as a predicate without a subject. */
export function readJsonColumns (text: string): SampledColumns | string {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is not one JSON object'
    return new Map(Object.entries(value).map(([name, member]: [string, unknown]) =>
      [name.trim(), member === null || ['string', 'number', 'boolean'].includes(typeof member) ? member as SampleValue | null : NESTED]))
  } catch {
    return 'is not JSON'
  }
}

/** The header and the first two rows of a file. If it is not CSV, returns what is wrong with it, as `readCsvColumns` does. */
function readCsv (text: string, delimiter: string): string[][] | string {
  try {
    return parse(text, { delimiter, trim: true, skip_empty_lines: true, skip_records_with_empty_values: true, relax_column_count: true, to: 3 })
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    // With these options, only quotes can be wrong.
    return error.code === 'CSV_QUOTE_NOT_CLOSED' ? 'has a quote that is not closed' : 'has a misplaced quote'
  }
}
