import { CsvError, parse } from 'csv-parse/sync'
import type { Value } from '../schema/field-type.js'
import type { RecordFields } from '../schema/record.js'
import type { Field, Schema } from '../schema/schema.js'
import { hintAtColumn, hintAtEncoding, hintAtFormat, hintAtValue } from './hint.js'
import { rejection, type Rejection } from './reject.js'
import { MAX_FILE_COLUMNS } from './rules.js'

/** The fields of an info file, or why it is rejected. */
export type ParsedFile =
  | { readonly data: RecordFields, readonly rejection?: never }
  | { readonly rejection: Rejection, readonly data?: never }

export interface ParseOptions {
  /** Between fields; one or more characters. */
  readonly delimiter: string
  readonly schema: Schema
  /** The base name of the file, which a column named like the key field has to repeat. */
  readonly userId: string
}

interface Line { readonly record: readonly string[], readonly info: { readonly lines: number } }

/** What each column of a file is: a declared column, by its position in `schema.files`, or one of the numbers below. */
type Targets = readonly number[]
const UNDECLARED = -1
const KEY = -2

/**
 * Parses an info file: RFC 4180 with a header and exactly one data row. Spaces around fields are removed, those inside quotes are kept
 * in strings. A byte order mark, CRLF and blank lines are accepted.
 */
export function parseInfoFile (body: Uint8Array, options: ParseOptions): ParsedFile {
  const text = decode(body)
  if (text === undefined) return { rejection: rejection('invalid_utf8', 'The file is not UTF-8 text', { hint: hintAtEncoding(body) }) }
  const plain = readPlain(text, options)
  if (plain !== undefined) return plain
  const lines = readLines(text, options)
  if (!Array.isArray(lines)) return { rejection: lines }
  const [first, row, second] = lines
  if (first === undefined) return { rejection: rejection('empty_file', 'The file is empty') }
  const header = { ...first, record: first.record.map((name) => name.trim()) } // those in quotes are not trimmed yet
  const targets = readHeader(header, options.schema, () => hintAtFormat(text, options))
  if ('code' in targets) return { rejection: targets }
  const problem = checkRows(header, row, second)
  return problem === undefined ? readRow(header.record, targets, row!, options) : { rejection: problem }
}

/** Two lines without quotes. */
const PLAIN_FILE = /^([^"\r\n]+)(?:\r?\n)([^"\r\n]+)(?:\r?\n)?$/

/** Reads a plain file, which needs no CSV parser. Returns `undefined` for all other files, and for those with another mistake than a value. */
function readPlain (text: string, options: ParseOptions): ParsedFile | undefined {
  const [, header, row] = PLAIN_FILE.exec(text) ?? []
  if (header === undefined) return undefined
  const { names, targets } = plainHeader(header, options)
  const cells = row!.split(options.delimiter)
  if (targets === undefined || names.length !== cells.length) return undefined
  const record = cells.map((cell) => cell.trim())
  if (record.every((value) => value === '')) return undefined // a blank line is not a row
  return readRow(names, targets, { record, info: { lines: 2 } }, options)
}

interface PlainHeader {
  readonly text: string
  readonly delimiter: string
  readonly schema: Schema | undefined
  readonly names: readonly string[]
  /** `undefined` if the header is invalid. */
  readonly targets: Targets | undefined
}

/** Nearly all files of a lake have the same header. */
function plainHeader (text: string, { delimiter, schema }: ParseOptions): PlainHeader {
  if (lastHeader.text === text && lastHeader.delimiter === delimiter && lastHeader.schema === schema) return lastHeader
  const names = text.split(delimiter).map((name) => name.trim())
  const targets = readHeader({ record: names, info: { lines: 1 } }, schema)
  lastHeader = { text, delimiter, schema, names, targets: 'code' in targets ? undefined : targets }
  return lastHeader
}

let lastHeader: PlainHeader = { text: '', delimiter: '', schema: undefined, names: [], targets: undefined }

const decoder = new TextDecoder('utf-8', { fatal: true })

function decode (body: Uint8Array): string | undefined {
  try {
    return decoder.decode(body)
  } catch {
    return undefined
  }
}

/** The header and the first two rows: enough to check the file. */
function readLines (text: string, options: ParseOptions): Line[] | Rejection {
  try {
    return parse(text, {
      delimiter: options.delimiter, record_delimiter: ['\r\n', '\n', '\r'], trim: true, skip_empty_lines: true, relax_column_count: true, info: true, to: 3
    }) as unknown as Line[]
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = typeof error['lines'] === 'number' ? error['lines'] : null
    return rejection('malformed_csv', 'The file is not CSV: ' + error.message, { hint: hintAtFormat(text, options), line })
  }
}

