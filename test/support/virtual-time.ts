import { setImmediate } from 'node:timers/promises'
import type { Timer } from '../../lib/base/timer.js'

/** Time that passes only when a test advances it. */
export class VirtualTime {
  #now = 0
  readonly #tasks = new Set<{ readonly at: number, readonly task: () => void }>()

  /** Milliseconds since the start. */
  readonly clock = (): number => this.#now

  readonly timer: Timer = (ms, task) => {
    const entry = { at: this.#now + ms, task }
    this.#tasks.add(entry)
    return () => this.#tasks.delete(entry)
  }

  sleep (ms: number): Promise<void> {
    return new Promise((resolve) => { this.timer(ms, resolve) })
  }

  /** Advances the time, and calls what is due in order of time. After each call, all promises that can settle have settled. */
  async advance (ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      await setImmediate()
      let next: { readonly at: number, readonly task: () => void } | undefined
      for (const entry of this.#tasks) if (entry.at <= end && (next === undefined || entry.at < next.at)) next = entry
      if (next === undefined) break
      this.#tasks.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.task()
    }
    this.#now = end
  }
}

/** A pause without a duration, for tests that require refreshes soon after each other. */
export const noPause = async (): Promise<void> => {}
