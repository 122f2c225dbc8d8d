import { countBits } from '../base/bits.js'
import { firstIndex } from '../base/bytes.js'
import { rowRanges, runSteps } from '../base/steps.js'
import type { PositionCounter } from './birth-index.js'
import { emptyBitmap, type Bitmap } from './bitmap.js'

/** The positions of the rows of a bitmap in an order of rows. `countBefore` takes constant time. */
export class BitmapPositions implements PositionCounter {
  readonly #words: Bitmap
  /** The number of bits that are set before each word. */
  readonly #before: Uint32Array

  private constructor (words: Bitmap) {
    this.#words = words
    this.#before = new Uint32Array(words.length)
    for (let i = 1; i < words.length; i++) this.#before[i] = this.#before[i - 1]! + countBits(words[i - 1]!)
  }

  /** Finds the positions of the rows of a bitmap among `rows`. */
  static async find (rows: Uint32Array, bitmap: Bitmap): Promise<BitmapPositions> {
    // `countBefore` accepts the position after the last one, which may be in another word.
    const words = emptyBitmap(rows.length + 1)
    await runSteps(rowRanges(rows.length, (from, to) => {
      for (let i = from; i < to; i++) {
        const row = rows[i]!
        words[i >>> 5]! |= (bitmap[row >>> 5]! >>> (row & 31) & 1) << (i & 31)
      }
    }))
    return new BitmapPositions(words)
  }

  countBefore (position: number): number {
    const word = position >>> 5
    return this.#before[word]! + countBits(this.#words[word]! & ((1 << (position & 31)) - 1))
  }

  positionOf (count: number): number {
    const word = firstIndex(0, this.#before.length, (word) => this.#before[word]! > count) - 1
    let bits = this.#words[word]!
    for (let left = count - this.#before[word]!; left > 0; left--) bits &= bits - 1
    return 32 * word + 31 - Math.clz32(bits & -bits)
  }
}
