import { AdaptiveLimit } from '../../base/adaptive-limit.js'
import { AdaptiveRate } from '../../base/adaptive-rate.js'
import type { StoreError } from '../object-store.js'

/** The bounds of the number of downloads in flight that `DownloadQueue` chooses. If they are equal, the number is constant. */
export interface DownloadBounds { readonly min: number, readonly max: number }

/** How many downloads are in flight before anything has been measured. */
export const INITIAL_DOWNLOADS = 128

/** How many downloads should wait, so that the next one starts as soon as one ends. */
const WAITING = 16

/**
 * After this number of failed downloads in a row, no download starts for a pause: as many milliseconds as the store requests, from PAUSE_MS to MAX_PAUSE_MS. Then
 * PROBES are in flight at a time until one succeeds.
 */
const PAUSE_AFTER = 50
const PAUSE_MS = 1000
const MAX_PAUSE_MS = 5000
const PROBES = 5
/** After this number of pauses without a success in between, the downloads that wait fail, and new ones fail at once for a further pause. */
const MAX_PAUSES = 3

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
  /** The number of pauses since the last success, and the end of the last one, by `performance.now()`. */
  #pauses = 0
  #pausedUntil = -Infinity
  /** Until the end of the pause, downloads fail at once with this error. */
  #outage: StoreError | undefined

  constructor ({ min, max }: DownloadBounds) {
    this.#limit = new AdaptiveLimit({ min: Math.min(min, max), max, initial: Math.min(max, Math.max(min, INITIAL_DOWNLOADS)) }, busyShare())
  }

  /** How many downloads are useful at a time: those that may be in flight, and some that wait to start as soon as one ends. */
  get useful (): number {
    return this.#limit.current + WAITING
  }

  /** Waits until a download may start. `succeeded`, `refused` or `failed` must be called when it has ended. @throws StoreError if the store fails all downloads for some time */
  start (isRetry = false): Download | Promise<Download> {
    const now = performance.now()
    if (this.#outage !== undefined && now < this.#pausedUntil) throw this.#outage
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
    this.#pauses = 0
    this.#rate.accepted(now)
    this.#limit.succeeded(sentAt, now, this.#waiting.length > 0 && this.#rate.delay(now) === 0)
    this.#end(now)
  }

  /**
   * Must be called when the store has refused the request because there were too many.
   *
   * @param retryAfterMs the pause that the store requests. It counts only if all downloads fail: otherwise the rate adapts, and some stores always request a minute
   */
  refused ({ sentAt }: Download, error: StoreError, retryAfterMs = 0): void {
    const now = performance.now()
    if (this.#rate.refused(sentAt, now)) this.#fail(error, sentAt, now, retryAfterMs)
    else this.#end(now)
  }

  /** Must be called when the connection or the server has failed, or the response took too long. */
  failed ({ sentAt }: Download, error: StoreError, retryAfterMs = 0): void {
    const now = performance.now()
    this.#limit.failed(sentAt, now)
    this.#fail(error, sentAt, now, retryAfterMs)
  }

  close (): void {
    clearTimeout(this.#timer)
  }

  #isFree (now: number): boolean {
    return now >= this.#pausedUntil && this.#inFlight < this.#allowed && this.#rate.delay(now) === 0
  }

  get #allowed (): number {
    return this.#pauses === 0 ? this.#limit.current : Math.min(PROBES, this.#limit.current)
  }

  #begin (now: number): Download {
    if (this.#inFlight++ === 0) this.#limit.began(now)
    this.#rate.sent(now)
    return { sentAt: now }
  }

  /** A failure of a download that was sent before the last pause is no reason for another one. */
  #fail (error: StoreError, sentAt: number, now: number, retryAfterMs: number): void {
    if (sentAt >= this.#pausedUntil && ++this.#failedInARow >= PAUSE_AFTER) this.#pause(error, now, Math.max(PAUSE_MS, Math.min(retryAfterMs, MAX_PAUSE_MS)))
    this.#end(now)
  }

  #pause (error: StoreError, now: number, ms: number): void {
    this.#pauses++
    this.#pausedUntil = now + ms
    // If the probes fail as well, the next pause begins.
    this.#failedInARow -= PROBES
    this.#outage = this.#pauses > MAX_PAUSES ? error : undefined
    if (this.#outage !== undefined) for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  #end (now: number): void {
    this.#inFlight--
    this.#startWaiting(now)
  }

  #startWaiting (now: number): void {
    while (this.#waiting.length > 0 && this.#isFree(now)) this.#waiting.shift()!.resolve(this.#begin(now))
    if (this.#waiting.length === 0 || this.#inFlight >= this.#allowed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#startWaiting(performance.now())
    }, Math.max(this.#pausedUntil - now, this.#rate.delay(now)))
  }
}
