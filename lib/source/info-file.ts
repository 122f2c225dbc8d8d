import { CsvError, parse } from 'csv-parse/sync'
import { KEY_COLUMNS, REQUIRED_COLUMNS, type RecordFields } from '../schema/record.js'
import { hintAtBirthts, hintAtColumn, hintAtEncoding, hintAtFormat } from './hint.js'
import { rejection, type Rejection } from './reject.js'
import { MAX_FILE_COLUMNS } from './rules.js'

/** The fields of an info file, or why it is rejected. */
export type ParsedFile =
  | { readonly data: RecordFields, readonly rejection?: never }
  | { readonly rejection: Rejection, readonly data?: never }

interface Line { readonly record: readonly string[], readonly info: { readonly lines: number } }

/** The maximum absolute time value of ECMAScript, in milliseconds. */
const MAX_TIME = 8.64e15

/**
 * Parses an info file: RFC 4180 with a header and exactly one data row. Spaces around fields are removed, those inside quotes are kept.
 * A byte order mark, CRLF and blank lines are accepted.
 */
export function parseUserCsv (body: Uint8Array, delimiter: string): ParsedFile {
  const text = decode(body)
  if (text === undefined) return { rejection: rejection('invalid_utf8', 'The file is not UTF-8 text', { hint: hintAtEncoding(body) }) }
  const plain = readPlain(text, delimiter)
  if (plain !== undefined) return { data: plain }
  const lines = readLines(text, delimiter)
  if (!Array.isArray(lines)) return { rejection: lines }
  const [first, row, second] = lines
  if (first === undefined) return { rejection: rejection('empty_file', 'The file is empty') }
  const header = { ...first, record: first.record.map((name) => name.trim()) } // those in quotes are not trimmed yet
  const problem = checkHeader(header, () => hintAtFormat(text, delimiter)) ?? checkRows(header, row, second)
  return problem === undefined ? readRow(header, row!) : { rejection: problem }
}

/** Two lines without quotes. */
const PLAIN_FILE = /^([^"\r\n]+)(?:\r?\n)([^"\r\n]+)(?:\r?\n)?$/

/**
 * The fields of a plain file, which needs no CSV parser. `undefined` for all other files, valid or not, so that only one place decides
 * what is invalid.
 */
function readPlain (text: string, delimiter: string): RecordFields | undefined {
  const [, header, row] = PLAIN_FILE.exec(text) ?? []
  if (header === undefined) return undefined
  const names = plainHeader(header, delimiter)
  const cells = row!.split(delimiter)
  if (names === undefined || names.length !== cells.length) return undefined
  const values = cells.map((cell) => cell.trim())
  if (values.every((value) => value === '')) return undefined // a blank line is not a row
  let [firstName, lastName, birthtsText] = ['', '', '']
  const undeclared: Record<string, string> = Object.create(null)
  for (const [i, name] of names.entries()) {
    const value = values[i]!
    if (name === 'first_name') firstName = value
    else if (name === 'last_name') lastName = value
    else if (name === 'birthts') birthtsText = value
    else undeclared[name] = value
  }
  const birthts = parseBirthts(birthtsText)
  return birthts === undefined ? undefined : { first_name: firstName, last_name: lastName, birthts, undeclared }
}

/** The column names of a valid header; `undefined` if it is invalid. Nearly all files of a lake have the same header. */
function plainHeader (header: string, delimiter: string): readonly string[] | undefined {
  if (lastHeader.text === header && lastHeader.delimiter === delimiter) return lastHeader.names
  const record = header.split(delimiter).map((name) => name.trim())
  const names = checkHeader({ record, info: { lines: 1 } }) === undefined ? record : undefined
  lastHeader = { text: header, delimiter, names }
  return names
}

let lastHeader: { readonly text: string, readonly delimiter: string, readonly names: readonly string[] | undefined } = { text: '', delimiter: '', names: undefined }

const decoder = new TextDecoder('utf-8', { fatal: true })

function decode (body: Uint8Array): string | undefined {
  try {
    return decoder.decode(body)
  } catch {
    return undefined
  }
}

/** The header and the first two rows: enough to check the file. */
function readLines (text: string, delimiter: string): Line[] | Rejection {
  try {
    return parse(text, {
      delimiter, record_delimiter: ['\r\n', '\n', '\r'], trim: true, skip_empty_lines: true, relax_column_count: true, info: true, to: 3
    }) as unknown as Line[]
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = typeof error['lines'] === 'number' ? error['lines'] : null
    return rejection('malformed_csv', 'The file is not CSV: ' + error.message, { hint: hintAtFormat(text, delimiter), line })
  }
}

function checkHeader ({ record: names, info: { lines: line } }: Line, hintAtFile: () => string | null = () => null): Rejection | undefined {
  if (names.length > MAX_FILE_COLUMNS) {
    return rejection('too_many_columns', `The file has ${names.length} columns; at most ${MAX_FILE_COLUMNS} are read`, { line })
  }
  if (names.includes('')) return rejection('empty_header', 'A column has no name', { line, excerpt: names.join(',') })
  const duplicate = names.find((name, i) => names.indexOf(name) !== i)
  if (duplicate !== undefined) return rejection('duplicate_header', 'Two columns have the same name', { line, column: duplicate })
  const reserved = names.find((name) => KEY_COLUMNS.includes(name))
  if (reserved !== undefined) {
    return rejection('reserved_header', `The column ${reserved} comes from the object keys, not from a file`, { line, column: reserved })
  }
  const missing = REQUIRED_COLUMNS.find((name) => !names.includes(name))
  if (missing !== undefined) {
    return rejection('missing_column', `The header has no column ${missing}`, { hint: hintAtFile() ?? hintAtColumn(missing, names), line, column: missing, excerpt: names.join(',') })
  }
  return undefined
}

function checkRows (header: Line, row: Line | undefined, second: Line | undefined): Rejection | undefined {
  if (row === undefined) return rejection('no_row', 'The file has a header and no data row', { line: header.info.lines })
  if (second !== undefined) return rejection('several_rows', 'The file has more than one data row', { line: second.info.lines })
  const expected = header.record.length
  const found = row.record.length
  if (found !== expected) {
    return rejection('wrong_field_count', `The header has ${expected} fields, the row ${found}`, { line: row.info.lines, excerpt: row.record.join(',') })
  }
  return undefined
}

function readRow (header: Line, row: Line): ParsedFile {
  const values = new Map(header.record.map((name, i) => [name, row.record[i]!]))
  const take = (name: string) => {
    const value = values.get(name)!
    values.delete(name)
    return value
  }
  const first_name = take('first_name')
  const last_name = take('last_name')
  const birthtsText = take('birthts')
  const birthts = parseBirthts(birthtsText)
  if (birthts === undefined) {
    return { rejection: rejection('invalid_value', 'birthts is not a whole number of milliseconds since 1970', { hint: hintAtBirthts(birthtsText.trim()), line: row.info.lines, column: 'birthts', excerpt: birthtsText.trim() }) }
  }
  const undeclared: Record<string, string> = Object.create(null)
  for (const [name, value] of values) undeclared[name] = value
  return { data: { first_name, last_name, birthts, undeclared } }
}

/** The milliseconds since 1970-01-01 UTC in a field; `undefined` if it contains something else. */
function parseBirthts (text: string): number | undefined {
  if (!/^\s*-?\d{1,16}\s*$/.test(text)) return undefined
  const birthts = Number(text) + 0 // -0 becomes 0: JSON has no -0
  return Math.abs(birthts) > MAX_TIME ? undefined : birthts
}
