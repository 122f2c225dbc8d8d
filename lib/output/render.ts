import { stringify } from 'csv-stringify/sync'
import type { Allocate, CsvShape, Selection, TextChunks } from '../query/data-version.js'
import type { Cell } from '../schema/record.js'

export type Format = 'json' | 'ndjson' | 'csv'

export interface CsvOptions {
  /** Whether the text begins with a byte order mark. */
  readonly bom?: boolean | undefined
  /** The text between fields: one or more characters. */
  readonly delimiter?: string | undefined
  /** Written in place of `null`. */
  readonly emptyValue?: string | undefined
  /** Puts an apostrophe before text that a spreadsheet would evaluate as a formula. This changes the data. */
  readonly escapeFormulas?: boolean | undefined
}

export interface RenderOptions extends CsvOptions {
  /** Allocates the memory of a text that is rendered in one piece. Default: new memory. */
  readonly allocate?: Allocate | undefined
}

/** Renders the selection as text: a buffer if the engine can write the whole text (`selection.text`), otherwise chunks. */
export function render (selection: Selection, format: Format, options: RenderOptions = {}): Buffer | TextChunks {
  if (format !== 'csv') return selection.text?.({ format }, options.allocate) ?? (format === 'json' ? json(selection) : ndjson(selection))
  const { bom = false, delimiter = ',', emptyValue = '', escapeFormulas = false } = options
  const head = Buffer.from(stringify([selection.columns], { ...CSV_OPTIONS, bom, delimiter, quoted_empty: selection.columns.length === 1 }))
  const shape: CsvShape = { format, head, delimiter, emptyValue, escapeFormulas }
  return selection.text?.(shape, options.allocate) ?? csv(selection, shape)
}

async function * json (selection: Selection): AsyncGenerator<string> {
  const toObject = objectWriter(selection.columns)
  let separator = '['
  for await (const rows of selection.batches()) {
    yield separator + rows.map(toObject).join(',')
    separator = ','
  }
  yield separator === '[' ? '[]' : ']'
}

async function * ndjson (selection: Selection): AsyncGenerator<string> {
  const toObject = objectWriter(selection.columns)
  for await (const rows of selection.batches()) yield rows.map((row) => toObject(row) + '\n').join('')
}

/** Returns a function that writes a record as JSON. JSON.stringify of an object would move columns with numeric names to the front. */
function objectWriter (columns: readonly string[]): (cells: readonly Cell[]) => string {
  const names = columns.map((column, i) => (i === 0 ? '{' : ',') + JSON.stringify(column) + ':')
  return (cells) => cells.map((cell, i) => names[i] + JSON.stringify(cell)).join('') + '}'
}

/** RFC 4180: CRLF line ends, and quotes where they are needed. */
export const CSV_OPTIONS = {
  record_delimiter: '\r\n',
  // csv-stringify quotes only its own line end; readers accept any line end, and some trim fields.
  quoted_match: /[\r\n]|^\s|\s$/
}

async function * csv (selection: Selection, { head, delimiter, emptyValue, escapeFormulas }: CsvShape): AsyncGenerator<string | Buffer> {
  const options = {
    ...CSV_OPTIONS,
    delimiter,
    escape_formulas: escapeFormulas,
    // Otherwise a record whose only field is empty would be an empty line, which readers skip.
    quoted_empty: selection.columns.length === 1
  }
  yield head
  for await (const rows of selection.batches()) {
    yield stringify(rows.map((row) => row.map((cell) => typeof cell === 'boolean' ? String(cell) : cell ?? emptyValue)), options)
  }
}
