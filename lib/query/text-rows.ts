import { BLOCK_BYTES, targetOf, type Target } from '../table/blocks.js'
import { csvStyle } from '../table/cell-style.js'
import { jsonFormat } from '../table/json-rows.js'
import { rowWriter, type RowColumns, type RowFormat } from '../table/row-writer.js'
import type { Allocate, TextShape } from './data-version.js'

/** The maximum number of cells of a piece, so that it takes two or three milliseconds, and the approximate maximum number of its bytes. */
const PIECE_CELLS = 64_000
const PIECE_BYTES = 1024 * 1024
/** A number that need not be whole counts as this many cells: finding its shortest text takes as much time. */
const NUMBER_CELLS = 8

const OPEN = Buffer.from('[')
const CLOSE = 0x5d
const NONE = Buffer.alloc(0)

/** The records of these rows as text, made from the columns: whole if it fits into one piece, otherwise in pieces. */
export function textOfRows (table: RowColumns, rows: Uint32Array, columns: readonly string[], shape: TextShape, allocate: Allocate): Buffer | AsyncIterable<Buffer> {
  const pieces = piecesOf(table, rows, columns, shape)
  const first = pieces.next().value!
  const { end, bytes } = first
  if (end === rows.length) return copyOf(bytes, allocate)
  return chunks(copyOf(bytes), pieces)
}

async function * chunks (first: Buffer, rest: Iterable<Piece>): AsyncGenerator<Buffer> {
  yield first
  for (const { bytes } of rest) yield copyOf(bytes)
}

/** A part of the text, up to a row. Its memory is used again for the next piece. */
interface Piece { readonly bytes: Uint8Array, readonly end: number }

function * piecesOf (table: RowColumns, rows: Uint32Array, columns: readonly string[], shape: TextShape): Generator<Piece, undefined> {
  const { maxLength, write } = rowWriter(table, columns, formatOf(columns, shape), rows.length)
  const cells = columns.reduce((sum, name) => sum + (table.fields.find((field) => field.name === name)?.type === 'number' ? NUMBER_CELLS : 1), 0)
  const maxRows = Math.ceil(PIECE_CELLS / cells)
  const head = shape.format === 'csv' ? shape.head : shape.format === 'json' ? OPEN : NONE
  let from = 0
  do {
    const to = scratch(head.length + PIECE_BYTES + maxLength + BLOCK_BYTES)
    let at = 0
    if (from === 0) {
      to.bytes.set(head)
      at = head.length
    }
    const last = Math.min(rows.length, from + maxRows)
    for (; from < last && at < PIECE_BYTES; from++) at = write(to, at, rows[from]!)
    if (from === rows.length && shape.format === 'json') {
      if (rows.length === 0) at++
      to.bytes[at - 1] = CLOSE
    }
    yield { bytes: to.bytes.subarray(0, at), end: from }
  } while (from < rows.length)
}

function formatOf (columns: readonly string[], shape: TextShape): RowFormat {
  if (shape.format !== 'csv') return jsonFormat(columns, shape.format === 'json' ? ',' : '\n')
  return {
    // Otherwise a record whose only field is empty would be an empty line, which readers skip.
    style: csvStyle({ ...shape, quoteEmpty: columns.length === 1 }),
    before: columns.map((_, i) => i === 0 ? '' : shape.delimiter),
    end: '\r\n'
  }
}

function copyOf (bytes: Uint8Array, allocate?: Allocate): Buffer {
  const copy = allocate === undefined ? Buffer.allocUnsafeSlow(bytes.length) : Buffer.from(allocate(bytes.length)).subarray(0, bytes.length)
  copy.set(bytes)
  return copy
}

/** Memory that is kept, as most pieces fit into it. */
const KEPT_BYTES = 1.5 * PIECE_BYTES
const kept = targetOf(new ArrayBuffer(KEPT_BYTES))

function scratch (bytes: number): Target {
  return bytes <= KEPT_BYTES ? kept : targetOf(new ArrayBuffer(bytes))
}
