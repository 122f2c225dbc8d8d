import type { MonotonicClock } from '../base/clock.js'
import type { Warning } from '../base/warning.js'

/** The maximum number of records whose events are remembered, and of records whose changes without an event are remembered. */
const MAX_RECORDS = 100_000
/** An event belongs to a change that a listing has found if it arrives at most this number of milliseconds before the end of the listing, or after it. */
const MAX_DELAY_MS = 60_000
/** How long the warning remains at least, in milliseconds. */
const WARNING_MS = 600_000

/**
 * Counts the changed records that a listing has found and no event has named: neither in the minute before the listing, nor until the first listing that ends at
 * least a minute later. Nothing is counted before the first event.
 */
export class MissedEvents {
  readonly #clock: MonotonicClock
  /** When events have last named a record, by its id; `undefined` before the first event. */
  #announced: Map<string, number> | undefined
  /** When a listing has found the change of a record without an event, by the id of the record. The event may be late. */
  readonly #unannounced = new Map<string, number>()
  /** Whether a listing has ended since the first event, or since too many events. Earlier changes had no events, or none that are remembered. */
  #isSteady = false
  #count = 0
  /** When a missing event was last counted. */
  #missedAt = -Infinity
  /** Whether the last listing was less than WARNING_MS after a missing event was counted. */
  #isCurrent = false

  constructor (clock: MonotonicClock) {
    this.#clock = clock
  }

  /** Notes the records that events name. */
  announce (ids: Iterable<string>): void {
    const now = this.#clock()
    this.#announced ??= new Map()
    for (const id of ids) {
      this.#unannounced.delete(id)
      if (this.#announced.has(id) || this.#announced.size < MAX_RECORDS) this.#announced.set(id, now)
      else this.#isSteady = false
    }
  }

  /** Notes a complete listing, and the records that it has found changed; `undefined` if they are too many for a list. */
  listed (changed: readonly string[] = []): void {
    if (this.#announced === undefined) return
    const now = this.#clock()
    const missed = dropBefore(this.#unannounced, now - MAX_DELAY_MS)
    this.#count += missed
    if (missed > 0) this.#missedAt = now
    this.#isCurrent = now - this.#missedAt < WARNING_MS
    for (const id of changed) {
      if (this.#isSteady && !this.#announced.has(id) && !this.#unannounced.has(id) && this.#unannounced.size < MAX_RECORDS) this.#unannounced.set(id, now)
    }
    dropBefore(this.#announced, now - MAX_DELAY_MS)
    this.#isSteady = true
  }

  /** The warning that events are missing, if the last listing ended less than WARNING_MS after a missing event was counted. */
  warnings (): Warning[] {
    if (!this.#isCurrent) return []
    return [{ code: 'events_missed', detail: `Listings have found changed records that no event had reported: ${this.#count} since the start; check that the bucket sends events for all objects below SOURCE_PREFIX, also when they are removed` }]
  }
}

/** Removes the entries that are not later than a time. Returns their number. */
function dropBefore (times: Map<string, number>, time: number): number {
  const { size } = times
  for (const [id, at] of times) if (at <= time) times.delete(id)
  return size - times.size
}
