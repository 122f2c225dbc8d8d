import type { Timers } from '../../plugins/scheduler.js'

/** The timers of the scheduler, controlled by the test. */
export class TestTimers implements Timers {
  /** The pauses that have begun, in order. */
  readonly pauses: { readonly ms: number, readonly end: () => void }[] = []
  #task: (() => Promise<void>) | undefined
  /** The interval at which the scheduler has requested jobs, in milliseconds. */
  intervalMs: number | undefined

  every (ms: number, task: () => Promise<void>): void {
    this.intervalMs = ms
    this.#task = task
  }

  pause (ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason))
      this.pauses.push({ ms, end: resolve })
    })
  }

  /** Lets one interval pass. Settles when its task has ended. */
  async tick (): Promise<void> {
    await this.#task!()
  }
}
