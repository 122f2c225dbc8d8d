/** An evenly spread sample of a sequence of unknown length. It stores at least `count` items, or all if there are fewer, and fewer than twice that number. */
export class EvenSample<T> {
  readonly #count: number
  #items: T[] = []
  #step = 1
  #seen = 0

  constructor (count: number) {
    this.#count = count
  }

  /** Adds the next item of the sequence. */
  add (item: T): void {
    if (this.#seen++ % this.#step !== 0) return
    this.#items.push(item)
    if (this.#items.length < 2 * this.#count) return
    this.#items = this.#items.filter((_, i) => i % 2 === 0)
    this.#step *= 2
  }

  /** Returns at most `count` of the items, evenly spread and in order. */
  items (): T[] {
    const step = Math.max(1, this.#items.length / this.#count)
    return Array.from({ length: Math.min(this.#count, this.#items.length) }, (_, i) => this.#items[Math.floor(i * step)]!)
  }
}
