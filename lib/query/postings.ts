import type { Codes } from '../table/dictionary-column.js'

/**
 * The rows of a dictionary column in the order of their codes; ties in the order of the rows. The rows with a code are
 * `rows.subarray(starts[code], starts[code + 1])`.
 */
export interface Postings { readonly rows: Uint32Array, readonly starts: Uint32Array }

/** A counting sort. `count`: the number of codes. */
export function sortByCode (codes: Codes, count: number): Postings {
  const starts = new Uint32Array(count + 1)
  for (const code of codes) starts[code + 1]!++
  for (let code = 0; code < count; code++) starts[code + 1]! += starts[code]!
  const next = starts.slice()
  const rows = new Uint32Array(codes.length)
  codes.forEach((code: number, row: number) => { rows[next[code]!++] = row })
  return { rows, starts }
}
