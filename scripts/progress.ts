import type { MonotonicClock } from '../lib/base/clock.js'

/** Where progress is written. `isTTY` is true for a terminal. */
export interface Output {
  readonly isTTY?: boolean
  write (text: string): unknown
}

/** The width of the bar in characters. */
const WIDTH = 30
/** Milliseconds between two updates, on a terminal and elsewhere. */
const REDRAW_MS = 100
const PLAIN_LINE_MS = 5000

/** Shows how many of a known number of steps are done: by a bar on a terminal, otherwise by a line every five seconds. */
export class Progress {
  readonly #total: number
  readonly #output: Output
  readonly #clock: MonotonicClock
  readonly #start: number
  #shown: number
  #done = 0

  constructor (total: number, output: Output, clock: MonotonicClock) {
    this.#total = total
    this.#output = output
    this.#clock = clock
    this.#start = this.#shown = clock()
  }

  /** Counts one step. Bound, so that it can be passed as a callback. */
  readonly step = (): void => {
    this.#done++
    const now = this.#clock()
    if (now - this.#shown >= (this.#output.isTTY ? REDRAW_MS : PLAIN_LINE_MS)) this.#show(now)
  }

  /** Writes the final state, even if some steps are not done. */
  end (): void {
    this.#show(this.#clock())
    if (this.#output.isTTY) this.#output.write('\n')
  }

  #show (now: number): void {
    this.#shown = now
    this.#output.write(this.#output.isTTY ? `\r${this.#bar()} ${this.#figures(now)}\x1b[K` : `${this.#figures(now)}\n`)
  }

  #bar (): string {
    return '█'.repeat(Math.floor(WIDTH * this.#done / this.#total)).padEnd(WIDTH, '░')
  }

  #figures (now: number): string {
    const seconds = Math.max(now - this.#start, 1) / 1000
    const rate = this.#done / seconds
    const left = this.#total - this.#done
    const time = left > 0 && rate > 0 ? `${Math.ceil(left / rate)} s left` : `${Math.ceil(seconds)} s`
    return `${this.#done}/${this.#total}, ${Math.round(rate)}/s, ${time}`
  }
}
