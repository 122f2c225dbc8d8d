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

const STEP = 16
const LITTLE = true

/**
 * Concatenates the texts of the rows from `rows[from]` up to, not including, `rows[to]`.
 *
 * Filtered responses are made here, so bytes are copied eight at a time, read and written as little-endian doubles. That preserves every
 * byte: only a NaN could be changed, and no eight bytes of UTF-8 are a NaN, since they would end in 0xff, or in 0xf0 or more and 0x7f.
 * Up to 15 bytes after the end of a row are copied, too, and overwritten by the next row.
 */
export function takeRows ({ offsets, bytes }: Utf8Column, rows: Uint32Array, from: number, to: number, { length, separator, first, allocate }: Frame): Buffer {
  let at = first === undefined ? 0 : 1
  const end = at + length
  const output = Buffer.from(allocate(end + STEP))
  if (first !== undefined) output[0] = first
  const target = new DataView(output.buffer)
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lastStep = bytes.byteLength - STEP
  for (let i = from; i < to; i++) {
    const row = rows[i]!
    const rowEnd = offsets[row + 1]!
    let byte = offsets[row]!
    let place = at
    at += rowEnd - byte
    for (; byte < rowEnd && byte <= lastStep; byte += STEP, place += STEP) {
      target.setFloat64(place, source.getFloat64(byte, LITTLE), LITTLE)
      target.setFloat64(place + 8, source.getFloat64(byte + 8, LITTLE), LITTLE)
    }
    for (; byte < rowEnd; byte++) output[place++] = bytes[byte]!
    output[at - 1] = separator
  }
  return output.subarray(0, end)
}
