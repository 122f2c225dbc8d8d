/** The remainder of each byte, for the polynomial of ISO 3309, 0xedb88320 with the lowest bit first. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = (remainder & 1) === 0 ? remainder >>> 1 : (remainder >>> 1) ^ 0xedb88320
  return remainder
})

/**
 * The CRC-32 of the bytes from `start` (inclusive) to `end` (exclusive), as zlib and the function CRC32 of SQL databases compute it: an unsigned 32-bit
 * integer. For input as short as keys, it takes less time than a call of zlib.
 */
export function crc32 (bytes: Uint8Array, start: number, end: number): number {
  let remainder = -1
  for (let i = start; i < end; i++) remainder = (remainder >>> 8) ^ REMAINDERS[(remainder ^ bytes[i]!) & 0xff]!
  return ~remainder >>> 0
}
