import type { MonotonicClock } from './base/clock.js'
import { unlessSilent } from './base/silence.js'
import { SingleFlight } from './base/single-flight.js'
import { toFailureCode, type FailureCode } from './base/failure-code.js'
import { systemPause, systemTimer, within, type Pause, type Timer } from './base/timer.js'
import { idleRetryMs, intervalByBudget, NO_HISTORY, spendBudget, planRefresh, remember, twiceTheMedian, type FreshnessRules, type RefreshHistory } from './refresh-rule.js'

export type { FreshnessRules } from './refresh-rule.js'

/** The part of the result of a refresh that freshness depends on. */
export interface Refreshed {
  /** When the listing began, in milliseconds of the monotonic clock. */
  readonly listedAt: number
  /** Without a listing of this replica: when it began to read the state object of the leader, in milliseconds of the monotonic clock. Absent after a listing. */
  readonly checkedAt?: number
  /** How long the listing took, or the reading of the state object, in milliseconds. */
  readonly listingMs: number
  /** The number of LIST requests that the listing has taken. */
  readonly requests: number
  /** Whether another replica lists the lake: the next refresh takes no LIST requests, so that those of this one do not delay it. */
  readonly isLed?: boolean | undefined
  /** Keys of info files that could not be downloaded. */
  readonly failed: readonly string[]
  /** After this time the data is refreshed before it is served, even if the rules allow data of its age; in milliseconds of the monotonic clock. */
  readonly readAgainAt?: number | undefined
}

/** How fresh the data is at one moment. */
export interface Freshness {
  /** Milliseconds since the start of the last complete listing; `undefined` before the first one, and if the data is lost. */
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
  /** Whether there is data, which may be outdated. If not, no refresh has succeeded yet. */
  readonly hasData: boolean
  /** The error of the refresh, if one has failed. */
  readonly error: unknown
}

/** What a `Refresher` depends on. */
export interface RefresherOptions {
  readonly clock: MonotonicClock
  readonly rules: FreshnessRules
  /** Starts refreshes that no read has to wait for, and ends the wait for a required refresh that makes no progress. Default: the system's timer. */
  readonly timer?: Timer | undefined
  /** Limits how long other reads wait. Default: one of the system that keeps the process alive. */
  readonly waitTimer?: Timer | undefined
  /** Delays required refreshes. Default: the pause of the system. */
  readonly pause?: Pause | undefined
  /** Receives each change of the reasons why data is stale, when it is noticed: after a refresh, or when data is requested. */
  readonly onChange?: ((change: FreshnessChange) => void) | undefined
  /** Called when the budget begins or ceases to limit refreshes, with the result of `intervalByBudget`. */
  readonly onBudget?: ((intervalMs: number | undefined) => void) | undefined
}

/** The minimum interval between the beginnings of two required refreshes, and between those of any refresh and of one for `catchUp`, in milliseconds. All callers that require one meanwhile share the next one. */
export const REQUIRED_INTERVAL_MS = 200

/** The minimum time from the beginning of a refresh to that of one that `expire` starts, in milliseconds. */
const EXPIRY_INTERVAL_MS = 2000

/** How long responses may be reused if events report changes, in milliseconds. */
const FRESH_WITH_EVENTS_MS = 1000

/** The reasons why fresh data is stale: none. One array, so that reasons can be compared by identity. */
const FRESH: readonly FailureCode[] = []

