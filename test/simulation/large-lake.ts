import { ObjectList } from '../../lib/store/object-list.js'
import { infoKey } from './ids.js'
import type { Random } from './random.js'

/** The number of records of each half of a large lake, which it has besides those of `IDS`. The loss of one half is large: at least 100 records, and more than 20 %. */
const HALF = 110

/** The ids of the two halves. */
export const HALVES: readonly (readonly string[])[] = ['m', 'n'].map((letter) => Array.from({ length: HALF }, (_, i) => `${letter}${i}`))

/** How the large lake of a seed differs from the lakes of other seeds. */
export interface LargeLake {
  /** What replaces the usual settings: requests are quick and few of them fail, since there are many. */
  readonly overrides: { readonly latencyMs: number, readonly faults: number, readonly pageSize: number, readonly maxListRequests: number }
  /** The share of the listings that wrongly lack one half or both, from 0 to 1. */
  readonly wrongListings: number
  /** The mean time between deletions or uploads of whole halves, in milliseconds. */
  readonly changeMs: number
}

/** Draws the properties of a large lake; `undefined` if the lake of the seed is not large, as most are. */
export function drawLargeLake (random: Random): LargeLake | undefined {
  if (!random.chance(0.05)) return undefined
  return {
    overrides: { latencyMs: random.pick([1, 5, 30]), faults: random.pick([0, 0, 0.02]), pageSize: random.pick([50, 1000]), maxListRequests: Infinity },
    wrongListings: random.pick([0, 0.1, 0.5]),
    changeMs: random.pick([4000, 15_000, Infinity])
  }
}

export interface WrongListingsOptions {
  /** The share of the listings that are wrong, from 0 to 1; it may change. */
  readonly share: () => number
  readonly random: Random
  /** The ids of the records that the process has; `undefined` if it has no data yet. */
  readonly readState: () => Promise<ReadonlySet<string> | undefined>
  /** The ids of the records with whose number a process without data compares its first listing; `undefined` if it may compare it with something else. */
  readonly readPublished: () => ReadonlySet<string> | undefined
  readonly log: (text: string) => void
}

/**
 * The listings of a process. Some of them are wrong: complete and valid, but without one half of a large lake or both. A listing is made wrong only if the process must not believe it: the process
 * knows the records, and its last listing had them.
 */
export class WrongListings {
  readonly #options: WrongListingsOptions
  /** The ids that the last complete listing lacked. */
  #lacked: ReadonlySet<string> = new Set()

  constructor (options: WrongListingsOptions) {
    this.#options = options
  }

  /** The pages of a listing, without what it wrongly lacks. */
  async * list (pages: AsyncGenerator<ObjectList>): AsyncGenerator<ObjectList> {
    const omitted = new Set(await this.#draw())
    const listed = new Set<string>()
    for await (const page of pages) {
      const objects = [...page].filter(({ key }) => !omitted.has(key))
      for (const { key } of objects) listed.add(key)
      yield new ObjectList(objects)
    }
    this.#lacked = new Set(HALVES.flat().filter((id) => !listed.has(infoKey(id))))
  }

  /** The keys that a listing lacks. */
  async #draw (): Promise<string[]> {
    const { share, random, readState, readPublished, log } = this.#options
    if (!random.chance(share())) return []
    const ids = random.pick([...HALVES, HALVES.flat()])
    const state = await readState()
    const published = readPublished()
    const mustDoubt = state === undefined
      ? this.#lacked.size === 0 && published !== undefined && HALVES.flat().every((id) => published.has(id))
      : ids.every((id) => state.has(id) && !this.#lacked.has(id))
    if (!mustDoubt) return []
    log(`wrong listing without ${ids.length} records`)
    return ids.map(infoKey)
  }
}

/** Judges whether outputs lose many records only after a confirmation. */
export class LossJudge {
  #ids: ReadonlySet<string> = new Set()
  readonly #confirmed = new Set<number>()

  /** A client has confirmed an output with this number of records. */
  confirm (records: number): void {
    this.#confirmed.add(records)
  }

  /** Returns what is wrong with an output that replaces the one before. */
  check (ids: ReadonlySet<string>): string | undefined {
    const before = this.#ids
    this.#ids = ids
    const lost = [...before].filter((id) => !ids.has(id)).length
    const isLarge = lost >= 100 && lost > 0.2 * before.size
    return isLarge && !this.#confirmed.has(ids.size) ? `an output loses ${lost} of ${before.size} records, and no client has confirmed that` : undefined
  }
}
