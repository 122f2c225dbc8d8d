import type { MonotonicClock } from '../base/clock.js'
import type { SourceState } from '../source/source-state.js'

/** A snapshot is written no sooner after the last one. Milliseconds. */
const PAUSE_MS = 60_000

export interface SnapshotScheduleOptions {
  readonly save: (state: SourceState) => Promise<void>
  readonly clock: MonotonicClock
  /** Told of failures, which cost a slower start and nothing else. */
  readonly onFailure?: ((error: unknown) => void) | undefined
}

/** Decides when a snapshot is worth being written: where something has changed, at most once a minute and at the end. */
export class SnapshotSchedule {
  readonly #options: SnapshotScheduleOptions
  #savedName: string | undefined
  #savedAt = -Infinity
  #saving: Promise<void> = Promise.resolve()

  constructor (options: SnapshotScheduleOptions) {
    this.#options = options
  }

  /** Writes the state unless it is written already, or the last one has been written within a minute. Does not wait for it. */
  offer (state: SourceState): void {
    if (this.#options.clock() - this.#savedAt >= PAUSE_MS) this.#save(state)
  }

  /** Writes the state unless it is written already; waits for that and for all that is being written. */
  async flush (state: SourceState): Promise<void> {
    this.#save(state)
    await this.#saving
  }

  /** Waits for what is being written. */
  async settle (): Promise<void> {
    await this.#saving
  }

  #save (state: SourceState): void {
    if (state.name === this.#savedName) return
    const { save, clock, onFailure = () => {} } = this.#options
    this.#savedName = state.name
    this.#savedAt = clock()
    this.#saving = this.#saving.then(() => save(state)).catch(onFailure)
  }
}
