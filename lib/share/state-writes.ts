import type { MonotonicClock } from '../base/clock.js'
import { toFailureCode } from '../base/failure-code.js'

/** Milliseconds without an attempt to write after the store has refused one, or after another failure. */
const PAUSE_AFTER_REFUSAL_MS = 30_000
const PAUSE_AFTER_FAILURE_MS = 5000

/** Runs the writes of this replica to the state object, through which replicas share listings, one after the other, with a pause after each failure. */
export class StateWrites {
  readonly #clock: MonotonicClock
  #isPermitted: boolean
  #ended: Promise<void> = Promise.resolve()
  #waiting = 0
  #pausedUntil = -Infinity
  #error: unknown

  /** @param isPermitted whether this replica may write at all */
  constructor (clock: MonotonicClock, isPermitted: boolean) {
    this.#clock = clock
    this.#isPermitted = isPermitted
  }

  /** Whether a write runs or waits. */
  get isBusy (): boolean {
    return this.#waiting > 0
  }

  /** Fulfilled when all writes that were enqueued so far have ended. */
  get ended (): Promise<void> {
    return this.#ended
  }

  /** Whether this replica may write now. If not, writes that are enqueued do nothing. */
  get isAllowed (): boolean {
    return this.#isPermitted && this.#clock() >= this.#pausedUntil
  }

  /** The error of the last write that was attempted; `undefined` if it succeeded. */
  get error (): unknown {
    return this.#error
  }

  /** From now on, this replica writes nothing. */
  forbid (): void {
    this.#isPermitted = false
  }

  /** Runs a write after all earlier ones. The result never rejects: after a failure, no write runs for some time. */
  enqueue (write: () => Promise<void>): Promise<void> {
    this.#waiting++
    this.#ended = this.#ended.then(() => this.#run(write))
    return this.#ended
  }

  async #run (write: () => Promise<void>): Promise<void> {
    try {
      if (!this.isAllowed) return
      await write()
      this.#error = undefined
    } catch (error) {
      this.#error = error
      this.#pausedUntil = this.#clock() + (toFailureCode(error) === 'access_denied' ? PAUSE_AFTER_REFUSAL_MS : PAUSE_AFTER_FAILURE_MS)
    } finally {
      this.#waiting--
    }
  }
}
