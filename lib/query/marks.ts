import { countBits } from '../base/bits.js'

/** A set of rows: one bit for each row of a table, so that a set of a million rows takes 125 kB and fits into the caches of a processor. */
export type Marks = Uint32Array

/** The empty set of rows of a table of this length. */
export function noMarks (length: number): Marks {
  return new Uint32Array(Math.ceil(length / 32))
}

/** The set of all rows of a table of this length. */
export function allMarks (length: number): Marks {
  const marks = noMarks(length).fill(0xffffffff)
  if (length % 32 !== 0) marks[marks.length - 1] = 2 ** (length % 32) - 1
  return marks
}

export function isMarked (marks: Marks, row: number): boolean {
  return (marks[row >>> 5]! >>> (row & 31) & 1) === 1
}

/** Adds rows to a set. */
export function mark (marks: Marks, rows: Uint32Array): void {
  for (const row of rows) marks[row >>> 5]! |= 1 << (row & 31)
}

/** Adds those rows from `from` up to, not including, `to` that meet a test. */
export function markWhere (marks: Marks, from: number, to: number, test: (row: number) => boolean): void {
  for (let row = from; row < to; row++) if (test(row)) marks[row >>> 5]! |= 1 << (row & 31)
}

/** The number of rows in a set. */
export function countMarks (marks: Marks): number {
  let count = 0
  for (const word of marks) count += countBits(word)
  return count
}

/** The number of rows in both sets, which are of the same table. */
export function countCommonMarks (a: Marks, b: Marks): number {
  let count = 0
  for (let i = 0; i < a.length; i++) count += countBits(a[i]! & b[i]!)
  return count
}

/** The rows of a set, of which there are `count`, in ascending order. */
export function markedRows (marks: Marks, count: number): Uint32Array {
  const rows = new Uint32Array(count)
  let length = 0
  for (let i = 0; i < marks.length; i++) {
    // Takes the lowest bit and clears it, until none is left.
    for (let bits = marks[i]!; bits !== 0; bits &= bits - 1) rows[length++] = 32 * i + 31 - Math.clz32(bits & -bits)
  }
  return rows
}

/** The given rows that are in a set, in their order. `count`: the number of rows that are in the set. */
export function keepMarked (rows: Uint32Array, marks: Marks, count: number): Uint32Array {
  // Each row is written, and the next one overwrites it unless it is marked: without a branch, this takes as long for any set. A row after the last marked
  // one is written after the end, so there is room for one more.
  const kept = new Uint32Array(count + 1)
  let length = 0
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    kept[length] = row
    length += marks[row >>> 5]! >>> (row & 31) & 1
  }
  return kept.subarray(0, count)
}
