/** The bounds of an `AdaptiveLimit`. If all are equal, it is constant. */
export interface LimitBounds {
  /** The limit never goes below this because of latency; because of failures it goes down to 1. */
  readonly min: number
  readonly max: number
  /** The limit before anything has been measured. */
  readonly initial: number
}

/** Returns the share of the time since the last call in which this thread was busy, from 0 to 1. */
export type BusyShare = () => number

/** A thread that is busy for this share of the time is the bottleneck, so that more requests in flight would only wait for it. */
const BUSY = 0.95

/** A change of throughput by less than this factor does not justify more requests in flight. */
const GAIN = 1.1
/** The factor between a limit and the ones that are tried instead. */
const STEP = 2

/** A measurement or a warm-up has at least this number of requests and takes at least this number of milliseconds; shorter ones would be noise. */
const MIN_SAMPLES = 16
const MIN_ROUND_MS = 25

/** Fewer failures than the larger of this number and this share of the limit are attributed to single objects and not to the store. */
const MIN_FAILURES = 4
const FAILED_SHARE = 1 / 16

/** Milliseconds until other limits are tried again. The time doubles each time that the limit turns out to be the best one. */
const MIN_PAUSE_MS = 2000
const MAX_PAUSE_MS = 60_000

/** After this time without requests, in milliseconds, the store may have changed: a new Startup begins. */
const IDLE_MS = 10_000

/** A limit and the throughput that was measured with it, in requests per millisecond. */
interface Measured { readonly limit: number, readonly throughput: number }

/**
 * Finds how many requests should be in flight at a time: the fewest with which the throughput is within 10 % of the best. The limit starts at `initial` and is
 * doubled for as long as that helps (the Startup of TCP BBR). Then, at growing intervals, the double and the half of it are tried, each for a warm-up and a
 * measurement: the double is kept if its throughput is at least 10 % higher, the half if it is at most 10 % lower (as in the experiments of PCC, NSDI 2015).
 * Throughput follows from latency by Little's law: the requests in flight divided by their mean latency. As the estimates of the Startup are noisy, the step
 * that ends it is tried once more (BBR waits for three rounds without growth instead). If more than a few requests fail, the limit is halved. While this
 * thread is the bottleneck, the limit does not grow.
 *
 * A pure state machine: all times are arguments, in milliseconds of a monotonic clock.
 */
export class AdaptiveLimit {
  readonly #bounds: LimitBounds
  readonly #busyShare: BusyShare
  #limit: number
  /** When the current measurement or warm-up began. Requests that were sent before are not counted. */
  #since = -Infinity
  /** True until a larger limit turns out to be no better, the maximum is reached, or requests fail. Until then, a measurement begins at once when the limit has changed, without the warm-up. */
  #isStarting = true
  /** True before each measurement after the Startup, until half as many responses as the limit have arrived, but at least MIN_SAMPLES, in at least MIN_ROUND_MS; they are not measured. */
  #isWarmingUp = false
  /** Whether this thread was the bottleneck in the last measurement. */
  #isBusy = false
  #samples = 0
  #latencySum = 0
  #failures = 0
  /** The earlier limit with which the current one is compared; `undefined` while no other limit is tried. */
  #reference: Measured | undefined
  #direction: 'up' | 'down' = 'up'
  /** How many directions have been tried without success since the limit changed. */
  #rejected = 0
  #nextTrial = -Infinity
  #pauseMs = MIN_PAUSE_MS
  #lastUse = -Infinity

  constructor (bounds: LimitBounds, busyShare: BusyShare = () => 0) {
    this.#bounds = bounds
    this.#busyShare = busyShare
    this.#limit = bounds.initial
  }

  /** How many requests may be in flight. */
  get current (): number {
    return this.#limit
  }

