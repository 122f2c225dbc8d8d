import { rowRanges, STEP_ROWS, type Steps } from '../base/steps.js'
import { hasValue, type FixedColumn } from '../table/column.js'
import type { Codes } from '../table/dictionary-column.js'
import type { ComparableKeys } from './query-column.js'

/** The rows of a table in ascending order of a column, ties in row order. The rows without a value come last. */
export interface ColumnOrder {
  readonly rows: Uint32Array
  /** The number of rows with a value. */
  readonly valued: number
}

/** The order of a dictionary column. The rows with code c > 0 are `rows.subarray(starts[c - 1], starts[c])`. */
export interface CodeOrder extends ColumnOrder { readonly starts: Uint32Array }

/** The codes of the rows of a column: 0 for rows without a value, greater ones for greater values. */
export interface RankedColumn {
  readonly codes: Codes
  /** The number of codes, including 0. */
  readonly count: number
  readonly isReversed?: boolean | undefined
}

/** Orders the rows of a dictionary column. `count`: the number of codes. */
export function * orderByCode (codes: Codes, count: number): Steps<CodeOrder> {
  const { rows, starts } = yield * sortByBucket(rowNumbers(codes.length), count, (row) => codes[row] === 0 ? count - 1 : codes[row]! - 1)
  return { rows, valued: starts[count - 1]!, starts }
}

/**
 * Orders rows by several columns: stable counting sorts, from the last column to the first. Rows without a value come last in both
 * directions.
 *
 * @param length the number of rows
 * @param areTiesReversed whether rows that are equal in all columns are ordered from the last one to the first
 */
export function * orderByRanks (columns: readonly RankedColumn[], length: number, areTiesReversed: boolean): Steps<{ readonly rows: Uint32Array }> {
  let rows = rowNumbers(length)
  if (areTiesReversed) rows.reverse()
  for (const { codes, count, isReversed } of [...columns].reverse()) {
    const bucketOf = isReversed
      ? (row: number) => codes[row] === 0 ? count - 1 : count - 1 - codes[row]!
      : (row: number) => codes[row] === 0 ? count - 1 : codes[row]! - 1
    rows = (yield * sortByBucket(rows, count, bucketOf)).rows
  }
  return { rows }
}

/** The ranks of the rows of a column, from its order. */
export function * rankRows ({ rows, valued }: ColumnOrder, compare: (a: number, b: number) => number): Steps<RankedColumn> {
  const codes = new Uint32Array(rows.length)
  let rank = 0
  yield * rowRanges(valued, (from, to) => {
    for (let i = from; i < to; i++) {
      if (i === 0 || compare(rows[i - 1]!, rows[i]!) !== 0) rank++
      codes[rows[i]!] = rank
    }
  })
  return { codes, count: rank + 1 }
}

/** The numbers of a column. Plain data. */
export type StoredNumbers = Pick<FixedColumn, 'kind' | 'values'>

const DIGITS = 0x10000

/** Orders the rows of a column of numbers: a radix sort by the bits of their doubles. */
export function * orderByNumber ({ kind, values }: StoredNumbers): Steps<ColumnOrder> {
  const { length } = values
  // The two halves of each number, changed so that they compare as the numbers do.
  const [high, low] = [new Uint32Array(length), new Uint32Array(length)]
  const double = new DataView(new ArrayBuffer(8))
  let rows: Uint32Array<ArrayBufferLike> = new Uint32Array(length)
  let valued = 0
  const others: number[] = []
  yield * rowRanges(length, (from, to) => {
    for (let row = from; row < to; row++) {
      const value = values[row]!
      if (!hasValue(kind, value)) {
        others.push(row)
        continue
      }
      rows[valued++] = row
      double.setFloat64(0, value)
      const bits = double.getUint32(0)
      const isNegative = bits >>> 31 === 1
      high[row] = isNegative ? ~bits : bits ^ 0x80000000
      low[row] = isNegative ? ~double.getUint32(4) : double.getUint32(4)
    }
  })
  rows = rows.subarray(0, valued)
  for (const [half, shift] of [[low, 0], [low, 16], [high, 0], [high, 16]] as const) {
    rows = (yield * sortByBucket(rows, DIGITS, (row) => half[row]! >>> shift & 0xffff)).rows
  }
  return withOthers(rows, others)
}

