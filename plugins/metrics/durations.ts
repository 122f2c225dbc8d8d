/** Upper bounds of buckets, in seconds. */
export const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const
export const WORK_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const

/** Counts durations in buckets. Cheap enough for every request: the histogram of prom-client hashes the labels of each observation. */
export class Durations {
  readonly bounds: readonly number[]
  /** The number of durations in each bucket, without those of earlier buckets; the last one is for durations above all bounds. */
  readonly counts: Float64Array
  /** Seconds. */
  sum = 0

  constructor (bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe (ms: number): void {
    const seconds = ms / 1000
    let i = 0
    while (i < this.bounds.length && seconds > this.bounds[i]!) i++
    this.counts[i]!++
    this.sum += seconds
  }
}

/** Durations with the same labels. */
export interface Series {
  /** The values of the labels, in the order of their names. */
  readonly labels: readonly string[]
  readonly durations: Durations
}

/** Durations by labels. The values of labels must come from bounded sets. */
export class LabelledDurations {
  readonly #bounds: readonly number[]
  readonly #series = new Map<string, Series>()

  constructor (bounds: readonly number[]) {
    this.#bounds = bounds
  }

  observe (ms: number, ...labels: readonly string[]): void {
    const key = labels.join('\n')
    let series = this.#series.get(key)
    if (series === undefined) this.#series.set(key, series = { labels, durations: new Durations(this.#bounds) })
    series.durations.observe(ms)
  }

  [Symbol.iterator] (): Iterator<Series> {
    return this.#series.values()
  }
}
