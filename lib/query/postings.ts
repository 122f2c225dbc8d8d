import type { Codes } from '../table/dictionary-column.js'

/**
 * The rows of a dictionary column in the order of their codes; ties in the order of the rows. The rows with a code are
 * `rows.subarray(starts[code], starts[code + 1])`.
 */
export interface Postings { readonly rows: Uint32Array, readonly starts: Uint32Array }

/** About this many rows are processed in one step, in a few milliseconds. */
const STEP_ROWS = 65_536

/** A counting sort, step by step. `count`: the number of codes. */
export function * sortByCode (codes: Codes, count: number): Generator<undefined, Postings> {
  const starts = new Uint32Array(count + 1)
  for (let from = 0; from < codes.length; from += STEP_ROWS) {
    const to = Math.min(from + STEP_ROWS, codes.length)
    for (let row = from; row < to; row++) starts[codes[row]! + 1]!++
    yield
  }
  for (let code = 0; code < count; code++) starts[code + 1]! += starts[code]!
  const next = starts.slice()
  const rows = new Uint32Array(codes.length)
  for (let from = 0; from < codes.length; from += STEP_ROWS) {
    const to = Math.min(from + STEP_ROWS, codes.length)
    for (let row = from; row < to; row++) rows[next[codes[row]!]!++] = row
    yield
  }
  return { rows, starts }
}
