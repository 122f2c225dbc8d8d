import type { MonotonicClock } from './base/clock.js'
import { SingleFlight } from './base/single-flight.js'
import { toFailureCode, type FailureCode } from './base/failure-code.js'

/** How old answers may be. Milliseconds. */
export interface FreshnessRules {
  /** Data older than this is refreshed before it is served; or than two listings, where these take longer. */
  readonly maxStalenessMs: number
  /** How long a request waits for that. */
  readonly refreshWaitMs: number
  /** How old data may be served while the bucket can't be read. */
  readonly maxStaleIfErrorMs: number
}

/** What a refresh produces, as far as its age matters. */
export interface Refreshed {
  /** When the listing began, by the monotonic clock, and how long it took. Milliseconds. */
  readonly listedAt: number
  readonly listingMs: number
  /** Keys that could not be downloaded: the data is not quite that of the bucket. */
  readonly failed: readonly string[]
}

export interface Freshness {
  /** Milliseconds since the start of the last complete listing; `undefined` before the first. */
  readonly ageMs: number | undefined
  /** `undefined` where nothing speaks against the data. */
  readonly stale: FailureCode | undefined
  /** There is data, and it is not too old to be served. */
  readonly isUsable: boolean
  /** How long it stays young enough to be served without a refresh; 0 where something speaks against it. Milliseconds. */
  readonly freshForMs: number
}

/** After a failed refresh, requests do not start another one for so long: an outage must not make every request wait. */
const RETRY_DELAY_MS = 1000

/** Decides when to refresh and says how fresh the data is. One refresh runs at a time. */
export class Refresher<T extends Refreshed> {
  readonly #flight: SingleFlight<T>
  readonly #clock: MonotonicClock
  readonly #rules: FreshnessRules
  #last: T | undefined
  #failure: { readonly reason: FailureCode, readonly at: number } | undefined

  /** @param refresh told whether somebody asked for a refresh of its own */
  constructor (refresh: (fresh: boolean) => Promise<T>, clock: MonotonicClock, rules: FreshnessRules) {
    this.#flight = new SingleFlight((fresh) => this.#run(() => refresh(fresh)))
    this.#clock = clock
    this.#rules = rules
  }

  /** What the last successful refresh produced. */
  get last (): T | undefined {
    return this.#last
  }

  /** Refreshes, and fails as the refresh does. `fresh`: one that starts after this call. */
  refresh ({ fresh = false } = {}): Promise<T> {
    return fresh ? this.#flight.fresh() : this.#flight.join()
  }

  /**
   * Makes the data as fresh as the rules ask, as far as that can be done in the time they give; with `fresh`, waits for
   * a refresh that starts after this call. Never fails: what comes back says what there is.
   */
  async ensure ({ fresh = false } = {}): Promise<Freshness> {
    if (fresh) {
      await settled(this.#flight.fresh())
    } else if ((this.#isOld() || this.#failure !== undefined) && !this.#isPausing()) {
      const isFirst = !this.#flight.isRunning
      const run = settled(this.#flight.join())
      // Once a refresh has failed, only who starts the next one waits for it: it may well fail, too.
      if (isFirst || this.#failure === undefined) await within(this.#rules.refreshWaitMs, run)
    }
    return this.freshness()
  }

  /** How fresh the data is now. */
  freshness (): Freshness {
    const ageMs = this.#last === undefined ? undefined : this.#clock() - this.#last.listedAt
    const stale = this.#staleReason()
    const limit = this.#failure === undefined ? Infinity : this.#rules.maxStaleIfErrorMs
    const freshForMs = ageMs === undefined || stale !== undefined ? 0 : Math.max(0, this.#rules.maxStalenessMs - ageMs)
    return { ageMs, stale, isUsable: ageMs !== undefined && ageMs <= limit, freshForMs }
  }

  async #run (refresh: () => Promise<T>): Promise<T> {
    try {
      this.#last = await refresh()
      this.#failure = undefined
      return this.#last
    } catch (error) {
      this.#failure = { reason: toFailureCode(error), at: this.#clock() }
      throw error
    }
  }

  #isOld (): boolean {
    if (this.#last === undefined) return true
    const allowed = Math.max(this.#rules.maxStalenessMs, 2 * this.#last.listingMs)
    return this.#clock() - this.#last.listedAt > allowed
  }

  #isPausing (): boolean {
    if (this.#failure === undefined) return false
    return this.#clock() - this.#failure.at < RETRY_DELAY_MS
  }

  #staleReason (): FailureCode | undefined {
    if (this.#failure !== undefined) return this.#failure.reason
    if (this.#last !== undefined && this.#last.failed.length > 0) return 'download_failed'
    return this.#isOld() && this.#flight.isRunning ? 'refresh_slow' : undefined
  }
}

/** Ends when the work has ended, one way or the other. */
function settled (work: Promise<unknown>): Promise<void> {
  return work.then(() => {}, () => {})
}

/** Waits for the work, but not longer than this. */
async function within (ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => { timer = setTimeout(resolve, ms) })
  await Promise.race([work, timeout])
  clearTimeout(timer)
}
