import { monotonicNow, type MonotonicClock } from './clock.js'
import { OverloadedError, RequestAbortedError } from './errors.js'

export interface TurnsOptions {
  /** How many pieces of work may be under way: more than one only if they wait for something else than this process. Default: 1. */
  readonly atWork?: number
  /** How many requests may wait for their first piece. Default: 256. */
  readonly maxWaiting?: number
  readonly clock?: MonotonicClock
}

/** After as many milliseconds of work, the event loop handles everything else. */
const SLICE_MS = 5

interface Waiter {
  readonly isGone: () => boolean
  readonly begin: () => void
  readonly abort: (error: Error) => void
}

const never = () => false

/**
 * Divides the event loop between work that takes noticeable time. The work comes in pieces of some milliseconds, which begin in the
 * order in which they are asked for: few at a time, and none after 5 ms before the event loop has handled everything else. So cheap
 * requests wait for a piece or two, however much work there is.
 */
export class Turns {
  readonly #maxAtWork: number
  readonly #maxWaiting: number
  readonly #clock: MonotonicClock
  readonly #waiting = new Set<Waiter>()
  #atWork = 0
  /** When the first piece of the current turn of the event loop began. */
  #beganAt: number | undefined

  constructor ({ atWork = 1, maxWaiting = 256, clock = monotonicNow }: TurnsOptions = {}) {
    this.#maxAtWork = atWork
    this.#maxWaiting = maxWaiting
    this.#clock = clock
  }

  /**
   * Does the first piece of the work of a request.
   *
   * @param isGone whether the client has left: the request then loses its place
   * @throws {OverloadedError} if too many are waiting
   * @throws {RequestAbortedError} if the client has left
   */
  async first<T> (work: () => T | Promise<T>, isGone: () => boolean = never): Promise<T> {
    if (isGone()) throw new RequestAbortedError()
    if (this.#waiting.size >= this.#maxWaiting) this.#removeGone()
    if (this.#waiting.size >= this.#maxWaiting) throw new OverloadedError('Too many expensive requests are waiting')
    return await this.#run(work, isGone)
  }

  /** Does a further piece of work that has begun. */
  async further<T> (work: () => T | Promise<T>): Promise<T> {
    return await this.#run(work, never)
  }

  async #run<T> (work: () => T | Promise<T>, isGone: () => boolean): Promise<T> {
    if (this.#waiting.size === 0 && this.#isFree()) this.#begin()
    else await new Promise<void>((resolve, reject) => this.#waiting.add({ isGone, begin: resolve, abort: reject }))
    try {
      return await work()
    } finally {
      this.#atWork--
      this.#beginWaiting()
    }
  }

  #isFree (): boolean {
    return this.#atWork < this.#maxAtWork && (this.#beganAt === undefined || this.#clock() - this.#beganAt < SLICE_MS)
  }

  #begin (): void {
    this.#atWork++
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
