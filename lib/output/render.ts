import { stringify } from 'csv-stringify/sync'
import type { Selection } from '../query/records.js'
import type { Cell } from '../record.js'

export type Format = 'json' | 'ndjson' | 'csv'

export interface CsvOptions {
  /** Between fields; one or more characters. */
  readonly delimiter?: string | undefined
  /** Written where there is no value. */
  readonly emptyValue?: string | undefined
  /** Puts an apostrophe before text that a spreadsheet would take for a formula. It changes the data. */
  readonly escapeFormulas?: boolean | undefined
}

/** The selection as text, in chunks of a few hundred records. The text depends on nothing but its arguments. */
export function render (selection: Selection, format: Format, options: CsvOptions = {}): AsyncGenerator<string> {
  switch (format) {
    case 'json': return json(selection)
    case 'ndjson': return ndjson(selection)
    case 'csv': return csv(selection, options)
  }
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

/** Written by hand, as an object would move columns with numbers for names to the front. */
function objectWriter (columns: readonly string[]): (cells: readonly Cell[]) => string {
  const names = columns.map((column, i) => (i === 0 ? '{' : ',') + JSON.stringify(column) + ':')
  return (cells) => cells.map((cell, i) => names[i] + JSON.stringify(cell)).join('') + '}'
}

/** RFC 4180: CRLF line ends, a header, quotes where they are needed. */
async function * csv (
  selection: Selection, { delimiter = ',', emptyValue = '', escapeFormulas = false }: CsvOptions
): AsyncGenerator<string> {
  const options = {
    delimiter,
    escape_formulas: escapeFormulas,
    record_delimiter: '\r\n',
    // csv-stringify looks for its own line end only; readers take any, and some trim the ends of a field.
    quoted_match: /[\r\n]|^\s|\s$/,
    // Or the line of a record whose only field is empty would be no line to a reader.
    quoted_empty: selection.columns.length === 1
  }
  yield stringify([selection.columns], { ...options, escape_formulas: false })
  for await (const rows of selection.batches()) {
    yield stringify(rows.map((row) => row.map((cell) => cell ?? emptyValue)), options)
  }
}
