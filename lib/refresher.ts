import type { MonotonicClock } from './base/clock.js'
import { SingleFlight } from './base/single-flight.js'
import { toFailureCode, type FailureCode } from './base/failure-code.js'

/** How old data may be when it is served. All values are milliseconds. */
export interface FreshnessRules {
  /** Data is refreshed before it is served if it is older than this and older than twice the duration of the last listing. */
  readonly maxStalenessMs: number
  /** The longest time that a request waits for a refresh. */
  readonly refreshWaitMs: number
  /** The greatest age of data that is served while refreshes fail; may be Infinity. */
  readonly maxStaleIfErrorMs: number
}

/** The part of the result of a refresh that freshness depends on. */
export interface Refreshed {
  /** When the listing began, in milliseconds of the monotonic clock. */
  readonly listedAt: number
  /** How long the listing took, in milliseconds. */
  readonly listingMs: number
  /** Keys of info files that could not be downloaded. */
  readonly failed: readonly string[]
  /** From when on the data is refreshed before it is served, even if it is younger than the rules allow; in milliseconds of the monotonic clock. */
  readonly readAgainAt?: number | undefined
}

/** How fresh the data is at one moment. */
export interface Freshness {
  /** Milliseconds since the start of the last complete listing; `undefined` before the first one. */
  readonly ageMs: number | undefined
  /** Why the data may differ from the lake; empty if no reason is known. */
  readonly staleReasons: readonly FailureCode[]
  /** Whether there is data that is not too old to be served. */
  readonly isUsable: boolean
  /** For how many milliseconds the data may be served without a refresh; 0 if there is a reason why it is stale. */
  readonly freshForMs: number
}

/** A change of the reasons why data is stale. */
export interface FreshnessChange {
  readonly reasons: readonly FailureCode[]
  readonly previous: readonly FailureCode[]
  /** The error of the refresh, if one has failed. */
  readonly error: unknown
}

/** What a `Refresher` depends on. */
export interface RefresherOptions {
  readonly clock: MonotonicClock
  readonly rules: FreshnessRules
  /** Receives each change of the reasons why data is stale, when it is noticed: after a refresh, or when data is requested. */
  readonly onChange?: ((change: FreshnessChange) => void) | undefined
}

/** Milliseconds after a failed refresh in which requests do not start another one, so that an outage does not delay every request. */
const RETRY_DELAY_MS = 1000

const FRESH: readonly FailureCode[] = []

/** Decides when data is refreshed, and reports how fresh it is. One refresh runs at a time. */
export class Refresher<T extends Refreshed> {
  readonly #flight: SingleFlight<T>
  readonly #options: RefresherOptions
  #last: T | undefined
  #failure: { readonly code: FailureCode, readonly error: unknown, readonly at: number } | undefined
  #reported = FRESH

  /** @param refresh does the work; its argument is `true` if a caller has required a refresh that starts after the call */
  constructor (refresh: (fresh: boolean) => Promise<T>, options: RefresherOptions) {
    this.#flight = new SingleFlight((fresh) => this.#run(() => refresh(fresh)))
    this.#options = options
  }

  /** The result of the last successful refresh; `undefined` before the first one. */
  get last (): T | undefined {
    return this.#last
  }

  /** Joins the running refresh or starts one. With `fresh`, the refresh starts after this call. Rejects with the error of the refresh. */
  refresh ({ fresh = false } = {}): Promise<T> {
    return fresh ? this.#flight.fresh() : this.#flight.join()
  }

  /**
   * Refreshes the data if the rules require it, and waits for the refresh for at most `refreshWaitMs`. With `fresh`, always refreshes, starting
   * after this call, and waits without that limit. Never rejects: the result describes the data that is available then.
   */
  async ensure ({ fresh = false } = {}): Promise<Freshness> {
    if (fresh) {
      await settled(this.#flight.fresh())
    } else if ((this.#isOld() || this.#failure !== undefined) && !this.#isPausing()) {
      const isFirst = !this.#flight.isRunning
      const run = settled(this.#flight.join())
      // After a failure the next refresh may fail as well, so only the request that starts it waits for it.
      if (isFirst || this.#failure === undefined) await within(this.#options.rules.refreshWaitMs, run)
    }
    const freshness = this.freshness()
    this.#report(freshness.staleReasons)
    return freshness
  }

  /** Returns how fresh the data is now, without a refresh. */
  freshness (): Freshness {
    const { clock, rules } = this.#options
    const ageMs = this.#last === undefined ? undefined : Math.max(0, clock() - this.#last.listedAt)
    const staleReasons = this.#staleReasons()
    const limit = this.#failure === undefined ? Infinity : rules.maxStaleIfErrorMs
    const freshForMs = ageMs === undefined || staleReasons.length > 0 ? 0 : Math.max(0, this.#freshMs() - ageMs)
    return { ageMs, staleReasons, isUsable: ageMs !== undefined && ageMs <= limit, freshForMs }
  }

  async #run (refresh: () => Promise<T>): Promise<T> {
    try {
      this.#last = await refresh()
      this.#failure = undefined
      return this.#last
    } catch (error) {
      this.#failure = { code: toFailureCode(error), error, at: this.#options.clock() }
      throw error
    } finally {
      this.#report(this.#lastingReasons())
    }
  }

  #isOld (): boolean {
    if (this.#last === undefined) return true
    const { clock } = this.#options
    const age = clock() - this.#last.listedAt
    return age > Math.max(this.#freshMs(), 2 * this.#last.listingMs)
  }

  /** The age from which on the data is refreshed. */
  #freshMs (): number {
    const { maxStalenessMs } = this.#options.rules
    return this.#last?.readAgainAt === undefined ? maxStalenessMs : Math.min(maxStalenessMs, this.#last.readAgainAt - this.#last.listedAt)
  }

  #isPausing (): boolean {
    return this.#failure !== undefined && this.#options.clock() - this.#failure.at < RETRY_DELAY_MS
  }

  #staleReasons (): readonly FailureCode[] {
    const reasons = this.#lastingReasons()
    return this.#failure === undefined && this.#flight.isRunning && this.#isOld() ? [...reasons, 'refresh_slow'] : reasons
  }

  /** All reasons but `refresh_slow`. They remain until a refresh succeeds. */
  #lastingReasons (): readonly FailureCode[] {
    const hasGaps = this.#last !== undefined && this.#last.failed.length > 0
    if (this.#failure !== undefined) return hasGaps && this.#failure.code !== 'download_failed' ? [this.#failure.code, 'download_failed'] : [this.#failure.code]
    return hasGaps ? ['download_failed'] : FRESH
  }

  #report (reasons: readonly FailureCode[]): void {
    const previous = this.#reported
    if (reasons === previous || reasons.join() === previous.join()) return
    this.#reported = reasons
    this.#options.onChange?.({ reasons, previous, error: this.#failure?.error })
  }
}

/** Waits until the work has succeeded or failed. Never rejects. */
function settled (work: Promise<unknown>): Promise<void> {
  return work.then(() => {}, () => {})
}

/** Waits for the work, which never rejects, for at most `ms` milliseconds. */
async function within (ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => { timer = setTimeout(resolve, ms) })
  await Promise.race([work, timeout])
  clearTimeout(timer)
}