  /** Must be called when a request is sent while no other one is in flight. */
  began (now: number): void {
    if (now - this.#lastUse > IDLE_MS) this.#start(now)
  }

  /** A request has succeeded. @param isFull whether requests were waiting, so that as many as the limit allows were in flight */
  succeeded (sentAt: number, now: number, isFull: boolean): void {
    this.#lastUse = now
    if (!isFull || sentAt < this.#since) return
    this.#samples++
    this.#latencySum += now - sentAt
    if (this.#samples < Math.max(MIN_SAMPLES, this.#roundSamples) || now - this.#since < MIN_ROUND_MS) return
    if (this.#isWarmingUp) this.#restart(now, false)
    else this.#endRound(now)
  }

  /** How many requests a measurement or a warm-up takes, if that is more than MIN_SAMPLES. */
  get #roundSamples (): number {
    // The fastest responses arrive first, so that the mean latency of the first ones is too low. In the Startup, two limits are therefore compared by the same share
    // of the requests that are sent at once when the limit grows: the faster half.
    if (this.#isStarting) return (this.#limit - (this.#reference?.limit ?? 0)) / 2
    return this.#isWarmingUp ? this.#limit / 2 : this.#limit
  }

  /** A request has failed in a way that suggests that the store is overloaded: its connection was lost, or it took too long. */
  failed (sentAt: number, now: number): void {
    this.#lastUse = now
    if (sentAt < this.#since || ++this.#failures < Math.max(MIN_FAILURES, this.#limit * FAILED_SHARE)) return
    this.#reference = undefined
    this.#isStarting = false
    this.#pauseMs = MIN_PAUSE_MS
    this.#scheduleTrial(now)
    this.#set(Math.max(this.#bounds.min === this.#bounds.max ? this.#bounds.min : 1, Math.floor(this.#limit / STEP)), now)
    this.#direction = 'up'
  }

  #start (now: number): void {
    this.#reference = undefined
    this.#direction = 'up'
    this.#rejected = 0
    this.#isStarting = true
    this.#nextTrial = now
    this.#pauseMs = MIN_PAUSE_MS
    this.#set(Math.min(this.#limit, this.#bounds.initial), now)
  }

  #endRound (now: number): void {
    // Little's law.
    const throughput = this.#limit / (this.#latencySum / this.#samples)
    const measured = { limit: this.#limit, throughput }
    this.#isBusy = this.#busyShare() >= BUSY
    if (this.#reference === undefined) {
      if (now >= this.#nextTrial) this.#try(measured, now)
      else this.#set(this.#limit, now)
    } else if (this.#direction === 'up' ? throughput >= this.#reference.throughput * GAIN : throughput * GAIN >= this.#reference.throughput) {
      this.#rejected = 0
      // The best throughput remains the reference, or many small losses would add up.
      this.#try(throughput > this.#reference.throughput ? measured : { limit: this.#limit, throughput: this.#reference.throughput }, now)
    } else {
      const { limit } = this.#reference
      // A Startup measures quickly. What ended it is tried again with longer measurements.
      if (this.#isStarting) this.#endStartup()
      else this.#reject(now)
      this.#set(limit, now)
    }
  }

  /** Tries the next limit in the current direction. */
  #try (reference: Measured, now: number): void {
    const next = this.#direction === 'up' ? Math.min(this.#bounds.max, this.#limit * STEP) : Math.max(this.#bounds.min, Math.ceil(this.#limit / STEP))
    if (this.#isStarting && this.#isBusy) {
      // At first a thread is often busy for a moment: it opens connections, and its code is not compiled yet. The growth only waits until that is over.
      this.#reference = undefined
      this.#set(this.#limit, now)
      return
    }
    const isPossible = this.#direction === 'up' ? next > this.#limit && !this.#isBusy : next < this.#limit
    if (isPossible) this.#reference = reference
    else this.#reject(now)
    this.#set(isPossible ? next : this.#limit, now)
  }

  #endStartup (): void {
    this.#reference = undefined
    this.#isStarting = false
  }

  /** Switches to the other direction. Pauses if both have been tried without success, or if the limit is the maximum, where no larger one can be tried. */
  #reject (now: number): void {
    this.#endStartup()
    this.#direction = this.#direction === 'up' ? 'down' : 'up'
    if (++this.#rejected >= 2 || this.#limit === this.#bounds.max) this.#scheduleTrial(now)
  }

  /** Keeps the limit until the next trial, after a pause that doubles each time. */
  #scheduleTrial (now: number): void {
    this.#rejected = 0
    this.#nextTrial = now + this.#pauseMs
    this.#pauseMs = Math.min(MAX_PAUSE_MS, this.#pauseMs * 2)
  }

  #set (limit: number, now: number): void {
    this.#limit = limit
    this.#restart(now, !this.#isStarting)
  }

  #restart (now: number, isWarmingUp: boolean): void {
    this.#isWarmingUp = isWarmingUp
    this.#since = now
    this.#samples = 0
    this.#latencySum = 0
    this.#failures = 0
  }
}
