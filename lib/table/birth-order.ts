import { shared } from '../base/shared-memory.js'
import type { Utf8Column } from './utf8-column.js'

/** The number of rows between two sums. */
export const BLOCK = 64

/**
 * The rows of a table that have a birth timestamp, in ascending order of it and then of the row number. The order is divided into blocks
 * of `BLOCK` rows, with the sums of all rows before each block, so that the statistics of an age range are computed without visiting each
 * of its rows.
 */
export interface BirthOrder {
  readonly rows: Uint32Array
  /** The birth timestamp and the birth date of the first row of each block. */
  readonly firstBirths: Float64Array
  readonly firstDates: Int32Array
  /**
   * The sums of the birth timestamps before each block and, last, of all blocks: of all rows, and of those with an image. Each sum is
   * `high * SUM_RADIX + low`: both parts are exact as doubles for up to 67 million rows.
   */
  readonly high: Float64Array
  readonly low: Float64Array
  readonly imageHigh: Float64Array
  readonly imageLow: Float64Array
  /** The number of rows with an image before each block and, last, in all blocks. */
  readonly imageCounts: Uint32Array
  /** One bit for each row in this order, lowest bit first: set if the row has an image. */
  readonly imageBits: Uint32Array
  /**
   * Whether the dates of birth ascend in this order, too. They do not if someone was born when the calendar of the time zone was set
   * back by a day, as that of Alaska was in 1867.
   */
  readonly datesAscend: boolean
}

/** Sums of whole numbers have two parts: a multiple of this number, and the rest. */
export const SUM_RADIX = 2 ** 26

/** The offsets of a table without an image field: all of them are undefined, so that they are equal and no row has an image. */
const NO_IMAGES = new Int32Array()

interface Rows {
  /** The birth timestamps; NaN for rows without one. */
  readonly instants: Float64Array
  readonly dates: Int32Array
  /** The keys of the images; absent if the table has none. */
  readonly images: Utf8Column | undefined
}

/**
 * Computes the order of the rows by merging the previous order with the added rows.
 *
 * @param newRows the row of the next table for each row of the previous one; -1 if it was removed or its info file has changed
 * @param added the rows of new and changed info files
 */
export function orderBirths (table: Rows, previous: Uint32Array, newRows: Int32Array, added: Uint32Array): BirthOrder {
  const rows = mergeOrders(table.instants, previous, newRows, added.filter((row) => !Number.isNaN(table.instants[row]!)))
  return { rows, ...sumUp(table, rows) }
}

function mergeOrders (instants: Float64Array, previous: Uint32Array, newRows: Int32Array, added: Uint32Array): Uint32Array {
  const comesBefore = (a: number, b: number) => instants[a]! - instants[b]! || a - b
  added.sort(comesBefore)
  const rows = shared(Uint32Array, instants.reduce((count, instant) => Number.isNaN(instant) ? count : count + 1, 0))
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

function sumUp ({ instants, dates, images }: Rows, rows: Uint32Array): Omit<BirthOrder, 'rows'> {
  const offsets = images?.offsets ?? NO_IMAGES
  const blocks = Math.ceil(rows.length / BLOCK)
  const [high, low, imageHigh, imageLow] = [1, 2, 3, 4].map(() => shared(Float64Array, blocks + 1)) as [Float64Array, Float64Array, Float64Array, Float64Array]
  const imageCounts = shared(Uint32Array, blocks + 1)
  const imageBits = shared(Uint32Array, blocks * (BLOCK / 32))
  const firstBirths = shared(Float64Array, blocks)
  const firstDates = shared(Int32Array, blocks)
  const sums = { high: 0, low: 0, imageHigh: 0, imageLow: 0, images: 0 }
  let datesAscend = true
  let lastDate = -Infinity
  const writeSums = (block: number) => {
    high[block] = sums.high
    low[block] = sums.low
    imageHigh[block] = sums.imageHigh
    imageLow[block] = sums.imageLow
    imageCounts[block] = sums.images
  }
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    const born = instants[row]!
    if (i % BLOCK === 0) {
      writeSums(i / BLOCK)
      firstBirths[i / BLOCK] = born
      firstDates[i / BLOCK] = dates[row]!
    }
    const multiple = Math.floor(born / SUM_RADIX)
    sums.high += multiple
    sums.low += born - multiple * SUM_RADIX
    if (offsets[row] !== offsets[row + 1]) {
      sums.imageHigh += multiple
      sums.imageLow += born - multiple * SUM_RADIX
      sums.images++
      imageBits[i >>> 5]! |= 1 << (i & 31)
    }
    if (dates[row]! < lastDate) datesAscend = false
    lastDate = dates[row]!
  }
  writeSums(blocks)
  return { firstBirths, firstDates, high, low, imageHigh, imageLow, imageCounts, imageBits, datesAscend }
}
