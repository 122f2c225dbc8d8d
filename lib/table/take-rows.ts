import type { Utf8Column } from './utf8-column.js'

export interface Frame {
  /** Bytes of the rows. */
  readonly length: number
  /** Replaces the last byte of each row. */
  readonly separator: number
  /** A byte in front of the rows. */
  readonly first?: number
  /** Memory of at least so many bytes. */
  readonly allocate: (bytes: number) => ArrayBuffer
}

const STEP = 16
const LITTLE = true

/**
 * The texts of the rows from `rows[from]` up to `rows[to]`, one behind the other.
 *
 * This is where filtered answers are made, so bytes are copied eight at a time, as the little-endian doubles that they happen
 * to be. That keeps them all: only a NaN could change on its way, and no eight bytes of UTF-8 are one, as they would end in
 * 0xff, or in 0x7f behind a byte of 0xf0 and more. Up to 15 bytes too many are copied, and written over by the next row.
 */
export function takeRows ({ offsets, bytes }: Utf8Column, rows: Uint32Array, from: number, to: number, { length, separator, first, allocate }: Frame): Buffer {
  let at = first === undefined ? 0 : 1
  const end = at + length
  const gathered = Buffer.from(allocate(end + STEP))
  if (first !== undefined) gathered[0] = first
  const target = new DataView(gathered.buffer)
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
    for (; byte < rowEnd; byte++) gathered[place++] = bytes[byte]!
    gathered[at - 1] = separator
  }
  return gathered.subarray(0, end)
}
