import { MAX_TWICE_MS } from '../refresh-rule.js'

/** The leader writes the state after a listing if the next one would end later than this after its last write, and during a listing that takes longer. Milliseconds. */
export const RENEW_MS = 5000
/** A leader that has not written the state for this time counts as dead, in milliseconds: if MAX_STALENESS is longer, also one that is between two listings. */
export const TAKEOVER_MS = 15_000
/** If a listing takes at least this time, a replica that takes over writes the state before it lists, in milliseconds. */
const CLAIM_MS = 1000

/** What a replica knows of the state object. Times are milliseconds. */
export interface KnownState {
  /** Whether this replica has written it: it leads. */
  readonly isOwn: boolean
  /** Whether it cannot be followed: it is damaged or too large, or was written with other settings or by another release. */
  readonly isForeign: boolean
  /** Whether its writer will not renew it, because it has no requests. */
  readonly isIdle: boolean
  /** Time since it was written. */
  readonly unrenewedMs: number
  /** Time since the beginning of the listing that it describes, and the duration of that listing. */
  readonly ageMs: number
  readonly listingMs: number
}

/** The input of `decideAction`: what a replica knows when its data has to be refreshed. */
export interface ActionInput {
  /** `undefined` if the state object does not exist. */
  readonly state: KnownState | undefined
  /** Whether a client requires a listing that begins after its request. */
  readonly isRequired: boolean
  /** Whether this replica may write the state. */
  readonly mayWrite: boolean
  /** The age above which data is refreshed, in milliseconds; slow listings raise it: see `allowedAgeMs`. */
  readonly maxStalenessMs: number
}

/**
 * What a replica does to refresh its data: `follow` takes over what the state describes; `list` lists the lake for itself; `lead` lists the lake
 * and writes the state, so that the others follow.
 */
export type Action = 'follow' | 'list' | 'lead'

/** Whether the replica that has written the state still leads, as far as is known: it has requests and renews the state. */
export function isRenewed ({ isIdle, unrenewedMs }: KnownState): boolean {
  return !isIdle && unrenewedMs < TAKEOVER_MS
}

/** Whether another replica leads, as far as is known. */
export function isLed (state: KnownState): boolean {
  return !state.isOwn && isRenewed(state)
}

/** Whether the replica that led has ended without having written that it does not lead any more, as far as is known. */
export function isAbandoned ({ isOwn, isForeign, isIdle, unrenewedMs }: KnownState): boolean {
  return !isOwn && !isForeign && !isIdle && unrenewedMs >= TAKEOVER_MS
}

/**
 * Decides how a replica refreshes its data. The replica that has written the last state leads. Another one takes over if the leader is idle
 * and newer data is needed, if the leader has written no state for TAKEOVER_MS, or if a required listing of the other one has found a change.
 */
export function decideAction ({ state, isRequired, mayWrite, maxStalenessMs }: ActionInput): Action {
  const lead = mayWrite ? 'lead' : 'list'
  if (state === undefined || state.isOwn) return lead
  if (state.isForeign) return isLed(state) ? 'list' : lead
  const isOld = state.ageMs > allowedAgeMs(maxStalenessMs, state.listingMs) + (state.isIdle ? 0 : RENEW_MS)
  if (!isLed(state) && (isOld || isRequired)) return lead
  return isRequired ? 'list' : 'follow'
}

/** How old data may become before it is refreshed, in milliseconds. */
function allowedAgeMs (maxStalenessMs: number, listingMs: number): number {
  return Math.max(maxStalenessMs, Math.min(MAX_TWICE_MS, 2 * listingMs))
}

/** Whether a replica has too few requests to lead: it has not begun a refresh for too long a time. Times are milliseconds. */
export function isIdleAfter (sinceRefreshMs: number, maxStalenessMs: number, listingMs: number): boolean {
  return sinceRefreshMs >= Math.max(RENEW_MS, 2 * allowedAgeMs(maxStalenessMs, listingMs))
}

/** The input of `isStateDue`: what a replica knows after a listing of its own. Times are milliseconds. */
export interface ListingOutcome {
  /** Whether the listing has found a difference to the state. */
  readonly isChanged: boolean
  readonly action: Action
  /** As in `KnownState`. */
  readonly isOwn: boolean
  readonly isForeign: boolean
  /** Whether the state says that its writer is idle. */
  readonly wasIdle: boolean
  /** Whether this replica is idle now. */
  readonly isIdle: boolean
  /** Time since the state was written, and since the previous listing. */
  readonly unrenewedMs: number
  readonly sinceListingMs: number
}

/**
 * Whether the state is written after a listing: if the listing has found a change, if the leader changes, becomes idle or is no longer idle, or if the
 * next listing would end more than RENEW_MS after the last write. A replica that does not lead writes only if it has found a change, and never in
 * place of a foreign state.
 */
export function isStateDue ({ isChanged, action, isOwn, isForeign, wasIdle, isIdle, unrenewedMs, sinceListingMs }: ListingOutcome): boolean {
  if (action !== 'lead') return isChanged && !isForeign
  if (isChanged) return true
  return !isOwn || wasIdle !== isIdle || unrenewedMs + sinceListingMs > RENEW_MS
}

/** Whether a replica that takes over writes the state before it lists. Otherwise, of two that take over at the same time, both would list, which costs more than a write. */
export function isClaimDue ({ listingMs }: KnownState): boolean {
  return listingMs >= CLAIM_MS
}

/** The input of `decideRenewal`: what the leader knows between listings. Times are milliseconds. */
export interface RenewalInput {
  readonly isIdle: boolean
  /** Whether a refresh is running. */
  readonly isRefreshing: boolean
  /** Time since the last refresh began. */
  readonly sinceRefreshMs: number
  /** Time since the state was written. */
  readonly unrenewedMs: number
  /** How long the last listing took. */
  readonly listingMs: number
  /** As in `ActionInput`. */
  readonly maxStalenessMs: number
}

/** What the leader writes between listings: `active` while a listing takes long, `idle` when it has no more requests. `undefined`: nothing. */
export function decideRenewal ({ isIdle, isRefreshing, sinceRefreshMs, unrenewedMs, listingMs, maxStalenessMs }: RenewalInput): 'active' | 'idle' | undefined {
  if (isRefreshing) return unrenewedMs >= RENEW_MS ? 'active' : undefined
  return !isIdle && isIdleAfter(sinceRefreshMs, maxStalenessMs, listingMs) ? 'idle' : undefined
}

/** Two times of the monotonic clock, in milliseconds, between which another machine certainly did something. */
export interface TimeBounds { readonly notBefore: number, readonly notAfter: number }

/**
 * Estimates when another machine did something, in milliseconds of the monotonic clock of this process: from the wall clocks of both machines, within
 * bounds that limit the error if these clocks differ.
 *
 * @param now the current time by the monotonic clock
 * @param elapsedMs the time since then, as the difference of the wall clocks of both machines
 */
export function estimateTime (now: number, elapsedMs: number, { notBefore, notAfter }: TimeBounds): number {
  return Math.min(notAfter, Math.max(notBefore, now - elapsedMs))
}
