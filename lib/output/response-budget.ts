import type { MonotonicClock } from '../base/clock.js'
import { OverloadedError } from '../base/errors.js'

/** The connection of a response without progress for this number of milliseconds may be closed. */
const STALLED_MS = 5000

/** The memory that the budget counts for one response. */
export interface Reservation {
  /** Sets the number of bytes. Each call counts as progress of the response. */
  set (bytes: number): void
  /** Releases the memory. A second call has no effect. */
  release (): void
}

interface Entry {
  bytes: number
  changedAt: number
  readonly cut: () => void
}

/** Limits the bytes that stay in memory only because clients have not read their responses yet. */
export class ResponseBudget {
  readonly #maxBytes: number
  readonly #clock: MonotonicClock
  /** The reservations; the ones without progress for the longest time come first. */
  readonly #entries = new Set<Entry>()
  #bytes = 0

  constructor (maxBytes: number, clock: MonotonicClock) {
    this.#maxBytes = maxBytes
    this.#clock = clock
  }

  /** The bytes of all reservations. */
  get bytes (): number {
    return this.#bytes
  }

  /**
   * Makes room for one more response: if the limit is reached, closes the connections of stalled responses until it is not.
   *
   * @throws {OverloadedError} if the limit is reached although no response has stalled
   */
  admit (): void {
    for (const entry of this.#entries) {
      if (this.#bytes < this.#maxBytes || this.#clock() - entry.changedAt < STALLED_MS) break
      this.#delete(entry)
      entry.cut()
    }
    if (this.#bytes >= this.#maxBytes) throw new OverloadedError('Responses that clients have not read yet take all of the memory for responses')
  }

  /** Begins to count the memory of a response, from 0 bytes. `cut` closes its connection. */
  reserve (cut: () => void): Reservation {
    const entry: Entry = { bytes: 0, changedAt: this.#clock(), cut }
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
