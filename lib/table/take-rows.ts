import type { Utf8Column } from './utf8-column.js'

/** The bytes around the copied rows, and their memory. */
export interface Frame {
  /** The length of the rows, in bytes. */
  readonly length: number
  /** Replaces the last byte of each row. */
  readonly separator: number
  /** A byte that is written before the rows; absent: none. */
  readonly first?: number
  /** Returns a buffer of at least this many bytes. */
  readonly allocate: (bytes: number) => ArrayBuffer
}

/** The number of bytes that are copied in one step: three steps copy the usual row. */
const STEP = 48
/** The number of rows that are loaded into the caches of the CPU before they are copied. */
const BLOCK_ROWS = 32
const LITTLE = true

/**
 * Concatenates the texts of the rows from `rows[from]` up to, not including, `rows[to]`.
 *
 * Filtered responses are made here. The rows are far apart in memory, so the first and the last byte of each row of a block are read before any is copied: the CPU then
 * waits for many rows at the same time instead of one after the other. Bytes are copied eight at a time, read and written as little-endian doubles. That preserves every
 * byte: only a NaN could be changed, and no eight bytes of UTF-8 are a NaN: the last one would be 0xff, or 0x7f after a byte from 0xf0 on.
 * Up to 47 bytes after the end of a row are copied, too, and overwritten by the next row.
 */
export function takeRows ({ offsets, bytes }: Utf8Column, rows: Uint32Array, from: number, to: number, { length, separator, first, allocate }: Frame): Buffer {
  let at = first === undefined ? 0 : 1
  const end = at + length
  const output = Buffer.from(allocate(end + STEP))
  if (first !== undefined) output[0] = first
  const target = new DataView(output.buffer)
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lastStep = bytes.byteLength - STEP
  for (let start = from; start < to; start += BLOCK_ROWS) {
    const blockEnd = Math.min(start + BLOCK_ROWS, to)
    // V8 would remove reads of which the result is not used: it is written to a byte after the rows, which is not part of the text.
    output[end] = touchRows(offsets, bytes, rows, start, blockEnd)
    for (let i = start; i < blockEnd; i++) {
      const row = rows[i]!
      const rowEnd = offsets[row + 1]!
      let byte = offsets[row]!
      let place = at
      at += rowEnd - byte
      for (; byte < rowEnd && byte <= lastStep; byte += STEP, place += STEP) {
        copy16(source, byte, target, place)
        copy16(source, byte + 16, target, place + 16)
        copy16(source, byte + 32, target, place + 32)
      }
      for (; byte < rowEnd; byte++) output[place++] = bytes[byte]!
      output[at - 1] = separator
    }
  }
  return output.subarray(0, end)
}

/** Reads the first and the last byte of each row. Returns a number that depends on all of them. */
function touchRows (offsets: Utf8Column['offsets'], bytes: Uint8Array, rows: Uint32Array, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) {
    const row = rows[i]!
    sum ^= bytes[offsets[row]!]! ^ bytes[offsets[row + 1]! - 1]!
  }
  return sum
}

function copy16 (source: DataView, byte: number, target: DataView, place: number): void {
  target.setFloat64(place, source.getFloat64(byte, LITTLE), LITTLE)
  target.setFloat64(place + 8, source.getFloat64(byte + 8, LITTLE), LITTLE)
}
