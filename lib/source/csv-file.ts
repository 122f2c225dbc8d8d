import { CsvError, parse } from 'csv-parse/sync'
import { countOf } from '../base/count-of.js'
import type { Value } from '../schema/field-type.js'
import type { Schema } from '../schema/schema.js'
import { hintAtFormat, hintAtValue } from './hint.js'
import { KEY, readHeader, UNDECLARED, type ParsedFile, type ParseOptions, type Targets } from './info-columns.js'
import { rejection, type Rejection } from './reject.js'

interface Line { readonly record: readonly string[], readonly info: { readonly lines: number } }

/**
 * Parses an info file in CSV: RFC 4180 with a header and exactly one data row. Spaces around fields are removed; those inside quotes are
 * part of the text in text columns. CRLF is accepted, and so are blank lines and rows of empty fields.
 */
export function parseCsv (text: string, options: ParseOptions): ParsedFile {
  const plain = readPlain(text, options)
  if (plain !== undefined) return plain
  const lines = readLines(text, options)
  if (!Array.isArray(lines)) return { rejection: lines }
  const [first, row, second] = lines
  if (first === undefined) return { rejection: rejection('empty_file', 'The file is empty') }
  const names = first.record.map((name) => name.trim()) // those in quotes are not trimmed yet
  const targets = readHeader(names, options.schema, { place: 'header', line: first.info.lines, delimiter: options.delimiter, hint: () => hintAtFormat(text, options) })
  if ('code' in targets) return { rejection: targets }
  const problem = checkRows(first, row, second, options.delimiter)
  return problem === undefined ? readRow(names, targets, row!, options) : { rejection: problem }
}

/** A header and a row without quotes, as nearly all files have them. */
const PLAIN_FILE = /^([^"\r\n]+)(?:\r?\n)([^"\r\n]+)(?:\r?\n)?$/

/** Reads a plain file, which needs no CSV parser. Returns `undefined` for all other files, and for files whose mistake is not in a value. */
function readPlain (text: string, options: ParseOptions): ParsedFile | undefined {
  const [, header, row] = PLAIN_FILE.exec(text) ?? []
  if (header === undefined) return undefined
  const { names, targets } = plainHeader(header, options)
  const cells = row!.split(options.delimiter)
  if (targets === undefined || names.length !== cells.length) return undefined
  const record = cells.map((cell) => cell.trim())
  if (record.every((value) => value === '')) return undefined // not a row
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

/** The columns of a header. The last header is cached, as nearly all files of a lake have the same one. */
function plainHeader (text: string, { delimiter, schema }: ParseOptions): PlainHeader {
  if (lastHeader.text === text && lastHeader.delimiter === delimiter && lastHeader.schema === schema) return lastHeader
  const names = text.split(delimiter).map((name) => name.trim())
  const targets = readHeader(names, schema, { place: 'header', line: 1, delimiter, hint: () => null })
  lastHeader = { text, delimiter, schema, names, targets: 'code' in targets ? undefined : targets }
  return lastHeader
}

let lastHeader: PlainHeader = { text: '', delimiter: '', schema: undefined, names: [], targets: undefined }

/** The header and the first two rows: enough to check the file. */
function readLines (text: string, options: ParseOptions): Line[] | Rejection {
  try {
    return parse(text, {
      delimiter: options.delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      trim: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      relax_column_count: true,
      info: true,
      to: 3
    }) as unknown as Line[]
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = typeof error['lines'] === 'number' ? error['lines'] : null
    return rejection('malformed_csv', 'The file is not CSV: ' + error.message, { hint: hintAtFormat(text, options), line })
  }
}

function checkRows (header: Line, row: Line | undefined, second: Line | undefined, delimiter: string): Rejection | undefined {
  if (row === undefined) return rejection('no_row', 'The file has a header and no data row', { line: header.info.lines })
  if (second !== undefined) return rejection('several_rows', 'The file has more than one data row', { line: second.info.lines, hint: 'Write one file for each row, each with the header' })
  const expected = header.record.length
  const found = row.record.length
  if (found !== expected) {
    return rejection('wrong_field_count', `The row has ${countOf(found, 'field')}; must have ${expected}, as many as the header`, { line: row.info.lines, excerpt: row.record.join(delimiter) })
  }
  return undefined
}

function readRow (names: readonly string[], targets: Targets, { record, info: { lines: line } }: Line, { schema, id }: ParseOptions): ParsedFile {
  const values = new Array<Value>(schema.fileFields.length).fill(null)
  const undeclared: Record<string, string> = Object.create(null)
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    const text = record[i]!
    const target = targets[i]!
    if (target === UNDECLARED) {
      undeclared[name] = text
    } else if (target === KEY) {
      if (text === id) continue
      const detail = `The column ${name} has ${JSON.stringify(text)}; must have ${JSON.stringify(id)}, the name of the file without its extension`
      return { rejection: rejection('reserved_header', detail, { line, column: name, excerpt: text }) }
    } else {
      const field = schema.fileFields[target]!
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
