/** Keeps some of a sequence of unknown length: about evenly spread, at least `count` of them (or all), fewer than twice as many. */
export class EvenSample<T> {
  readonly #count: number
  #kept: T[] = []
  #step = 1
  #seen = 0

  constructor (count: number) {
    this.#count = count
  }

  add (item: T): void {
    if (this.#seen++ % this.#step !== 0) return
    this.#kept.push(item)
    if (this.#kept.length < 2 * this.#count) return
    this.#kept = this.#kept.filter((_, i) => i % 2 === 0)
    this.#step *= 2
  }

  /** At most `count` of the items, evenly spread. */
  items (): T[] {
    const step = Math.max(1, this.#kept.length / this.#count)
    return Array.from({ length: Math.min(this.#count, this.#kept.length) }, (_, i) => this.#kept[Math.floor(i * step)]!)
  }
}
