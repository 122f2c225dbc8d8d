import { countBits } from '../base/bits.js'

/** A set of rows: one bit for each row of a table, so that a set of a million rows takes 125 kB and fits into the caches of a processor. */
export type Bitmap = Uint32Array

/** The empty set of rows of a table of this length. */
export function emptyBitmap (length: number): Bitmap {
  return new Uint32Array(Math.ceil(length / 32))
}

/** The set of all rows of a table of this length. */
export function fullBitmap (length: number): Bitmap {
  const bitmap = emptyBitmap(length).fill(0xffffffff)
  if (length % 32 !== 0) bitmap[bitmap.length - 1] = 2 ** (length % 32) - 1
  return bitmap
}

export function hasRow (bitmap: Bitmap, row: number): boolean {
  return (bitmap[row >>> 5]! >>> (row & 31) & 1) === 1
}

/** Adds rows to a set. */
export function addRows (bitmap: Bitmap, rows: Uint32Array): void {
  for (const row of rows) bitmap[row >>> 5]! |= 1 << (row & 31)
}

/** Adds those rows from `from` up to, not including, `to` that meet a test. */
export function addWhere (bitmap: Bitmap, from: number, to: number, test: (row: number) => boolean): void {
  for (let row = from; row < to; row++) if (test(row)) bitmap[row >>> 5]! |= 1 << (row & 31)
}

/** The number of rows in a set. */
export function countRows (bitmap: Bitmap): number {
  let count = 0
  for (const word of bitmap) count += countBits(word)
  return count
}

/** The number of rows in both sets, which are of the same table. */
export function countCommonRows (a: Bitmap, b: Bitmap): number {
  let count = 0
  for (let i = 0; i < a.length; i++) count += countBits(a[i]! & b[i]!)
  return count
}

/** The rows of a set, of which there are `count`, in ascending order. */
export function rowsIn (bitmap: Bitmap, count: number): Uint32Array {
  const rows = new Uint32Array(count)
  let length = 0
  for (let i = 0; i < bitmap.length; i++) {
    // Takes the lowest bit and clears it, until none is left.
    for (let bits = bitmap[i]!; bits !== 0; bits &= bits - 1) rows[length++] = 32 * i + 31 - Math.clz32(bits & -bits)
  }
  return rows
}

/** The elements of `rows` that are in a set, in the same order. @param count the number of them, which the caller knows */
export function keepRowsIn (rows: Uint32Array, bitmap: Bitmap, count: number): Uint32Array {
  // Every row is written, but the length grows only if the row is in the set; otherwise, the next row overwrites it. Without a branch, this takes the same time
  // for any set. The rows after the last one in the set are written after the end, so there is room for one more.
  const kept = new Uint32Array(count + 1)
  let length = 0
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    kept[length] = row
    length += bitmap[row >>> 5]! >>> (row & 31) & 1
  }
  return kept.subarray(0, count)
}
