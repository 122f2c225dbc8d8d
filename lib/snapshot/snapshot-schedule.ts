import type { MonotonicClock } from '../base/clock.js'
import type { SourceState } from '../source/source-state.js'

/** The minimum time from the start of a write to the next one by `offer`, in milliseconds. */
const MIN_INTERVAL_MS = 60_000

/** What a `SnapshotSchedule` depends on. */
export interface SnapshotScheduleOptions {
  /** Returns `false`, without having written anything, if another replica writes the snapshot. */
  readonly save: (state: SourceState) => Promise<boolean>
  readonly clock: MonotonicClock
  /** Called after each write, with the error if it failed. The only consequence of a failure is that the next start takes longer. */
  readonly onEnd?: ((error?: unknown) => void) | undefined
}

/** Decides when the snapshot is written: at most once a minute, and at shutdown, in both cases only if the state has changed or its last write has failed. */
export class SnapshotSchedule {
  readonly #options: SnapshotScheduleOptions
  /** The name of the state that was written last, or is being written; `undefined` if that write has failed. */
  #savedName: string | undefined
  /** When that write began. */
  #savedAt = -Infinity
  #saving: Promise<void> = Promise.resolve()

  constructor (options: SnapshotScheduleOptions) {
    this.#options = options
  }

  /** Starts to write the state, unless it is written already or being written, or the last write began less than a minute ago. */
  offer (state: SourceState): void {
    if (this.#options.clock() - this.#savedAt >= MIN_INTERVAL_MS) this.#save(state)
  }

  /** Writes the state, unless it is written already or being written, and waits for all writes. */
  async flush (state: SourceState): Promise<void> {
    this.#save(state)
    await this.#saving
  }

  /** Waits for all writes. */
  async settle (): Promise<void> {
    await this.#saving
  }

  #save (state: SourceState): void {
    if (state.name === this.#savedName) return
    const { save, clock, onEnd = () => {} } = this.#options
    this.#savedName = state.name
    this.#savedAt = clock()
    this.#saving = this.#saving.then(() => save(state)).then((isSaved) => {
      if (isSaved) return onEnd()
      // At once: this replica may be the one that writes the snapshot next time.
      this.#forget(state, -Infinity)
    }, (error: unknown) => {
      this.#forget(state, this.#savedAt)
      onEnd(error)
    })
  }

  /** Makes a state that was not written due again, as if the last write had begun at `savedAt`. */
  #forget ({ name }: SourceState, savedAt: number): void {
    if (name !== this.#savedName) return
    this.#savedName = undefined
    this.#savedAt = savedAt
  }
}
