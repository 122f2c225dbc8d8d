import type { ByteSlice, Utf8Column } from '../table/utf8-column.js'

// Most ETags of S3 are 32 lower-case hexadecimal digits. They are packed into 16 bytes, which halves the memory of millions of them. All other
// ETags are stored unchanged, except that a zero byte is put before one of 16 bytes. No ETag contains a zero byte (RFC 9110, section 8.8.3), so
// the length and the first byte show the form. Equal ETags have equal packed bytes.

const PACKED_BYTES = 16
const HEX_DIGITS = 2 * PACKED_BYTES
const packed = new Uint8Array(PACKED_BYTES + 1)

/** The values of the hexadecimal digits 0-9 and a-f, by byte; -1 for all other bytes. */
const VALUES = Int8Array.from({ length: 256 }, (_, byte) => '0123456789abcdef'.indexOf(String.fromCharCode(byte)))

/** Packs an ETag. The result is valid only until the next call. */
export function packEtag (etag: ByteSlice): ByteSlice {
  const { bytes, start, end } = etag
  if (end - start === HEX_DIGITS && packHex(bytes, start)) return { bytes: packed, start: 0, end: PACKED_BYTES }
  if (end - start !== PACKED_BYTES) return etag
  packed[0] = 0
  packed.set(bytes.subarray(start, end), 1)
  return { bytes: packed, start: 0, end: PACKED_BYTES + 1 }
}

/** The ETag of a row of a column of packed ETags. */
export function unpackEtag ({ bytes, offsets }: Utf8Column, row: number): string {
  const [start, end] = [offsets[row]!, offsets[row + 1]!]
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (end - start === PACKED_BYTES) return buffer.toString('hex', start, end)
  return buffer.toString('utf8', end - start === PACKED_BYTES + 1 && bytes[start] === 0 ? start + 1 : start, end)
}

/** Whether a row of a column of packed ETags has this ETag. */
export function isPackedEtag ({ bytes, offsets }: Utf8Column, row: number, etag: ByteSlice): boolean {
  const start = offsets[row]!
  const expected = packEtag(etag)
  if (offsets[row + 1]! - start !== expected.end - expected.start) return false
  for (let i = expected.start, at = start; i < expected.end; i++, at++) if (bytes[at] !== expected.bytes[i]) return false
  return true
}

function packHex (bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < PACKED_BYTES; i++) {
    const value = VALUES[bytes[start + 2 * i]!]! << 4 | VALUES[bytes[start + 2 * i + 1]!]!
    if (value < 0) return false
    packed[i] = value
  }
  return true
}
