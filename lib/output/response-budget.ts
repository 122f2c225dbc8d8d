import type { MonotonicClock } from '../base/clock.js'
import { OverloadedError } from '../base/errors.js'

/** A response without progress for this time may be cut, in milliseconds. */
const STALLED_MS = 5000

/** The memory of one response. */
export interface Hold {
  /** Sets how many bytes it is. Each call is progress. */
  set (bytes: number): void
  /** Releases the memory. A second call has no effect. */
  release (): void
}

interface Entry {
  bytes: number
  changedAt: number
  readonly cut: () => void
}

/** A limit on the bytes that only responses hold, until their clients have read them. */
export class ResponseBudget {
  readonly #maxBytes: number
  readonly #clock: MonotonicClock
  /** Those without progress for the longest time come first. */
  readonly #entries = new Set<Entry>()
  #bytes = 0

  constructor (maxBytes: number, clock: MonotonicClock) {
    this.#maxBytes = maxBytes
    this.#clock = clock
  }

  /**
   * Makes room for one more response: cuts the slowest ones, if the limit is reached.
   *
   * @throws {OverloadedError} if the limit is reached although no response has stalled
   */
  admit (): void {
    for (const entry of this.#entries) {
      if (this.#bytes < this.#maxBytes || this.#clock() - entry.changedAt < STALLED_MS) break
      this.#delete(entry)
      entry.cut()
    }
    if (this.#bytes >= this.#maxBytes) throw new OverloadedError('Responses that clients have not read yet take all the memory that they may take')
  }

  /** Begins to count the memory of a response. `cut` closes its connection. */
  hold (cut: () => void): Hold {
    const entry: Entry = { bytes: 0, changedAt: 0, cut }
    this.#entries.add(entry)
    return {
      set: (bytes) => {
        if (!this.#entries.delete(entry)) return
        this.#bytes += bytes - entry.bytes
        entry.bytes = bytes
        entry.changedAt = this.#clock()
        this.#entries.add(entry)
      },
      release: () => this.#delete(entry)
    }
  }

  #delete (entry: Entry): void {
    if (this.#entries.delete(entry)) this.#bytes -= entry.bytes
  }
}
