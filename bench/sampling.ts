import { sample, type Target } from './load.js'

/** Samples of one target: requests per CPU-second of its process. */
export type Samples = readonly number[]

/** Samples all targets in turn, `rounds` times each, after one sample of each that is discarded: code is compiled while it first runs. */
export async function sampleInTurn (targets: readonly Target[], rounds: number, folder: string): Promise<Samples[]> {
  const samples: number[][] = targets.map(() => [])
  for (const target of targets) await sample(target, folder)
  for (let round = 0; round < rounds; round++) {
    for (const [i, target] of targets.entries()) samples[i]!.push(await sample(target, folder))
  }
  return samples
}

/** How a target compares with a reference. */
export interface Comparison {
  /** The median of the ratios of the samples of the same round. */
  readonly ratio: number
  /** The same ratio of the reference to itself, one round later: the noise of the machine. `undefined` if there was only one round. */
  readonly noise?: number
  /** CPU time of a request, in microseconds, and that of the reference. */
  readonly micros: number
  readonly referenceMicros: number
}

export function compare (reference: Samples, target: Samples): Comparison {
  return {
    ratio: median(target.map((value, i) => value / reference[i]!)),
    ...reference.length > 1 && { noise: median(reference.slice(1).map((value, i) => value / reference[i]!)) },
    micros: micros(target),
    referenceMicros: micros(reference)
  }
}

/** CPU time of a request, in microseconds. */
export function micros (samples: Samples): number {
  return 1e6 / median(samples)
}

export function median (values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const last = sorted.length - 1
  return (sorted[Math.floor(last / 2)]! + sorted[Math.ceil(last / 2)]!) / 2
}