/** Refreshes the data as `planRefresh` decides, and reports how fresh it is. One refresh runs at a time. */
export class Refresher<T extends Refreshed> {
  readonly #flight: SingleFlight<T>
  readonly #options: RefresherOptions
  #last: T | undefined
  #failure: { readonly code: FailureCode, readonly error: unknown } | undefined
  /** The number of refreshes that have failed since the last one that succeeded. */
  #failures = 0
  #reported = FRESH
  #history: RefreshHistory = NO_HISTORY
  #plan
  #startedAt = 0
  /** When the last required refresh began. */
  #requiredAt = -Infinity
  /** A required refresh that will begin after a pause. */
  #paused: Promise<T> | undefined
  /** The last result of `intervalByBudget`. */
  #intervalMs: number | undefined
  /** The number of LIST requests of the running refresh, as reported so far. */
  #requests = 0
  /** When a refresh has last made progress. */
  #progressAt = 0
  /** Whether there is traffic: a read was served without waiting after the last refresh began. */
  #hasTraffic = false
  #cancelTimer = () => {}
  #isStopped = false
  /** Whether `expire` was called after the last required refresh began. */
  #isExpired = false
  #maxFreshForMs = Infinity

  /**
   * @param refresh does the work; `fresh` is `true` if a caller has required a refresh that starts after the call. It reports the number of requests so
   * far to `onRequests`; the last number counts if the refresh fails
   */
  constructor (refresh: (fresh: boolean, onRequests: (requests: number) => void) => Promise<T>, options: RefresherOptions) {
    const onRequests = (requests: number) => {
      this.#requests = requests
      this.#progressAt = options.clock()
    }
    this.#flight = new SingleFlight((fresh) => this.#run(fresh, () => refresh(fresh, onRequests)))
    this.#options = options
    this.#plan = planRefresh(NO_HISTORY, options.rules)
  }

  /** The result of the last successful refresh; `undefined` before the first one, and if it was discarded. */
  get last (): T | undefined {
    return this.#last
  }

  /** The milliseconds between the beginnings of two refreshes to which the budget for requests has limited them; `undefined` if it does not. */
  get budgetIntervalMs (): number | undefined {
    return this.#intervalMs
  }

  /** Joins the running refresh or starts one. With `fresh`, the refresh starts after this call. Rejects with the error of the refresh. */
  refresh ({ fresh = false } = {}): Promise<T> {
    return fresh ? this.#require() : this.#flight.join()
  }

