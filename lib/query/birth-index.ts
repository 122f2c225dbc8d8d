import { countBits } from '../base/bits.js'
import { firstIndex } from '../base/bytes.js'
import type { CalendarDay } from '../base/calendar.js'
import { BLOCK, LOW } from '../table/birth-order.js'
import type { TableReader } from '../table/table.js'

/** A run of the rows by birth timestamp: positions from `from` up to `to`. */
export interface Run { readonly from: number, readonly to: number }

/** Which rows of a run count: all, or those with or without an image. */
export type ImageFacet = 'all' | 'with image' | 'without image'

/**
 * The rows of a table by birth timestamp. A position is a place in that order; all but reading the rows themselves costs
 * about the logarithm of their number.
 */
export class BirthIndex {
  readonly #table: TableReader

  constructor (table: TableReader) {
    this.#table = table
  }

  get length (): number {
    return this.#table.length
  }

  rowAt (position: number): number {
    return this.#table.data.births.rows[position]!
  }

  /** The rows of a run, in this order; not to be changed. */
  rows (from: number, to: number): Uint32Array {
    return this.#table.data.births.rows.subarray(from, to)
  }

  birthtsAt (position: number): number {
    return this.#table.data.birthts[this.rowAt(position)]!
  }

  dateAt (position: number): CalendarDay {
    return this.#table.data.birthDates[this.rowAt(position)]! as CalendarDay
  }

  /** Those born from `min` to `max`, both inclusive. */
  bornBetween (min: number, max: number): Run {
    const { firstBirthts } = this.#table.data.births
    const from = this.#firstPosition((block) => firstBirthts[block]! >= min, (position) => this.birthtsAt(position) >= min)
    const to = this.#firstPosition((block) => firstBirthts[block]! > max, (position) => this.birthtsAt(position) > max)
    return { from, to: Math.max(from, to) }
  }

  /** Those whose birth dates lie from `min` to `max`, both inclusive; `undefined` where the dates are in another order. */
  datedBetween (min: number, max: number): Run | undefined {
    if (!this.#table.data.births.datesAscend) return undefined
    const from = this.firstDated(min)
    return { from, to: Math.max(from, this.firstDated(max + 1)) }
  }

  /** The first position whose birth date is not below this one. */
  firstDated (date: number): number {
    const { firstDates } = this.#table.data.births
    return this.#firstPosition((block) => firstDates[block]! >= date, (position) => this.dateAt(position) >= date)
  }

  /** How many rows of a part come before a position. */
  countBefore (position: number, part: ImageFacet): number {
    if (part === 'all') return position
    const images = this.#imagesBefore(position)
    return part === 'with image' ? images : position - images
  }

  /** The position of the row of a part before which so many others come. */
  positionOf (count: number, part: ImageFacet): number {
    if (part === 'all') return count
    const { imageCounts, imageBits } = this.#table.data.births
    const before = (block: number) => part === 'with image' ? imageCounts[block]! : Math.min(block * BLOCK, this.length) - imageCounts[block]!
    const block = firstIndex(0, imageCounts.length, (block) => before(block) > count) - 1
    let left = count - before(block)
    for (let position = block * BLOCK; ; position++) {
      const hasImage = (imageBits[position >>> 5]! >>> (position & 31) & 1) === 1
      if (hasImage === (part === 'with image') && left-- === 0) return position
    }
  }

  /** The mean of the birth timestamps of a part of a run, which has so many rows. */
  mean ({ from, to }: Run, part: ImageFacet, count: number): number {
    const [start, end] = [this.#sumBefore(from, part), this.#sumBefore(to, part)]
    return (end.high - start.high) / count * LOW + (end.low - start.low) / count
  }

  /** The first position where both hold, given that they hold from somewhere on. */
  #firstPosition (holdsForBlock: (block: number) => boolean, holds: (position: number) => boolean): number {
    const blocks = this.#table.data.births.firstBirthts.length
    const block = firstIndex(0, blocks, holdsForBlock)
    return firstIndex(Math.max(0, (block - 1) * BLOCK), Math.min(block * BLOCK, this.length), holds)
  }

  #imagesBefore (position: number): number {
    const { imageCounts, imageBits } = this.#table.data.births
    const block = Math.floor(position / BLOCK)
    let count = imageCounts[block]!
    let word = block * (BLOCK / 32)
    for (; word < position >>> 5; word++) count += countBits(imageBits[word]!)
    const rest = position & 31
    return rest === 0 ? count : count + countBits(imageBits[word]! & ((1 << rest) - 1))
  }

  /** A sum in two parts, `high * LOW + low`, which doubles hold exactly. */
  #sumBefore (position: number, part: ImageFacet): { high: number, low: number } {
    const { high, low, imageHigh, imageLow } = this.#table.data.births
    const block = Math.floor(position / BLOCK)
    const sum = part === 'all'
      ? { high: high[block]!, low: low[block]! }
      : part === 'with image'
        ? { high: imageHigh[block]!, low: imageLow[block]! }
        : { high: high[block]! - imageHigh[block]!, low: low[block]! - imageLow[block]! }
    for (let i = block * BLOCK; i < position; i++) {
      const row = this.rowAt(i)
      if (part !== 'all' && this.#table.hasImage(row) !== (part === 'with image')) continue
      const born = this.#table.data.birthts[row]!
      const multiple = Math.floor(born / LOW)
      sum.high += multiple
      sum.low += born - multiple * LOW
    }
    return sum
  }
}
