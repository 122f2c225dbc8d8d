import { takeRows } from '../table/take-rows.js'
import type { TableReader } from '../table/table.js'
import type { Utf8Column } from '../table/utf8-column.js'
import type { Allocate, TextChunks } from './data-version.js'

const COMMA = 0x2c
const NEWLINE = 0x0a
const OPEN = 0x5b
const CLOSE = 0x5d

/** The approximate size of a chunk. */
const CHUNK_BYTES = 2 * 1024 * 1024

const allocateNew: Allocate = (bytes) => new ArrayBuffer(bytes)

/** Rows of a table as JSON text, which is copied from the table: whole if it fits into one chunk, otherwise in chunks. */
export function jsonOfRows ({ json }: TableReader, rows: Uint32Array, format: 'json' | 'ndjson', allocate: Allocate): Buffer | TextChunks {
  const end = endOfChunk(json, rows, 0)
  const first = chunk(json, rows, 0, end, format, allocate)
  if (end.to === rows.length) return first
  // In the table, the text of each row includes the byte after it, a comma or a bracket, which the separator replaces. An array has one byte more: the opening bracket.
  const byteLength = lengthOf(json, rows) + (format === 'json' ? 1 : 0)
  return { byteLength, [Symbol.asyncIterator]: () => chunks(json, rows, format, first, end.to) }
}

function lengthOf ({ offsets }: Utf8Column, rows: Uint32Array): number {
  let length = 0
  for (const row of rows) length += offsets[row + 1]! - offsets[row]!
  return length
}

async function * chunks (json: Utf8Column, rows: Uint32Array, format: 'json' | 'ndjson', first: Buffer, from: number): AsyncGenerator<Buffer> {
  yield first
  while (from < rows.length) {
    const end = endOfChunk(json, rows, from)
    yield chunk(json, rows, from, end, format, allocateNew)
    from = end.to
  }
}

/** The end of a chunk: the row after its last one, and the bytes of its rows. */
interface End { readonly to: number, readonly length: number }

/** A chunk has at least one row, if there is one. */
function endOfChunk ({ offsets }: Utf8Column, rows: Uint32Array, from: number): End {
  let length = 0
  let to = from
  while (to < rows.length && length < CHUNK_BYTES) {
    const row = rows[to++]!
    length += offsets[row + 1]! - offsets[row]!
  }
  return { to, length }
}

function chunk (json: Utf8Column, rows: Uint32Array, from: number, { to, length }: End, format: 'json' | 'ndjson', allocate: Allocate): Buffer {
  if (rows.length === 0) return Buffer.from(format === 'json' ? '[]' : '')
  if (format === 'ndjson') return takeRows(json, rows, from, to, { length, separator: NEWLINE, allocate })
  const bytes = takeRows(json, rows, from, to, { length, separator: COMMA, allocate, ...from === 0 && { first: OPEN } })
  if (to === rows.length) bytes[bytes.length - 1] = CLOSE
  return bytes
}