  /** How fresh the data is for a read that needs no refresh; `undefined` if a refresh is due, so that the read must call `ensure`. */
  current (): Freshness | undefined {
    const now = this.#options.clock()
    if (now >= this.#plan.dueAt) return undefined
    this.#hasTraffic = true
    const freshness = this.#freshnessAt(now)
    this.#report(freshness.staleReasons)
    return freshness
  }

  /**
   * Starts a refresh if one is due, and waits for it if the rule requires it. With `fresh`, always refreshes, starting after this call, and waits
   * for the store unless it is silent (`unlessSilent`). Never rejects: the result describes the data that is available then.
   */
  async ensure ({ fresh = false } = {}): Promise<Freshness> {
    const current = fresh ? undefined : this.current()
    if (current !== undefined) return current
    if (fresh) await unlessSilent(settled(this.#require()), () => this.#progressAt, this.#options)
    else await this.#join(this.#options.clock())
    const freshness = this.freshness()
    this.#report(freshness.staleReasons)
    return freshness
  }

  /**
   * Waits for a refresh that begins after this call, at most REFRESH_WAIT. In contrast to `ensure({ fresh: true })`, that refresh may take over what
   * another replica has found. Never rejects.
   */
  async catchUp (): Promise<void> {
    const { clock, pause = systemPause, rules, waitTimer } = this.#options
    const refresh = async () => {
      if (this.#flight.isRunning) await settled(this.#flight.join())
      const remainingMs = this.#startedAt + REQUIRED_INTERVAL_MS - clock()
      if (remainingMs > 0) await pause(remainingMs)
      await settled(this.#flight.join())
    }
    await within(rules.refreshWaitMs, refresh(), waitTimer)
  }

  /** Replaces the result of the last refresh by one in which some records are newer. The age of the data remains. The requests for listings that this took delay later refreshes. */
  amend (last: T, requests: number): void {
    const { clock, rules } = this.#options
    this.#last = last
    if (requests > 0) this.#history = { ...this.#history, spentUntil: spendBudget(requests, this.#history.spentUntil, clock(), rules) }
    this.#report(this.#staleReasons(clock()))
  }

  /**
   * Starts a required refresh, also without a read: when the budget allows it, and not sooner than EXPIRY_INTERVAL_MS, and twice the time that a listing takes,
   * after the last refresh began.
   */
  expire (): void {
    this.#isExpired = true
    if (!this.#flight.isRunning) this.#scheduleExpired()
  }

  /** Discards the result of the last refresh, because its data can no longer be read. Until a refresh succeeds, there is no data. Starts one as `expire` does. */
  discard (): void {
    this.#last = undefined
    this.expire()
  }

  /** From now on, events report changes, so that newer data can be there at any time. */
  expectEvents (): void {
    this.#maxFreshForMs = FRESH_WITH_EVENTS_MS
  }

  /** From now on, refreshes begin only with reads, and `onChange` is not called: a shutdown interrupts refreshes, which then fail. */
  stop (): void {
    this.#isStopped = true
    this.#cancelTimer()
  }

  /** Returns how fresh the data is now, without a refresh. */
  freshness (): Freshness {
    return this.#freshnessAt(this.#options.clock())
  }

  #freshnessAt (now: number): Freshness {
    const { rules } = this.#options
    const ageMs = this.#last === undefined ? undefined : Math.max(0, now - this.#last.listedAt)
    const staleReasons = this.#staleReasons(now)
    const limit = this.#failure === undefined ? Infinity : rules.maxStaleIfErrorMs
    const freshForMs = this.#last === undefined || staleReasons.length > 0 ? 0 : Math.max(0, this.#freshMs() - (now - checkedAtOf(this.#last)))
    return { ageMs, staleReasons, isUsable: ageMs !== undefined && ageMs <= limit, freshForMs: Math.min(freshForMs, this.#maxFreshForMs) }
  }

  /** Starts a refresh unless one is running, and waits for it as the plan requires. */
  async #join (now: number): Promise<void> {
    const { oldAt, waitMs, isShared } = this.#plan
    const isFirst = !this.#flight.isRunning
    const startedAt = isFirst ? now : this.#startedAt
    const remainingMs = startedAt > oldAt && (isFirst || isShared) ? startedAt + waitMs - now : 0
    if (remainingMs > 0) await within(remainingMs, settled(this.#flight.join()), this.#options.waitTimer)
    else if (isFirst) settled(this.#flight.join())
    else this.#hasTraffic = true
  }

  /** Joins a refresh that starts after this call, and not too soon after the last one that was required. */
  #require (): Promise<T> {
    const { clock, pause = systemPause } = this.#options
    const remainingMs = this.#requiredAt + REQUIRED_INTERVAL_MS - clock()
    if (this.#paused === undefined && remainingMs <= 0) return this.#flight.fresh()
    this.#paused ??= pause(remainingMs).then(() => {
      this.#paused = undefined
      return this.#flight.fresh()
    })
    return this.#paused
  }

  async #run (isRequired: boolean, refresh: () => Promise<T>): Promise<T> {
    const { clock, rules } = this.#options
    this.#cancelTimer()
    this.#hasTraffic = false
    this.#startedAt = clock()
    if (isRequired) {
      this.#requiredAt = this.#startedAt
      this.#isExpired = false
    }
    this.#requests = 0
    const spentUntil = (requests: number) => spendBudget(requests, this.#history.spentUntil, this.#startedAt, rules)
    try {
      const last = await refresh()
      this.#last = last
      this.#failure = undefined
      this.#failures = 0
      const lastMs = clock() - this.#startedAt
      const { listingMs, refreshMs } = this.#history
      const history = {
        listedAt: checkedAtOf(last),
        readAgainAt: last.readAgainAt,
        listingMs: remember(listingMs, last.listingMs),
        refreshMs: remember(refreshMs, lastMs),
        lastMs,
        failedAt: undefined,
        spentUntil: spentUntil(last.requests)
      }
      this.#planNext(history, last.isLed)
      if (last.isLed !== true) this.#reportBudget(intervalByBudget(last.requests, rules))
      return last
    } catch (error) {
      this.#failure = { code: toFailureCode(error), error }
      this.#failures++
      const failedAt = clock()
      this.#planNext({ ...this.#history, lastMs: failedAt - this.#startedAt, failedAt, spentUntil: spentUntil(this.#requests) })
      throw error
    } finally {
      this.#report(this.#lastingReasons())
    }
  }

  /** The age up to which the data may be served without a refresh. */
  #freshMs (): number {
    const { maxStalenessMs } = this.#options.rules
    return this.#last?.readAgainAt === undefined ? maxStalenessMs : Math.min(maxStalenessMs, this.#last.readAgainAt - this.#last.listedAt)
  }

  /** @param isFree whether the next refresh takes no LIST requests */
  #planNext (history: RefreshHistory, isFree = false): void {
    const { clock, rules, timer = systemTimer } = this.#options
    this.#history = history
    this.#plan = planRefresh(isFree ? { ...history, spentUntil: -Infinity } : history, rules)
    if (this.#isStopped) return
    if (this.#isExpired) return this.#scheduleExpired()
    const { dueAt } = this.#plan
    const start = () => settled(this.#flight.join())
    // Before the first listing, the scheduler repeats the job.
    const canRetry = this.#failures > 0 && history.listedAt !== undefined
    this.#cancelTimer = timer(Math.max(0, dueAt - clock()), () => {
      if (this.#hasTraffic) start()
      else if (canRetry) this.#cancelTimer = timer(idleRetryMs(this.#failures), start)
    })
  }

  #scheduleExpired (): void {
    if (this.#isStopped) return
    const { clock, timer = systemTimer } = this.#options
    const { listingMs, spentUntil } = this.#history
    const at = Math.max(this.#startedAt + Math.max(EXPIRY_INTERVAL_MS, twiceTheMedian(listingMs)), spentUntil)
    this.#cancelTimer()
    this.#cancelTimer = timer(Math.max(0, at - clock()), () => settled(this.#require()))
  }

  #staleReasons (now: number): readonly FailureCode[] {
    const reasons = this.#lastingReasons()
    return this.#last !== undefined && this.#failure === undefined && this.#flight.isRunning && now > this.#plan.oldAt ? [...reasons, 'refresh_slow'] : reasons
  }

  /** All reasons except `refresh_slow`. They remain until a refresh succeeds. */
  #lastingReasons (): readonly FailureCode[] {
    const hasGaps = this.#last !== undefined && this.#last.failed.length > 0
    if (this.#failure !== undefined) return hasGaps && this.#failure.code !== 'download_failed' ? [this.#failure.code, 'download_failed'] : [this.#failure.code]
    return hasGaps ? ['download_failed'] : FRESH
  }

  #reportBudget (intervalMs: number | undefined): void {
    const isChanged = (intervalMs === undefined) !== (this.#intervalMs === undefined)
    this.#intervalMs = intervalMs
    if (isChanged) this.#options.onBudget?.(intervalMs)
  }

  #report (reasons: readonly FailureCode[]): void {
    const previous = this.#reported
    if (this.#isStopped || reasons === previous || reasons.join() === previous.join()) return
    this.#reported = reasons
    this.#options.onChange?.({ reasons, previous, hasData: this.#last !== undefined, error: this.#failure?.error })
  }
}

/** When the data was last compared with the lake or with the state object of the leading replica, in milliseconds of the monotonic clock. */
function checkedAtOf ({ checkedAt, listedAt }: Refreshed): number {
  return checkedAt ?? listedAt
}

/** Waits until the work has succeeded or failed. Never rejects. */
function settled (work: Promise<unknown>): Promise<void> {
  return work.then(() => {}, () => {})
}
