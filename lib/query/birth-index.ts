import { countBits } from '../base/bits.js'
import { firstIndex } from '../base/bytes.js'
import type { CalendarDay } from '../base/calendar.js'
import { BLOCK, SUM_RADIX } from '../table/birth-order.js'
import type { Births } from '../table/births.js'
import type { TableColumn } from '../table/column.js'
import type { TableReader } from '../table/table.js'

/** A run of the rows by birth timestamp: positions from `from` up to, not including, `to`. */
export interface Run { readonly from: number, readonly to: number }

/** The rows of a run that count: all, or only those with or without an image. */
export type ImageFacet = 'all' | 'with image' | 'without image'

/** Counts some of the positions of an order of rows. */
export interface PositionCounter {
  /** The number of counted positions before a position. */
  countBefore (position: number): number
  /** The counted position that has `count` counted positions before it. */
  positionOf (count: number): number
}

/**
 * The rows of a table that have a birth timestamp, in ascending order of it; a position is an index in that order. Except for reading the rows
 * themselves, each method takes time logarithmic in their number.
 */
export class BirthIndex {
  readonly #table: TableReader
  readonly #births: Births

  constructor (table: TableReader, births: Births) {
    this.#table = table
    this.#births = births
  }

  /** Whether it has every row of the table: each has a birth timestamp. */
  get isComplete (): boolean {
    return this.length === this.#table.length
  }

  /** Whether the dates of birth ascend in this order, too. */
  get datesAscend (): boolean {
    return this.#births.datesAscend
  }

  /** Whether it orders the rows by the values of this column. */
  isOf (column: TableColumn): boolean {
    return column.kind !== 'dictionary' && this.#table.data.fields.some(({ name, isBirth }) => isBirth && name === column.name)
  }

  get length (): number {
    return this.#births.rows.length
  }

  rowAt (position: number): number {
    return this.#births.rows[position]!
  }

  /** The rows of a run, in this order. They must not be modified. */
  rows (from: number, to: number): Uint32Array {
    return this.#births.rows.subarray(from, to)
  }

  /** In milliseconds since 1970-01-01 UTC. */
  birthAt (position: number): number {
    return this.#births.instants[this.rowAt(position)]!
  }

  dateAt (position: number): CalendarDay {
    return this.#births.dates[this.rowAt(position)]! as CalendarDay
  }

  /** The rows with births from `min` to `max`, both inclusive, in milliseconds since 1970-01-01 UTC. */
  bornBetween (min: number, max: number): Run {
    const { firstBirths } = this.#births
    const from = this.#firstPosition((block) => firstBirths[block]! >= min, (position) => this.birthAt(position) >= min)
    const to = this.#firstPosition((block) => firstBirths[block]! > max, (position) => this.birthAt(position) > max)
    return { from, to: Math.max(from, to) }
  }

  /** The rows with birth dates from `min` to `max`, both inclusive, each a CalendarDay; `undefined` if the dates are in another order. */
  datedBetween (min: number, max: number): Run | undefined {
    if (!this.#births.datesAscend) return undefined
    const from = this.firstDated(min)
    return { from, to: Math.max(from, this.firstDated(max + 1)) }
  }

  /** The first position with a birth date that is not less than this one. */
  firstDated (date: number): number {
    const { firstDates } = this.#births
    return this.#firstPosition((block) => firstDates[block]! >= date, (position) => this.dateAt(position) >= date)
  }

  /** The positions of the rows of a facet. */
  facet (facet: ImageFacet): PositionCounter {
    return { countBefore: (position) => this.countBefore(position, facet), positionOf: (count) => this.positionOf(count, facet) }
  }

  /** The number of rows of a facet before a position. */
  countBefore (position: number, facet: ImageFacet): number {
    if (facet === 'all') return position
    const images = this.#imagesBefore(position)
    return facet === 'with image' ? images : position - images
  }

  /** The position of the row of a facet that has `count` rows of the facet before it. */
  positionOf (count: number, facet: ImageFacet): number {
    if (facet === 'all') return count
    const { imageCounts, imageBits } = this.#births
    const before = (block: number) => facet === 'with image' ? imageCounts[block]! : Math.min(block * BLOCK, this.length) - imageCounts[block]!
    const block = firstIndex(0, imageCounts.length, (block) => before(block) > count) - 1
    let left = count - before(block)
    for (let position = block * BLOCK; ; position++) {
      const hasImage = (imageBits[position >>> 5]! >>> (position & 31) & 1) === 1
      if (hasImage === (facet === 'with image') && left-- === 0) return position
    }
  }

  /** The mean of the birth timestamps of a facet of a run, which has `count` rows. */
  mean ({ from, to }: Run, facet: ImageFacet, count: number): number {
    const [start, end] = [this.#sumBefore(from, facet), this.#sumBefore(to, facet)]
    return (end.high - start.high) / count * SUM_RADIX + (end.low - start.low) / count
  }

  /** The first position for which `holds` is true, given that it is true for all later ones. `holdsForBlock` must return what `holds` returns for the first position of a block. */
  #firstPosition (holdsForBlock: (block: number) => boolean, holds: (position: number) => boolean): number {
    const blocks = this.#births.firstBirths.length
    const block = firstIndex(0, blocks, holdsForBlock)
    return firstIndex(Math.max(0, (block - 1) * BLOCK), Math.min(block * BLOCK, this.length), holds)
  }

  #imagesBefore (position: number): number {
    const { imageCounts, imageBits } = this.#births
    const block = Math.floor(position / BLOCK)
    let count = imageCounts[block]!
    let word = block * (BLOCK / 32)
    for (; word < position >>> 5; word++) count += countBits(imageBits[word]!)
    const rest = position & 31
    return rest === 0 ? count : count + countBits(imageBits[word]! & ((1 << rest) - 1))
  }

  /** A sum in two parts, `high * SUM_RADIX + low`, both of which are exact as doubles. */
  #sumBefore (position: number, facet: ImageFacet): { high: number, low: number } {
    const { high, low, imageHigh, imageLow } = this.#births
    const block = Math.floor(position / BLOCK)
    const sum = facet === 'all'
      ? { high: high[block]!, low: low[block]! }
      : facet === 'with image'
        ? { high: imageHigh[block]!, low: imageLow[block]! }
        : { high: high[block]! - imageHigh[block]!, low: low[block]! - imageLow[block]! }
    for (let i = block * BLOCK; i < position; i++) {
      const row = this.rowAt(i)
      if (facet !== 'all' && this.#table.hasImage(row) !== (facet === 'with image')) continue
      const born = this.#births.instants[row]!
      const multiple = Math.floor(born / SUM_RADIX)
      sum.high += multiple
      sum.low += born - multiple * SUM_RADIX
    }
    return sum
  }
}
