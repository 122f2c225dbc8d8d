import { sample, type Target } from './load.js'

/** Samples of one target, in requests per second of CPU time of its process. */
export type Samples = readonly number[]

/** V8 compiles and optimizes the code of a target for some seconds. These samples are discarded. */
const WARM_UP_ROUNDS = 5

/** Samples all targets in turn, `rounds` times each, after as many samples of each for warming up, but at most `WARM_UP_ROUNDS`. */
export async function sampleInTurn (targets: readonly Target[], rounds: number, folder: string): Promise<Samples[]> {
  const samples: number[][] = targets.map(() => [])
  for (let round = 0; round < Math.min(rounds, WARM_UP_ROUNDS); round++) {
    for (const target of targets) await sample(target, folder)
  }
  for (let round = 0; round < rounds; round++) {
    for (const [i, target] of targets.entries()) samples[i]!.push(await sample(target, folder))
  }
  return samples
}

/** A target compared with a reference. */
export interface Comparison {
  /** The median over all rounds of the ratio of the target's sample to the reference's sample. */
  readonly ratio: number
  /** The median ratio of the reference's sample to its sample of the previous round: the noise of the machine. Absent if there was only one round. */
  readonly noise?: number
  /** The CPU time of a request, in microseconds, of the target and of the reference. */
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

/** The median CPU time of a request, in microseconds. */
export function micros (samples: Samples): number {
  return 1e6 / median(samples)
}

export function median (values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const last = sorted.length - 1
  return (sorted[Math.floor(last / 2)]! + sorted[Math.ceil(last / 2)]!) / 2
}