/** Adds the rows without a value to the ordered ones. `length`: the number of all rows. */
export function * orderOfRows (rows: Uint32Array, length: number): Steps<ColumnOrder> {
  if (rows.length === length) return { rows, valued: length }
  const isOrdered = new Uint8Array(length)
  for (const row of rows) isOrdered[row] = 1
  const others: number[] = []
  yield * rowRanges(length, (from, to) => {
    for (let row = from; row < to; row++) if (isOrdered[row] === 0) others.push(row)
  })
  return withOthers(rows, others)
}

/** Orders the rows of a column of keys: a merge sort of its runs, of which there are few, as the rows are in the order of their ids. */
export function * orderByKey ({ texts, isKey }: ComparableKeys): Steps<ColumnOrder> {
  if (isKey) return { rows: rowNumbers(texts.length), valued: texts.length }
  const [valued, others]: [number[], number[]] = [[], []]
  yield * rowRanges(texts.length, (from, to) => {
    for (let row = from; row < to; row++) (texts.isEmpty(row) ? others : valued).push(row)
  })
  const comesAfter = (a: number, b: number) => (texts.compare(a, texts.bytes, texts.offsets[b], texts.offsets[b + 1]) || a - b) > 0
  return withOthers(yield * mergeRuns(Uint32Array.from(valued), comesAfter), others)
}

/** Sorts rows by their buckets, of which there are `count`; equal ones keep their order. Bucket b is from `starts[b]` up to `starts[b + 1]`. */
function * sortByBucket (rows: Uint32Array, count: number, bucketOf: (row: number) => number): Steps<{ rows: Uint32Array, starts: Uint32Array }> {
  const starts = new Uint32Array(count + 1)
  yield * rowRanges(rows.length, (from, to) => {
    for (let i = from; i < to; i++) starts[bucketOf(rows[i]!) + 1]!++
  })
  // All rows are often in one bucket, for the low bits of whole numbers and the high bits of most numbers: they are in order already.
  if (rows.length === 0 || starts[bucketOf(rows[0]!) + 1] === rows.length) {
    for (let bucket = 0; bucket < count; bucket++) starts[bucket + 1]! += starts[bucket]!
    return { rows, starts }
  }
  for (let bucket = 0; bucket < count; bucket++) starts[bucket + 1]! += starts[bucket]!
  const next = starts.slice()
  const sorted = new Uint32Array(rows.length)
  yield * rowRanges(rows.length, (from, to) => {
    for (let i = from; i < to; i++) sorted[next[bucketOf(rows[i]!)]!++] = rows[i]!
  })
  return { rows: sorted, starts }
}

function * mergeRuns (rows: Uint32Array, comesAfter: (a: number, b: number) => boolean): Steps<Uint32Array> {
  let starts = [0]
  yield * rowRanges(rows.length, (first, end) => {
    for (let i = Math.max(first, 1); i < end; i++) if (comesAfter(rows[i - 1]!, rows[i]!)) starts.push(i)
  })
  let [from, to] = [rows, new Uint32Array(rows.length) as Uint32Array]
  while (starts.length > 1) {
    const merged: number[] = []
    for (let run = 0; run < starts.length; run += 2) {
      const [start, middle, end] = [starts[run]!, starts[run + 1] ?? rows.length, starts[run + 2] ?? rows.length]
      merged.push(start)
      let [left, right] = [start, middle]
      for (let i = start; i < end; i++) {
        to[i] = left < middle && (right === end || !comesAfter(from[left]!, from[right]!)) ? from[left++]! : from[right++]!
        if (i % STEP_ROWS === STEP_ROWS - 1) yield
      }
    }
    [from, to] = [to, from]
    starts = merged
  }
  return from
}

function withOthers (rows: Uint32Array, others: readonly number[]): ColumnOrder {
  if (others.length === 0) return { rows, valued: rows.length }
  const all = new Uint32Array(rows.length + others.length)
  all.set(rows)
  all.set(others, rows.length)
  return { rows: all, valued: rows.length }
}

/** The numbers of all rows of a table. */
export function rowNumbers (length: number): Uint32Array {
  const rows = new Uint32Array(length)
  for (let row = 0; row < length; row++) rows[row] = row
  return rows
}
