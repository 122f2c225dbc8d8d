import { monotonicNow, type MonotonicClock } from './clock.js'
import { OverloadedError, RequestAbortedError } from './errors.js'

/** How many requests may wait for their first turn. */
const MAX_WAITING = 128

/** For as many milliseconds, pieces of work may begin in the same turn of the event loop. */
const SLICE_MS = 5

interface Waiter {
  readonly isGone: () => boolean
  readonly begin: () => void
  readonly abort: (error: Error) => void
}

const never = () => false

/**
 * Turns of the event loop for work that takes noticeable time. The work is divided into pieces; each piece waits for a turn. Pieces
 * begin in the order in which they have asked, and the event loop handles everything else between them, so that other requests wait
 * for one piece at most, however many are waiting.
 */
export class Turns {
  readonly #maxWaiting: number
  readonly #clock: MonotonicClock
  readonly #waiting = new Set<Waiter>()
  /** When the first piece of the current turn of the event loop began. */
  #beganAt: number | undefined

  constructor ({ maxWaiting = MAX_WAITING, clock = monotonicNow }: { maxWaiting?: number, clock?: MonotonicClock } = {}) {
    this.#maxWaiting = maxWaiting
    this.#clock = clock
  }

  /**
   * Waits for the first piece of a request. Returns `undefined` if it may begin at once.
   *
   * @param isGone whether the client has left: the request loses its place
   * @throws {OverloadedError} if too many are waiting
   * @throws {RequestAbortedError} if the client has left
   */
  enter (isGone: () => boolean = never): Promise<void> | undefined {
    if (isGone()) throw new RequestAbortedError()
    if (this.#beginNow()) return undefined
    if (this.#waiting.size >= this.#maxWaiting) this.#removeGone()
    if (this.#waiting.size >= this.#maxWaiting) throw new OverloadedError('Too many expensive requests are waiting')
    return this.#wait(isGone)
  }

  /** Waits for a further piece of a request that has begun. Returns `undefined` if it may begin at once. */
  next (): Promise<void> | undefined {
    return this.#beginNow() ? undefined : this.#wait(never)
  }

  #beginNow (): boolean {
    if (this.#waiting.size > 0) return false
    const now = this.#clock()
    if (this.#beganAt === undefined) this.#begin(now)
    return now - this.#beganAt! < SLICE_MS
  }

  #begin (now: number): void {
    this.#beganAt = now
    setImmediate(this.#turn)
  }

  #wait (isGone: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.add({ isGone, begin: resolve, abort: reject }))
  }

  readonly #turn = (): void => {
    this.#beganAt = undefined
    this.#removeGone()
    const [first] = this.#waiting
    if (first === undefined) return
    this.#waiting.delete(first)
    this.#begin(this.#clock())
    first.begin()
  }

  #removeGone (): void {
    for (const waiter of this.#waiting) {
      if (!waiter.isGone()) continue
      this.#waiting.delete(waiter)
      waiter.abort(new RequestAbortedError())
    }
  }
}
