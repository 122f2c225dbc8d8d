import { setImmediate } from 'node:timers/promises'

interface Event { readonly at: number, readonly number: number, readonly task: () => void }

/** The work of an event counts as ended after this number of consecutive turns of the event loop in which no event was scheduled. */
const IDLE_TURNS = 6

/** Virtual time: events in the order of their times and, at the same time, in the order in which they were scheduled. Work takes no time. */
export class Timeline {
  /** Milliseconds since the start. */
  now = 0
  /** In descending order of their times: the next event is the last element. */
  readonly #events: Event[] = []
  #count = 0

  /** Calls `task` after `ms` milliseconds. Returns a function that cancels this. */
  readonly schedule = (ms: number, task: () => void): (() => void) => {
    const event = { at: this.now + Math.max(0, ms), number: this.#count++, task }
    let i = this.#events.length
    while (i > 0 && this.#events[i - 1]!.at <= event.at) i--
    this.#events.splice(i, 0, event)
    return () => {
      const index = this.#events.indexOf(event)
      if (index !== -1) this.#events.splice(index, 1)
    }
  }

  readonly sleep = (ms: number): Promise<void> => new Promise((resolve) => { this.schedule(ms, resolve) })

  /** Runs the events up to a time. Before each event, all promises that can settle have settled. */
  async runUntil (end: number): Promise<void> {
    for (;;) {
      await this.#settle()
      const next = this.#events.at(-1)
      if (next === undefined || next.at > end) break
      this.#events.pop()
      this.now = next.at
      next.task()
    }
    this.now = end
  }

  async #settle (): Promise<void> {
    for (let idleTurns = 0; idleTurns < IDLE_TURNS;) {
      const count = this.#count
      await setImmediate()
      idleTurns = this.#count === count ? idleTurns + 1 : 0
    }
  }
}
