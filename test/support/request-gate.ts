/** How far away a store is, and how much it serves. The defaults are those of a store without latency and limits. */
export interface StoreLimits {
  /** Milliseconds for which a request is served before it is executed. Infinity: it is never executed. */
  readonly latencyMs?: number | undefined
  /** How many requests are served at a time; the others wait in order of arrival. */
  readonly parallelism?: number | undefined
  /** Requests a second; those above are refused. Requests of one second, at least one request, may arrive at once. */
  readonly requestsPerSecond?: number | undefined
}

/** Decides when a request is executed. It has no queue and no timers: as all requests take the same time, it knows when each one begins. */
export class RequestGate {
  readonly #latencyMs: number
  readonly #requestsPerSecond: number
  readonly #burst: number
  readonly #now: () => number
  /** When the last `parallelism` requests are executed, as a ring; `undefined` if there is no limit. */
  readonly #ends: Float64Array | undefined
  #next = 0
  #tokens: number
  #filledAt: number

  /** @param now returns the milliseconds of a monotonic clock */
  constructor ({ latencyMs = 0, parallelism = Infinity, requestsPerSecond = Infinity }: StoreLimits, now = () => performance.now()) {
    this.#latencyMs = latencyMs
    this.#requestsPerSecond = requestsPerSecond
    this.#burst = Math.max(1, requestsPerSecond)
    this.#now = now
    this.#ends = parallelism === Infinity ? undefined : new Float64Array(parallelism)
    this.#tokens = this.#burst
    this.#filledAt = now()
  }

  /** The milliseconds after which a refusal is sent. */
  get latencyMs (): number {
    return this.#latencyMs
  }

  /** Admits a request that arrives now. Returns the milliseconds until it is executed; `undefined` if it is refused. */
  admit (): number | undefined {
    const now = this.#now()
    if (!this.#takeToken(now)) return undefined
    if (this.#ends === undefined) return this.#latencyMs
    const end = Math.max(now, this.#ends[this.#next]!) + this.#latencyMs
    this.#ends[this.#next] = end
    this.#next = (this.#next + 1) % this.#ends.length
    return end - now
  }

  #takeToken (now: number): boolean {
    if (this.#requestsPerSecond === Infinity) return true
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#requestsPerSecond / 1000)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
