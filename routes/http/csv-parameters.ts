import { delimiterHint, DELIMITERS, parseDelimiter } from '../../lib/base/delimiter.js'
import type { CsvOptions, Format } from '../../lib/output/render.js'
import { invalidParameter } from '../../plugins/problems/problem.js'
import { booleanParameter, textParameter } from './parameter.js'
import type { Values } from './query.js'

/** Options of CSV, mostly for spreadsheets. */
export const CsvParameters = {
  bom: booleanParameter({ description: 'Whether the CSV begins with a byte order mark, by which spreadsheets recognize UTF-8. Default: false.', example: true }),
  delimiter: { ...textParameter({ description: `The text between fields: ${DELIMITERS}. Default: a comma.`, accepted: DELIMITERS, hint: delimiterHint, example: ';' }), parse: readDelimiter },
  escape_formulas: booleanParameter({ description: 'Whether text that a spreadsheet would run as a formula gets an apostrophe before it. This changes the data. Default: false.', example: true })
}

/** Hidden in the OpenAPI operations of /data and /rejects: those of /data.csv and /rejects.csv document them. */
export const HiddenCsvParameters = Object.fromEntries(Object.entries(CsvParameters).map(([name, parameter]) => [name, { ...parameter, isHidden: true }]))

type CsvQuery = Partial<Values<typeof CsvParameters>>

/** The options of the CSV that a query asks for. @throws {Problem} if it has one of them and the response is not CSV */
export function csvOptionsOf (query: CsvQuery, format: Format): Pick<CsvOptions, 'bom' | 'delimiter' | 'escapeFormulas'> {
  const given = (Object.keys(CsvParameters) as (keyof CsvQuery)[]).find((name) => query[name] !== undefined)
  if (given === undefined) return {}
  if (format !== 'csv') throw invalidParameter(given, 'applies to CSV only; use format=csv')
  const { bom, delimiter, escape_formulas: escapeFormulas } = query
  return { bom, delimiter, escapeFormulas }
}

function readDelimiter (given: string | readonly string[]): string | undefined {
  return typeof given === 'string' ? parseDelimiter(given) : undefined
}
