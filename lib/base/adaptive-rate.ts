/** The rate after a refusal, as a share of the peak. */
const BACKOFF = 0.8
/**
 * A refusal after the first one does not reduce the peak below this share of the former peak, even if fewer requests were accepted, because the thread may
 * have been too busy to send more.
 */
const MIN_SHARE = 0.7
/** Milliseconds in which the rate grows back to the peak. */
const RECOVERY_MS = 1000
/** The minimum rate, in requests a second. */
const MIN_RATE = 50
/** Without a refusal for this time, in milliseconds, the rate is unlimited. */
const FORGET_MS = 30_000
/** The rate of accepted requests is measured over at least this number of milliseconds and, if possible, over a second. */
const MIN_MEASURED_MS = 100
/** If the thread was too busy to send requests in time, it catches up on those of at most this number of milliseconds. */
const CATCH_UP_MS = 20

/**
 * Finds how many requests a second a store accepts, once it refuses some. Until then the rate is unlimited. After a refusal the rate becomes 0.8 of what
 * the store accepted in the last second. It then grows as in TCP CUBIC (RFC 9438), which the adaptive mode of the AWS SDKs uses for the same purpose:
 * back to the peak within a second, slowly near it, then ever faster.
 *
 * A pure state machine: all times are arguments, in milliseconds of a monotonic clock.
 */
export class AdaptiveRate {
  readonly #accepted = new LastSecond()
  /** The rate that the store is believed to accept, in requests a second: what it accepted in the second before the last refusal, within bounds. */
  #peak = Infinity
  /** The number of requests that were accepted since the rate was reduced. */
  #acceptedSince = 0
  /** When the rate was reduced. Refusals of requests that were sent earlier are ignored, because they were sent at the old rate. */
  #reducedAt = -Infinity
  /** When the next request may be sent. */
  #next = -Infinity

  /** The milliseconds until the next request may be sent; 0 if it may be sent now. */
  delay (now: number): number {
    return this.#peak === Infinity ? 0 : Math.max(0, this.#next - now)
  }

  /** How many requests a second may be sent; Infinity if the rate is unlimited. */
  rate (now: number): number {
    if (now - this.#reducedAt > FORGET_MS) this.#peak = Infinity
    const time = (now - this.#reducedAt) / RECOVERY_MS - 1
    return Math.max(MIN_RATE, this.#peak * (1 + (1 - BACKOFF) * time ** 3))
  }

  sent (now: number): void {
    if (this.#peak !== Infinity) this.#next = Math.max(this.#next, now - CATCH_UP_MS) + 1000 / this.rate(now)
  }

  /** A request was not refused: the store has sent what was requested, or an error that is not a sign of overload. */
  accepted (now: number): void {
    this.#accepted.add(now)
    this.#acceptedSince++
  }

  /** A request was refused because there were too many. Returns false if it was sent before the rate was reduced; such a refusal is ignored. */
  refused (sentAt: number, now: number): boolean {
    if (sentAt < this.#reducedAt) return false
    const accepted = this.#acceptedRate(now)
    const peak = this.#peak === Infinity ? accepted : Math.min(this.rate(now), Math.max(accepted, this.#peak * MIN_SHARE))
    // A peak of 0, after a second in which everything was refused, would never grow.
    this.#peak = Math.max(MIN_RATE, peak)
    this.#reducedAt = now
    this.#acceptedSince = 0
    this.#next = now + 1000 / this.rate(now)
    return true
  }

  /**
   * How many requests a second the store accepts. After a recent refusal, only what it has accepted since then counts: before, it may have accepted more for
   * a moment, as a token bucket does.
   */
  #acceptedRate (now: number): number {
    const elapsedMs = now - this.#reducedAt
    return elapsedMs >= MIN_MEASURED_MS && elapsedMs < 1000 ? this.#acceptedSince * 1000 / elapsedMs : this.#accepted.count(now)
  }
}

const SLOTS = 10
const SLOT_MS = 1000 / SLOTS

/** Counts the events of the last second, with an error of up to one slot. */
class LastSecond {
  readonly #counts = new Float64Array(SLOTS)
  #slot = 0

  add (now: number): void {
    this.#advance(now)
    this.#counts[this.#slot % SLOTS]!++
  }

  count (now: number): number {
    this.#advance(now)
    return this.#counts.reduce((sum, count) => sum + count)
  }

  #advance (now: number): void {
    const slot = Math.floor(now / SLOT_MS)
    for (let i = Math.max(this.#slot, slot - SLOTS) + 1; i <= slot; i++) this.#counts[i % SLOTS] = 0
    this.#slot = slot
  }
}
