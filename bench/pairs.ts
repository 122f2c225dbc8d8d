import { sample, type Target } from './load.js'

/** How a target compares with the reference: the median of the ratios of neighbouring samples. */
export interface Comparison {
  readonly ratio: number
  /** The reference against itself, likewise. */
  readonly control: number
  /** CPU time of a request, in microseconds, and that of the reference. */
  readonly micros: number
  readonly referenceMicros: number
}

/** Samples the reference and the targets in turn, so many times, and compares each target with the reference beside it. */
export async function compare (reference: Target, targets: readonly Target[], rounds: number, folder: string): Promise<Comparison[]> {
  const references: number[] = []
  const samples: number[][] = targets.map(() => [])
  // What runs for the first time is compiled while it runs.
  for (const target of targets) await sample(target, folder)
  for (let round = 0; round < rounds; round++) {
    references.push(await sample(reference, folder))
    for (const [i, target] of targets.entries()) samples[i]!.push(await sample(target, folder))
  }
  const control = median(references.slice(1).map((value, i) => value / references[i]!))
  const microsOf = (values: readonly number[]) => 1e6 / median(values)
  return samples.map((values) => ({
    ratio: median(values.map((value, i) => value / references[i]!)), control, micros: microsOf(values), referenceMicros: microsOf(references)
  }))
}

export function median (values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const last = sorted.length - 1
  return (sorted[Math.floor(last / 2)]! + sorted[Math.ceil(last / 2)]!) / 2
}
