import type { Warning } from '../base/warning.js'

/** The most records of one period between two listings whose events are remembered. */
const MAX_ANNOUNCED = 100_000

/**
 * Counts the changes of records that a listing has found, and of which neither an event before that listing nor one before the next listing had reported. Nothing is
 * counted before the first event.
 */
export class MissedEvents {
  /** The records that events have named since the last listing; `undefined` before the first event. */
  #announced: Set<string> | undefined
  /** Whether a listing has ended since the first event. Earlier changes had no events. */
  #isSteady = false
  /** The changed records that the last listing has found without an event. Their events may be late. */
  #unannounced: readonly string[] = []
  #count = 0
  #isCurrent = false

  /** Notes the records that events name. */
  announce (ids: Iterable<string>): void {
    this.#announced ??= new Set()
    for (const id of ids) if (this.#announced.size <= MAX_ANNOUNCED) this.#announced.add(id)
  }

  /** Notes a complete listing, and the records that it has found changed; `undefined` if they are too many for a list. */
  listed (changed: readonly string[] | undefined): void {
    const announced = this.#announced
    if (announced === undefined) return
    const isKnown = this.#isSteady && announced.size <= MAX_ANNOUNCED
    const missed = isKnown ? this.#unannounced.filter((id) => !announced.has(id)).length : 0
    this.#count += missed
    this.#isCurrent = missed > 0
    this.#unannounced = isKnown ? changed?.filter((id) => !announced.has(id)) ?? [] : []
    this.#announced = new Set()
    this.#isSteady = true
  }

  /** The warning that events are missing; until a listing at which none was missing. */
  warnings (): Warning[] {
    if (!this.#isCurrent) return []
    return [{ code: 'events_missed', detail: `Listings have found changed records of which no event had reported: ${this.#count} since the start; check that the bucket sends events for all objects below SOURCE_PREFIX, also when they are removed` }]
  }
}
