import type { Column } from './columns.js'

// Paths of the API, relative to the page.

export function recordPath (key: string): string {
  return `data/${encodeURIComponent(key)}`
}

export function imagePath (key: string, { name }: Column): string {
  return `${recordPath(key)}/attachments/${encodeURIComponent(name)}`
}

/** The names of other parameters and members of GET /rejects. A key field with one of these names is called `record_key` there. */
const TAKEN = ['key', 'etag', 'code', 'detail', 'hint', 'line', 'column', 'excerpt', 'last_good', 'limit', 'cursor', 'format', 'bom', 'delimiter', 'escape_formulas', '__proto__']

/** The parameter of GET /rejects that selects entries by the key of the record. */
export function rejectsParameter (keyName: string): string {
  return TAKEN.includes(keyName) ? 'record_key' : keyName
}
