import { stringify } from 'csv-stringify/sync'
import type { QuarantinePage } from '../source/quarantine-page.js'
import { CSV_OPTIONS, type CsvOptions } from './render.js'

const CSV_COLUMNS = ['key', 'etag', 'code', 'detail', 'hint', 'line', 'column', 'excerpt', 'last_good_key', 'last_good_etag']

/** The beginning of each entry in the quarantine. */
const ID = '{"user_id":'

/** A page of the quarantine as text; CSV contains only the entries. `idName`: the name of the member or column with the id. `options` apply to CSV. */
export function renderQuarantine (page: QuarantinePage, format: 'json' | 'csv', idName: string, options: Omit<CsvOptions, 'emptyValue'> = {}): string {
  if (format === 'json') {
    const id = `{${JSON.stringify(idName)}:`
    const entries = id === ID ? page.json() : page.json().map((entry) => id + entry.slice(ID.length))
    return `{"counts":${JSON.stringify(page.counts)},"entries":[${entries.join(',')}],"ignored":${JSON.stringify(page.ignored)}}`
  }
  const rows = page.entries().map(({ last_good: lastGood, ...entry }) => [...Object.values(entry), lastGood?.key, lastGood?.etag])
  const { bom = false, delimiter = ',', escapeFormulas = false } = options
  return stringify([[idName, ...CSV_COLUMNS], ...rows], { ...CSV_OPTIONS, bom, delimiter, escape_formulas: escapeFormulas })
}
