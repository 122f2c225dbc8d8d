/** Counts by one label. */
export class Counts implements Iterable<readonly [label: string, count: number]> {
  readonly #counts: Map<string, number>

  /** @param labels the labels whose counts exist from the start, with 0: Prometheus does not see the first increase of a count that appears later */
  constructor (labels: readonly string[]) {
    this.#counts = new Map(labels.map((label) => [label, 0]))
  }

  /** The label must come from a bounded set. */
  add (label: string, count = 1): void {
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + count)
  }

  [Symbol.iterator] (): Iterator<readonly [string, number]> {
    return this.#counts.entries()
  }
}
