/** Pseudo-random numbers that a seed determines: the generator mulberry32. */
export class Random {
  #state: number

  /** @param seed an integer from 0 to 2 ** 32 - 1 */
  constructor (seed: number) {
    this.#state = seed
  }

  /** A number from 0 up to, not including, 1. */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let x = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }

  /** An integer from `min` to `max`, both inclusive. */
  integer (min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance (probability: number): boolean {
    return this.next() < probability
  }

  pick<T> (items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)]!
  }

  /** One of the names; each has a weight. */
  weighted<K extends string> (weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][]
    let rest = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    return (entries.find(([, weight]) => (rest -= weight) < 0) ?? entries.at(-1)!)[0]
  }

  /** The time to the next event, in whole milliseconds, if there is one every `mean` milliseconds on average. */
  pause (mean: number): number {
    return Math.ceil(-Math.log(1 - this.next()) * mean)
  }
}
