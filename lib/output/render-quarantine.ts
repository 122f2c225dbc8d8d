import { stringify } from 'csv-stringify/sync'
import type { QuarantinePage } from '../source/quarantine-page.js'
import { CSV_OPTIONS } from './render.js'

const CSV_COLUMNS = ['user_id', 'key', 'etag', 'code', 'detail', 'hint', 'line', 'column', 'excerpt', 'last_good_key', 'last_good_etag']

/** A page of the quarantine as text. CSV has the entries alone. */
export function renderQuarantine (page: QuarantinePage, format: 'json' | 'csv'): string {
  if (format === 'json') return `{"counts":${JSON.stringify(page.counts)},"entries":[${page.json().join(',')}],"ignored":${JSON.stringify(page.ignored)}}`
  const rows = page.entries().map(({ last_good: lastGood, ...entry }) => [...Object.values(entry), lastGood?.key, lastGood?.etag])
  return stringify([CSV_COLUMNS, ...rows], CSV_OPTIONS)
}
