/** The number of set bits of a 32-bit integer, from 0 to 32. See Warren, Hacker's Delight, section 5-1. */
export function countBits (word: number): number {
  word -= word >>> 1 & 0x55555555
  word = (word & 0x33333333) + (word >>> 2 & 0x33333333)
  return Math.imul(word + (word >>> 4) & 0x0f0f0f0f, 0x01010101) >>> 24
}
