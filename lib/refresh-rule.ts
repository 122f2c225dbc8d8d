/** How old data may be when it is served. All values are milliseconds. */
export interface FreshnessRules {
  /** The age above which data is old, or twice the duration of a listing if that is longer. */
  readonly maxStalenessMs: number
  /** The longest time that reads wait for a refresh, counted from its start. */
  readonly refreshWaitMs: number
  /** The greatest age of data that is served while refreshes fail; may be Infinity. */
  readonly maxStaleIfErrorMs: number
  /** The maximum number of requests a minute for listings that no caller has required; may be Infinity. */
  readonly maxListRequests: number
}

/** What is known of the refreshes so far. Times are milliseconds of the monotonic clock. */
export interface RefreshHistory {
  /** When the last complete listing began or, after a refresh without a listing, when this replica began to read what another one has listed; `undefined` before the first refresh. */
  readonly listedAt: number | undefined
  /** When an incomplete file, which the last listing found, can be read; `undefined` if it found no such file. */
  readonly readAgainAt?: number | undefined
  /** How many milliseconds the last complete listings took: at most five, the newest one last. */
  readonly listingMs: readonly number[]
  /** How many milliseconds the last successful refreshes took, with their downloads: at most five, the newest one last. */
  readonly refreshMs: readonly number[]
  /** How many milliseconds the last refresh took, whether it succeeded or failed; 0 before the first one. */
  readonly lastMs: number
  /** When the last refresh failed; `undefined` if it succeeded. */
  readonly failedAt: number | undefined
  /** The time until which the requests so far have spent the budget: see `spendBudget`. */
  readonly spentUntil: number
}

/** When the next refresh begins, and which reads wait for it. Times are milliseconds of the monotonic clock. */
export interface RefreshPlan {
  /** The next refresh begins at this time if there is traffic, else with the first read after it, or some time after a failure: see `idleRetryMs`. */
  readonly dueAt: number
  /** The data is old after this time. Reads wait only for refreshes that begin later: one that began earlier has taken longer than usual when the data becomes old. */
  readonly oldAt: number
  /** How many milliseconds reads wait, counted from the start of the refresh. */
  readonly waitMs: number
  /** Whether a read also waits for a refresh that another read or the timer has started. */
  readonly isShared: boolean
}

export const NO_HISTORY: RefreshHistory = { listedAt: undefined, listingMs: [], refreshMs: [], lastMs: 0, failedAt: undefined, spentUntil: -Infinity }

/** The number of durations whose median is taken, so that the data does not stay old for long after one slow listing. */
const REMEMBERED = 5
/** The greatest value of twice a duration: a lake that is slower is refreshed all the time. */
export const MAX_TWICE_MS = 60_000
/** The pause after a failed refresh, so that an outage does not delay every read. */
const RETRY_DELAY_MS = 1000
/** The longest pause before a failed refresh is repeated although there is no traffic. */
const MAX_IDLE_RETRY_MS = 30_000

/** The rule that decides when data is refreshed and when reads wait; docs/decisions/0003 explains it. */
export function planRefresh ({ listedAt, readAgainAt = Infinity, listingMs, refreshMs, lastMs, failedAt, spentUntil }: RefreshHistory, { maxStalenessMs, refreshWaitMs }: FreshnessRules): RefreshPlan {
  const waitMs = lastMs > refreshWaitMs ? 0 : refreshWaitMs
  // After a failure the next refresh may fail as well, so only the read that starts it waits for it.
  // Without any data, the budget delays nothing.
  if (failedAt !== undefined) return { dueAt: Math.max(failedAt + RETRY_DELAY_MS, listedAt === undefined ? -Infinity : spentUntil), oldAt: -Infinity, waitMs, isShared: false }
  if (listedAt === undefined) return { dueAt: -Infinity, oldAt: -Infinity, waitMs, isShared: true }
  const oldAt = Math.max(Math.min(listedAt + maxStalenessMs, readAgainAt), listedAt + twiceTheMedian(listingMs))
  const aheadAt = oldAt - twiceTheMedian(refreshMs)
  // A refresh before `readAgainAt` would come too early for the file.
  const dueAt = readAgainAt > oldAt ? aheadAt : Math.max(aheadAt, readAgainAt)
  // A refresh that the budget delays must not make reads wait, so the data becomes old later by the same time. Before the end of the last refresh, the next one could not begin anyway.
  const delayMs = Math.max(0, spentUntil - Math.max(dueAt, listedAt + lastMs))
  return { dueAt: Math.max(dueAt, spentUntil), oldAt: oldAt + delayMs, waitMs, isShared: true }
}

/**
 * The pause before a failed refresh is repeated without traffic, counted from the time when the next refresh is due, in milliseconds. It doubles with each failure. The repetition notices, without
 * a read, that an outage is over.
 *
 * @param failures the number of refreshes that have failed since the last one that succeeded; at least 1
 */
export function idleRetryMs (failures: number): number {
  return Math.min(RETRY_DELAY_MS * 2 ** (failures - 1), MAX_IDLE_RETRY_MS)
}

/** The interval between refreshes that the budget allows, in milliseconds, if it is longer than MAX_STALENESS; otherwise `undefined`. */
export function intervalByBudget (requests: number, { maxListRequests, maxStalenessMs }: FreshnessRules): number | undefined {
  const ms = budgetMs(requests, maxListRequests)
  return ms > maxStalenessMs ? ms : undefined
}

/**
 * The budget for requests: a limit of 600 requests a minute allows one request in 100 ms, so a listing of ten requests spends the budget of the next second. A refresh
 * that no caller has required begins only after that time. Required ones do not wait, but delay the later ones. Time without requests is not saved up.
 *
 * @param spentUntil the time until which the earlier requests have spent the budget, in milliseconds
 * @param now the time at which the refresh began, in milliseconds
 * @returns the time until which these requests have spent it, too, in milliseconds
 */
export function spendBudget (requests: number, spentUntil: number, now: number, { maxListRequests }: FreshnessRules): number {
  return Math.max(spentUntil, now) + budgetMs(requests, maxListRequests)
}

/** The time whose budget these requests spend, in milliseconds. @param maxListRequests the maximum number of requests a minute; may be Infinity */
export function budgetMs (requests: number, maxListRequests: number): number {
  return requests * 60_000 / maxListRequests
}

/** Adds a duration to the last ones, and drops the oldest if there are too many. */
export function remember (durations: readonly number[], ms: number): readonly number[] {
  return [...durations, ms].slice(-REMEMBERED)
}

/** Twice the median of some durations, at most MAX_TWICE_MS. */
export function twiceTheMedian (durations: readonly number[]): number {
  const median = durations.toSorted((a, b) => a - b)[(durations.length - 1) >>> 1] ?? 0
  return Math.min(MAX_TWICE_MS, 2 * median)
}
