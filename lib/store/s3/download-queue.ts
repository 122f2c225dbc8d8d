import { AdaptiveLimit } from '../../base/adaptive-limit.js'
import { AdaptiveRate } from '../../base/adaptive-rate.js'
import type { StoreError } from '../object-store.js'

/** The fewest and the most downloads that may be in flight at a time. If they are equal, the number is constant. */
export interface DownloadBounds { readonly min: number, readonly max: number }

/** How many downloads are in flight before anything has been measured. */
const INITIAL = 64

/** How many downloads should wait, so that the next one starts as soon as one ends. */
const WAITING = 16

/** After this number of failed downloads in a row, all waiting downloads fail, and new ones fail at once for a pause of BREAK_MS milliseconds. */
const BREAK_AFTER = 50
const BREAK_MS = 1000
/** If this number of downloads in a row fails after the pause, the next pause begins. */
const PROBES = 5

/** A download in flight. `sentAt` is the time at which its request was sent, by `performance.now()`. */
export interface Download { sentAt: number }

/** Returns a function that returns the share of the time since its last call in which this thread was busy. */
function busyShare (): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}

interface Waiting { readonly resolve: (download: Download) => void, readonly reject: (error: StoreError) => void }

/**
 * Decides when each download of a store starts. The number in flight adapts to the store, and so does the number per second once the store refuses some.
 * Downloads start in the order in which they were requested, retries first. Other requests do not wait here.
 */
export class DownloadQueue {
  readonly #limit: AdaptiveLimit
  readonly #rate = new AdaptiveRate()
  readonly #waiting: Waiting[] = []
  #inFlight = 0
  #timer: NodeJS.Timeout | undefined
  #failedInARow = 0
  /** Until this time, by `performance.now()`, downloads fail at once with this error. */
  #broken: { readonly error: StoreError, readonly until: number } | undefined

  constructor ({ min, max }: DownloadBounds) {
    this.#limit = new AdaptiveLimit({ min: Math.min(min, max), max, initial: Math.min(max, Math.max(min, INITIAL)) }, busyShare())
  }

  /** How many downloads are useful at a time: those that may be in flight, and some that wait to start as soon as one ends. */
  get useful (): number {
    return this.#limit.current + WAITING
  }

  /** Waits until a download may start. `succeeded`, `refused` or `failed` must be called when it has ended. @throws StoreError if too many downloads in a row have failed */
  start (isRetry = false): Download | Promise<Download> {
    const now = performance.now()
    if (this.#broken !== undefined && now < this.#broken.until) throw this.#broken.error
    if (this.#waiting.length === 0 && this.#isFree(now)) return this.#begin(now)
    return new Promise((resolve, reject) => {
      this.#waiting[isRetry ? 'unshift' : 'push']({ resolve, reject })
      this.#startWaiting(now)
    })
  }

  /** Must be called when the store has sent what was requested, or an error that is not a sign of overload. */
  succeeded ({ sentAt }: Download): void {
    const now = performance.now()
    this.#failedInARow = 0
    this.#rate.accepted(now)
    this.#limit.succeeded(sentAt, now, this.#waiting.length > 0 && this.#rate.delay(now) === 0)
    this.#end(now)
  }

  /** Must be called when the store has refused the request because there were too many. */
  refused ({ sentAt }: Download, error: StoreError): void {
    const now = performance.now()
    if (this.#rate.refused(sentAt, now)) this.#fail(error, now)
    else this.#end(now)
  }

  /** Must be called when the connection or the server has failed, or the response took too long. */
  failed ({ sentAt }: Download, error: StoreError): void {
    const now = performance.now()
    this.#limit.failed(sentAt, now)
    this.#fail(error, now)
  }

  close (): void {
    clearTimeout(this.#timer)
  }

  #isFree (now: number): boolean {
    return this.#inFlight < this.#limit.current && this.#rate.delay(now) === 0
  }

  #begin (now: number): Download {
    if (this.#inFlight++ === 0) this.#limit.began(now)
    this.#rate.sent(now)
    return { sentAt: now }
  }

  #fail (error: StoreError, now: number): void {
    if (++this.#failedInARow >= BREAK_AFTER) {
      this.#broken = { error, until: now + BREAK_MS }
      this.#failedInARow -= PROBES
      for (const { reject } of this.#waiting.splice(0)) reject(error)
    }
    this.#end(now)
  }

  #end (now: number): void {
    this.#inFlight--
    this.#startWaiting(now)
  }

  #startWaiting (now: number): void {
    while (this.#waiting.length > 0 && this.#isFree(now)) this.#waiting.shift()!.resolve(this.#begin(now))
    if (this.#waiting.length === 0 || this.#inFlight >= this.#limit.current) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#startWaiting(performance.now())
    }, this.#rate.delay(now))
  }
}
