import { drawOtherEtags } from './etags.js'
import { drawLargeLake } from './large-lake.js'
import { Random } from './random.js'

/**
 * The sources of random numbers of a history. Events, the large lake and other ETags have sources of their own, so that the rest of the history is the same with them as without them.
 */
export interface Randoms { readonly history: Random, readonly events: Random, readonly largeLake: Random, readonly etags: Random }

export function randomsOf (seed: number): Randoms {
  const withSalt = (salt: number) => new Random((seed ^ salt) >>> 0)
  return { history: new Random(seed), events: withSalt(0x36fbef9f), largeLake: withSalt(0x1d872b41), etags: withSalt(0x5be2f6c7) }
}

export type Settings = ReturnType<typeof drawSettings>

/** Draws what stays the same during a history: the replicas, the store, and how often something happens. */
export function drawSettings ({ history, events, largeLake: largeLakeRandom, etags }: Randoms) {
  const count = history.pick([1, 1, 2, 3, 5])
  const usual = {
    /** The number of replicas. */
    count,
    isSharing: count > 1 && history.chance(0.8),
    /** The places of replicas that may not write: the last one, or none. */
    readers: count > 1 && history.chance(0.3) ? [count - 1] : [],
    /** See `Weather`. */
    latencyMs: history.pick([1, 5, 30, 100]),
    faults: history.pick([0, 0.02, 0.1, 0.3]),
    pageSize: history.pick([3, 5, 1000]),
    isRanged: history.chance(0.5),
    maxStalenessMs: history.pick([500, 2000, 5000]),
    refreshWaitMs: history.pick([500, 5000, 15_000]),
    maxListRequests: history.pick([Infinity, Infinity, 600]),
    /** The mean milliseconds between two changes of objects, between two reads, and between two ends of a process. */
    changeMs: history.pick([300, 2000, 10_000]),
    readMs: history.pick([200, 1000, 4000]),
    restartMs: history.pick([10_000, 40_000, Infinity])
  }
  const largeLake = drawLargeLake(largeLakeRandom)
  return {
    ...usual,
    ...largeLake?.overrides,
    otherEtags: drawOtherEtags(etags),
    /** Milliseconds by which the wall clock of each replica is wrong. */
    skews: Array.from({ length: count }, () => history.chance(0.3) ? history.pick([-30_000, 700, 3_600_000]) : 0),
    events: drawEvents(events),
    largeLake
  }
}

/** Draws how the bucket sends events of its changes; `undefined` if it does not. */
function drawEvents (random: Random) {
  if (random.chance(0.5)) return undefined
  return {
    /** The replicas that receive an event: all, the first one, or any one. */
    to: random.pick(['all', 'first', 'any'] as const),
    /** The shares of the events that are lost, and that are sent twice, from 0 to 1. */
    loss: random.pick([0, 0, 0.1, 0.5]),
    repetition: random.pick([0, 0.3]),
    /** The mean delay of an event, and the mean time between two forged events, in milliseconds. */
    delayMs: random.pick([10, 300, 5000]),
    forgeryMs: random.pick([Infinity, 1000])
  }
}
