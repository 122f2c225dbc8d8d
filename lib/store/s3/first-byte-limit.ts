/** The default of the minimum, in milliseconds. */
const MIN_MS = 2000
/** The maximum is this multiple of the minimum. */
const MAX_GROWTH = 4

/**
 * How long a request waits for the first byte of its response. Small responses usually begin within milliseconds, so a request is soon sent again if its
 * connection or server is silent; each timeout doubles the limit of the next request, for a store that is slow. A response that begins in a quarter of the
 * limit halves it.
 */
export class FirstByteLimit {
  readonly #minMs: number
  #ms: number

  /** @param minMs the limit at first. Default: 2 s, so that the maximum is 8 s */
  constructor (minMs = MIN_MS) {
    this.#minMs = minMs
    this.#ms = minMs
  }

  /** Milliseconds. */
  get ms (): number {
    return this.#ms
  }

  /** @param afterMs the time from the request to the first byte of its response */
  responseBegan (afterMs: number): void {
    if (afterMs < this.#ms / 4) this.#ms = Math.max(this.#minMs, this.#ms / 2)
  }

  /** @param limitMs the limit of the request that got no response */
  timedOut (limitMs: number): void {
    this.#ms = Math.max(this.#ms, Math.min(MAX_GROWTH * this.#minMs, 2 * limitMs))
  }
}

/** The limits for one store: its listings are slower than its objects. */
export interface FirstByteLimits { readonly listings: FirstByteLimit, readonly objects: FirstByteLimit }

export function firstByteLimits (minMs?: number): FirstByteLimits {
  return { listings: new FirstByteLimit(minMs), objects: new FirstByteLimit(minMs) }
}
