/** Returns the next number of a pseudo-random sequence, in [0, 1). */
export type Random = () => number

/** The sequence for item `index` of a data set. It depends on the seed and the index only, so that items can be generated in any order. */
export function randomOf (seed: number, index: number): Random {
  return mulberry32(mulberry32(seed)() * 2 ** 32 ^ index)
}

/** The mulberry32 generator: small, fast and the same on every machine; not for secrets. */
function mulberry32 (state: number): Random {
  return () => {
    state = state + 0x6d2b79f5 | 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61)
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
}

/** A whole number from `first` to `last`, both inclusive. */
export function between (random: Random, first: number, last: number): number {
  return first + Math.floor(random() * (last - first + 1))
}

/** A random one of `choices`, which must not be empty. */
export function pick<T> (random: Random, choices: readonly T[]): T {
  return choices[between(random, 0, choices.length - 1)]!
}
