/** Percentiles of the time of an operation, in milliseconds. */
export interface Latency { readonly p50: number, readonly p90: number, readonly p99: number }

/** Runs an operation this many times, one after the other. */
export async function measure (times: number, run: (i: number) => Promise<unknown>): Promise<Latency> {
  const taken: number[] = []
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    await run(i)
    taken.push(performance.now() - began)
  }
  return percentiles(taken)
}

/** @param values at least one */
export function percentiles (values: readonly number[]): Latency {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) }
}
