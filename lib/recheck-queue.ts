import type { MonotonicClock } from './base/clock.js'
import { RECHECKS } from './base/events.js'
import { systemPause, type Pause } from './base/timer.js'

/** What a `RecheckQueue` depends on. */
export interface RecheckQueueOptions {
  /** Re-checks some objects. Returns `false` if a listing is needed instead. Never rejects. */
  readonly check: (keys: readonly string[]) => Promise<boolean>
  /** Requests a listing, which begins at once or later. `listingBegins` must then be called. */
  readonly list: () => void
  /** Waits between two checks. Default: the pause of the system. */
  readonly pause?: Pause | undefined
  readonly clock: MonotonicClock
}

/** The maximum number of objects of one check, and of objects that wait. */
const MAX_BATCH = 50
const MAX_WAITING = 1000
/** The pause after each check, in milliseconds, so that events cannot make more than a few data versions a second. */
const PAUSE_MS = 200

/** Objects that are to be re-checked. If there are too many, one listing takes the place of all checks. */
export class RecheckQueue {
  readonly #options: RecheckQueueOptions
  /** By key, when it was added, in milliseconds of the monotonic clock. */
  readonly #waiting = new Map<string, number>()
  #isRunning = false
  /** Whether a listing was requested and has not begun. It will find what the objects are like, so none is added until then. */
  #isListingDue = false
  #isStopped = false

  constructor (options: RecheckQueueOptions) {
    this.#options = options
  }

  /** Adds keys of objects. An object that waits already is not added again. */
  add (keys: Iterable<string>): void {
    if (this.#isListingDue || this.#isStopped) return
    const now = this.#options.clock()
    for (const key of keys) if (!this.#waiting.has(key)) this.#waiting.set(key, now)
    if (this.#waiting.size > MAX_WAITING) this.#list()
    else if (!this.#isRunning) this.#run()
  }

  /** Must be called when a listing that was requested begins. It takes the place of the checks of all objects that wait. */
  listingBegins (): void {
    this.#isListingDue = false
    this.#waiting.clear()
  }

  /** Drops the objects that wait, and those that are added from now on, also after a listing. */
  stop (): void {
    this.#isStopped = true
    this.#waiting.clear()
  }

  async #run (): Promise<void> {
    const { check, pause = systemPause, clock } = this.#options
    this.#isRunning = true
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, MAX_BATCH)
      for (const [key] of batch) this.#waiting.delete(key)
      const isChecked = await check(batch.map(([key]) => key))
      if (RECHECKS.hasSubscribers) RECHECKS.publish({ isChecked, delaysMs: batch.map(([, at]) => clock() - at) })
      if (!isChecked) this.#list()
      await pause(PAUSE_MS)
    }
    this.#isRunning = false
  }

  #list (): void {
    if (this.#isListingDue || this.#isStopped) return
    this.#isListingDue = true
    this.#waiting.clear()
    this.#options.list()
  }
}
