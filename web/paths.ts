import type { Column } from './columns.js'

// Paths of the API, relative to the page.

export function recordPath (key: string): string {
  return `data/${encodeURIComponent(key)}`
}

export function imagePath (key: string, { name }: Column): string {
  return `${recordPath(key)}/attachments/${encodeURIComponent(name)}`
}

/** Names that other parameters or members of GET /rejects have, so that the key has another one there. */
const TAKEN = ['key', 'etag', 'code', 'detail', 'hint', 'line', 'column', 'excerpt', 'last_good', 'limit', 'cursor', 'format', '__proto__']

/** The parameter of GET /rejects that selects entries by the record key. */
export function rejectsParameter (keyName: string): string {
  return TAKEN.includes(keyName) ? 'record_key' : keyName
}