/** What each column is, or why the header is invalid. */
function readHeader ({ record: names, info: { lines: line } }: Line, schema: Schema, hintAtFile: () => string | null = () => null): Targets | Rejection {
  if (names.length > MAX_FILE_COLUMNS) {
    return rejection('too_many_columns', `The file has ${names.length} columns; at most ${MAX_FILE_COLUMNS} are read`, { line })
  }
  const excerpt = names.join(',')
  if (names.includes('')) return rejection('empty_header', 'A column has no name', { line, excerpt })
  const targets = names.map((name) => targetOf(name, schema))
  const duplicate = names.find((name, i) => names.indexOf(name) !== i || (targets[i]! !== UNDECLARED && targets.indexOf(targets[i]!) !== i))
  if (duplicate !== undefined) return rejection('duplicate_header', 'Two columns have the same name', { line, column: duplicate })
  const reserved = names.find((name, i) => targets[i] === UNDECLARED && schema.fields.some((field) => field.name === name || (field.source === 'image' && field.headers.includes(name))))
  if (reserved !== undefined) {
    const field = schema.fields.find(({ name, headers }) => name === reserved || headers.includes(reserved))!
    const origin = field.source === 'file' ? `is read from ${field.headers.join(' or ')}` : 'comes from the object keys, not from a file'
    return rejection('reserved_header', `The column ${reserved} ${origin}`, { line, column: reserved })
  }
  const missing = missingField(targets, schema)
  if (missing !== undefined) {
    const [column = missing.name] = missing.headers
    return rejection('missing_column', `The header has no column ${missing.headers.join(' or ')}`, { hint: hintAtFile() ?? hintAtColumn(column, names, schema), line, column, excerpt })
  }
  return checkMatch(names, targets, schema, line) ?? targets
}

function targetOf (name: string, { files, key }: Schema): number {
  const declared = files.findIndex(({ headers }) => headers.includes(name))
  return declared === -1 && key.headers.includes(name) ? KEY : declared
}

/** A declared column that the file has to have and lacks. */
function missingField (targets: Targets, { files, fieldsMatch }: Schema): Field | undefined {
  const needsAll = fieldsMatch === 'exact' || fieldsMatch === 'equal' || fieldsMatch === 'subset'
  if (fieldsMatch === 'partial' && !targets.some((target) => target >= 0)) return files[0]
  return files.find((field, i) => !targets.includes(i) && (needsAll || field.descriptor.constraints?.required))
}

/** What `fieldsMatch` excludes beside missing columns: undeclared columns and another order. */
function checkMatch (names: readonly string[], targets: Targets, { fieldsMatch }: Schema, line: number): Rejection | undefined {
  if (fieldsMatch === 'subset' || fieldsMatch === 'partial') return undefined
  const undeclared = names.find((_, i) => targets[i] === UNDECLARED)
  if (undeclared !== undefined) {
    return rejection('wrong_columns', `The schema does not declare the column ${undeclared}, and has fieldsMatch ${fieldsMatch}`, { line, column: undeclared })
  }
  const declared = targets.filter((target) => target >= 0)
  if (fieldsMatch !== 'exact' || declared.every((target, i) => target === i)) return undefined
  return rejection('wrong_columns', 'The columns are not in the order of the schema, which has fieldsMatch exact', { line, excerpt: names.join(',') })
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

function readRow (names: readonly string[], targets: Targets, { record, info: { lines: line } }: Line, { schema, userId }: ParseOptions): ParsedFile {
  const values = new Array<Value>(schema.files.length).fill(null)
  const undeclared: Record<string, string> = Object.create(null)
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    const text = record[i]!
    const target = targets[i]!
    if (target === UNDECLARED) {
      undeclared[name] = text
    } else if (target === KEY) {
      if (text !== userId) return { rejection: rejection('reserved_header', `The column ${name} has another value than the name of the file`, { line, column: name, excerpt: text }) }
    } else {
      const field = schema.files[target]!
      const { value, mistake } = field.read(field.type.name === 'string' ? text : text.trim())
      if (mistake !== undefined) {
        const excerpt = text.trim()
        return { rejection: rejection('invalid_value', `${name} ${mistake}`, { hint: hintAtValue(field, schema, excerpt), line, column: name, excerpt }) }
      }
      values[target] = value
    }
  }
  return { data: { values, undeclared } }
}
