import { monotonicNow, type MonotonicClock } from './clock.js'
import { OverloadedError, RequestAbortedError } from './errors.js'

/** The limits of a `Turns`. */
export interface TurnsOptions {
  /** The maximum number of pieces of work that run at a time. More than one is useful only if pieces wait for another thread or process. Default: 1. */
  readonly maxRunning?: number
  /** The maximum number of pieces that wait. Beyond it, `runFirst` throws OverloadedError. Default: 256. */
  readonly maxWaiting?: number
  readonly clock?: MonotonicClock
}

/** If the pieces of one turn of the event loop have taken this many milliseconds, the next piece waits for the next turn. */
const SLICE_MS = 5

interface Waiter {
  readonly isGone: () => boolean
  readonly begin: () => void
  readonly abort: (error: Error) => void
}

const never = () => false

/**
 * Schedules expensive work so that it does not block cheap requests. Work is divided into pieces of a few milliseconds. Pieces start in the
 * order in which they were requested, at most `maxRunning` at a time. Once the pieces of a turn of the event loop have taken 5 ms, no further
 * piece starts in that turn, so a cheap request waits for one or two pieces at most, regardless of the amount of work.
 */
export class Turns {
  readonly #maxRunning: number
  readonly #maxWaiting: number
  readonly #clock: MonotonicClock
  readonly #waiting = new Set<Waiter>()
  #running = 0
  /** When the first piece of the current turn of the event loop began; `undefined` if none has begun in this turn. */
  #beganAt: number | undefined

  constructor ({ maxRunning = 1, maxWaiting = 256, clock = monotonicNow }: TurnsOptions = {}) {
    this.#maxRunning = maxRunning
    this.#maxWaiting = maxWaiting
    this.#clock = clock
  }

  /**
   * Runs the first piece of the work of a request when it is its turn.
   *
   * @param isGone whether the client has closed the connection, so that the piece is not run
   * @throws {OverloadedError} if `maxWaiting` pieces are waiting
   * @throws {RequestAbortedError} if the client has closed the connection
   */
  async runFirst<T> (work: () => T | Promise<T>, isGone: () => boolean = never): Promise<T> {
    if (isGone()) throw new RequestAbortedError()
    if (this.#waiting.size >= this.#maxWaiting) this.#removeGone()
    if (this.#waiting.size >= this.#maxWaiting) throw new OverloadedError('Too many expensive requests are waiting')
    return await this.#run(work, isGone)
  }

  /** Runs the next piece of work that has begun, when it is its turn. Never throws OverloadedError, because the result of the earlier pieces would be lost. */
  async runNext<T> (work: () => T | Promise<T>): Promise<T> {
    return await this.#run(work, never)
  }

  async #run<T> (work: () => T | Promise<T>, isGone: () => boolean): Promise<T> {
    if (this.#waiting.size === 0 && this.#isFree()) this.#begin()
    else await new Promise<void>((resolve, reject) => this.#waiting.add({ isGone, begin: resolve, abort: reject }))
    try {
      return await work()
    } finally {
      this.#running--
      this.#beginWaiting()
    }
  }

  #isFree (): boolean {
    return this.#running < this.#maxRunning && (this.#beganAt === undefined || this.#clock() - this.#beganAt < SLICE_MS)
  }

  #begin (): void {
    this.#running++
    if (this.#beganAt !== undefined) return
    this.#beganAt = this.#clock()
    setImmediate(this.#endTurn)
  }

  readonly #endTurn = (): void => {
    this.#beganAt = undefined
    this.#beginWaiting()
  }

  #beginWaiting (): void {
    for (const waiter of this.#waiting) {
      if (!this.#isFree()) return
      this.#waiting.delete(waiter)
      if (waiter.isGone()) {
        waiter.abort(new RequestAbortedError())
      } else {
        this.#begin()
        waiter.begin()
      }
    }
  }

  #removeGone (): void {
    for (const waiter of this.#waiting) {
      if (!waiter.isGone()) continue
      this.#waiting.delete(waiter)
      waiter.abort(new RequestAbortedError())
    }
  }
}
