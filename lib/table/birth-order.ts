import { shared } from '../base/shared-memory.js'
import type { Utf8Column } from './utf8-column.js'

/** So many rows of the order are summed up. */
export const BLOCK = 64

/**
 * The rows of a table by birth timestamp, ties in the order of the rows, with sums over all that come before each block of
 * `BLOCK` rows of that order: what it takes to answer figures on an age range without looking at each of its rows.
 */
export interface BirthOrder {
  readonly rows: Uint32Array
  /** The birth timestamp and the birth date of the first row of each block. */
  readonly firstBirthts: Float64Array
  readonly firstDates: Int32Array
  /**
   * Sums of birth timestamps before each block, with one more for the end: of all rows, and of those with an image. Each
   * is `high * 2^26 + low`, where doubles are exact for far more rows than fit into memory.
   */
  readonly high: Float64Array
  readonly low: Float64Array
  readonly imageHigh: Float64Array
  readonly imageLow: Float64Array
  /** How many rows with an image come before each block, with one more for the end. */
  readonly imageCounts: Uint32Array
  /** A bit for each row of the order, the lowest first, which is set where it has an image. */
  readonly imageBits: Uint32Array
  /**
   * Whether the dates are in this order, too. They are not where somebody was born when the calendar of the time zone was
   * set back by a day, as Alaska's in 1867.
   */
  readonly datesAscend: boolean
}

/** The part of a birth timestamp that is summed apart. */
export const LOW = 2 ** 26

interface Rows {
  readonly birthts: Float64Array
  readonly birthDates: Int32Array
  readonly images: Utf8Column
}

/**
 * The order of these rows. What is left of the `previous` order is kept: `newRows` tells where each of its rows is now, -1
 * where it is gone; `added` are the rows that do not come from there.
 */
export function orderBirths (table: Rows, previous: Uint32Array, newRows: Int32Array, added: Uint32Array): BirthOrder {
  const rows = mergeOrders(table.birthts, previous, newRows, added)
  return { rows, ...sumUp(table, rows) }
}

function mergeOrders (birthts: Float64Array, previous: Uint32Array, newRows: Int32Array, added: Uint32Array): Uint32Array {
  const comesBefore = (a: number, b: number) => birthts[a]! - birthts[b]! || a - b
  added.sort(comesBefore)
  const rows = shared(Uint32Array, birthts.length)
  let length = 0
  let next = 0
  for (const old of previous) {
    const row = newRows[old]!
    if (row === -1) continue
    while (next < added.length && comesBefore(added[next]!, row) < 0) rows[length++] = added[next++]!
    rows[length++] = row
  }
  rows.set(added.subarray(next), length)
  return rows
}

function sumUp ({ birthts, birthDates, images: { offsets } }: Rows, rows: Uint32Array): Omit<BirthOrder, 'rows'> {
  const blocks = Math.ceil(rows.length / BLOCK)
  const [high, low, imageHigh, imageLow] = [1, 2, 3, 4].map(() => shared(Float64Array, blocks + 1)) as [Float64Array, Float64Array, Float64Array, Float64Array]
  const imageCounts = shared(Uint32Array, blocks + 1)
  const imageBits = shared(Uint32Array, blocks * (BLOCK / 32))
  const firstBirthts = shared(Float64Array, blocks)
  const firstDates = shared(Int32Array, blocks)
  const sums = { high: 0, low: 0, imageHigh: 0, imageLow: 0, images: 0 }
  let datesAscend = true
  let lastDate = -Infinity
  const note = (block: number) => {
    high[block] = sums.high
    low[block] = sums.low
    imageHigh[block] = sums.imageHigh
    imageLow[block] = sums.imageLow
    imageCounts[block] = sums.images
  }
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    const born = birthts[row]!
    if (i % BLOCK === 0) {
      note(i / BLOCK)
      firstBirthts[i / BLOCK] = born
      firstDates[i / BLOCK] = birthDates[row]!
    }
    const part = Math.floor(born / LOW)
    sums.high += part
    sums.low += born - part * LOW
    if (offsets[row] !== offsets[row + 1]) {
      sums.imageHigh += part
      sums.imageLow += born - part * LOW
      sums.images++
      imageBits[i >>> 5]! |= 1 << (i & 31)
    }
    if (birthDates[row]! < lastDate) datesAscend = false
    lastDate = birthDates[row]!
  }
  note(blocks)
  return { firstBirthts, firstDates, high, low, imageHigh, imageLow, imageCounts, imageBits, datesAscend }
}
