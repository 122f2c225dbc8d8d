/** How often the leader writes the state at the latest while it serves requests, in milliseconds. */
export const RENEW_MS = 5000
/** A leader whose state is older than this is taken for dead, in milliseconds. */
export const TAKEOVER_MS = 15_000
/** The duration of a listing from which on a takeover is announced before it begins, in milliseconds. */
const CLAIM_MS = 1000

/** What a replica knows of the state object. Times are milliseconds. */
export interface KnownState {
  /** Whether this replica has written it: it leads. */
  readonly isOwn: boolean
  /** Whether it was written for other settings, or by another release, so that it cannot be followed. */
  readonly isForeign: boolean
  /** Whether its writer will not renew it: it had no further requests. */
  readonly isIdle: boolean
  /** Time since it was written. */
  readonly unrenewedMs: number
  /** Time since the listing began that it describes, and how long that took. */
  readonly ageMs: number
  readonly listingMs: number
}

/** What a replica knows when its data has to be refreshed. */
export interface Situation {
  /** `undefined` if there is none, or if it could not be read. */
  readonly state: KnownState | undefined
  /** Whether a client requires a listing that begins after its request. */
  readonly isForced: boolean
  /** Whether this replica may write the state. */
  readonly mayWrite: boolean
  readonly maxStalenessMs: number
}

/**
 * What a replica does to refresh its data: `follow` takes over what the state describes; `list` lists the lake for itself; `lead` lists the lake
 * and writes the state, so that the others follow.
 */
export type Action = 'follow' | 'list' | 'lead'

/** Whether another replica is taken to be alive, and to renew the state. */
export function isLed (state: KnownState): boolean {
  return !state.isOwn && !state.isIdle && state.unrenewedMs < TAKEOVER_MS
}

/**
 * Decides how a replica refreshes its data. One replica leads while there are requests: the one that has written the last state. It is
 * replaced if it is idle and newer data is needed, or after TAKEOVER_MS without a new state.
 */
export function decideAction ({ state, isForced, mayWrite, maxStalenessMs }: Situation): Action {
  const lead = mayWrite ? 'lead' : 'list'
  if (state === undefined || state.isOwn) return lead
  if (state.isForeign) return isLed(state) ? 'list' : lead
  const isOld = state.ageMs > allowedAgeMs(maxStalenessMs, state.listingMs) + (state.isIdle ? 0 : RENEW_MS)
  if (!isLed(state) && (isOld || isForced)) return lead
  return isForced ? 'list' : 'follow'
}

/** How old data may become before it is refreshed, in milliseconds. */
function allowedAgeMs (maxStalenessMs: number, listingMs: number): number {
  return Math.max(maxStalenessMs, 2 * listingMs)
}

/** Whether a replica has too few requests to lead: the time between the beginnings of two refreshes is that long, in milliseconds. */
export function isIdleAfter (sinceRefreshMs: number, maxStalenessMs: number, listingMs: number): boolean {
  return sinceRefreshMs >= Math.max(RENEW_MS, 2 * allowedAgeMs(maxStalenessMs, listingMs))
}

/** What a replica knows after a listing of its own. Times are milliseconds. */
export interface Listed {
  /** Whether the listing has found a difference to the state. */
  readonly isChanged: boolean
  readonly action: Action
  /** Whether this replica has written the state, and whether the state says that it is idle. */
  readonly isOwn: boolean
  readonly wasIdle: boolean
  /** Whether this replica is idle now. */
  readonly isIdle: boolean
  /** Time since the state was written, and since the previous listing. */
  readonly unrenewedMs: number
  readonly sinceListingMs: number
}

/**
 * Whether the state is written after a listing: if it differs, if the leader changes or begins to serve requests, and if the next listing would end
 * more than RENEW_MS after the last write. Another replica than the leader writes only what it has found.
 */
export function isStateDue ({ isChanged, action, isOwn, wasIdle, isIdle, unrenewedMs, sinceListingMs }: Listed): boolean {
  if (isChanged) return true
  if (action !== 'lead') return false
  return !isOwn || wasIdle !== isIdle || unrenewedMs + sinceListingMs > RENEW_MS
}

/** Whether a replica that takes over writes so before it lists: two that take over at once would both list, which costs more than a write. */
export function isClaimDue ({ listingMs }: KnownState): boolean {
  return listingMs >= CLAIM_MS
}

/** What the leader knows between listings. Times are milliseconds. */
export interface Leading {
  readonly isIdle: boolean
  /** Whether a refresh is running. */
  readonly isRefreshing: boolean
  /** Time since the last refresh began. */
  readonly sinceRefreshMs: number
  readonly unrenewedMs: number
  /** How long the last listing took. */
  readonly listingMs: number
  readonly maxStalenessMs: number
}

/** What the leader writes between listings: that it is still there while a listing takes long, or that it has become idle. */
export function decideRenewal ({ isIdle, isRefreshing, sinceRefreshMs, unrenewedMs, listingMs, maxStalenessMs }: Leading): 'active' | 'idle' | undefined {
  if (isRefreshing) return unrenewedMs >= RENEW_MS ? 'active' : undefined
  return !isIdle && isIdleAfter(sinceRefreshMs, maxStalenessMs, listingMs) ? 'idle' : undefined
}

/** Limits of the moment at which an object was written, in milliseconds of the monotonic clock: it was not there yet, and it was there. */
export interface WriteBounds { readonly notBefore: number, readonly notAfter: number }

/**
 * When an object was written, in milliseconds of the monotonic clock of this process: the clocks of both machines say how long ago that was, and what
 * this process has seen of the object limits the error if they differ.
 *
 * @param elapsedMs the time since then, by the wall clocks of both machines
 * @param now the moment at which it was computed
 */
export function writtenAt (now: number, elapsedMs: number, { notBefore, notAfter }: WriteBounds): number {
  return Math.min(notAfter, Math.max(notBefore, now - elapsedMs))
}
