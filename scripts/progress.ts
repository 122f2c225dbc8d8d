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

/** The words that follow the number of objects that a listing has returned. */
export function objectsListed (count: number): string {
  return count === 1 ? 'object listed' : 'objects listed'
}

/** Shows how many steps are done, and of how many, if that is known: by a bar on a terminal, otherwise by a line every five seconds. */
export class Progress {
  #total: number | undefined
  readonly #what: (done: number) => string
  readonly #output: Output
  readonly #clock: MonotonicClock
  readonly #start: number
  #shown: number
  #done = 0

  /** @param what the words that follow the number of steps; empty if they are obvious; a function of the number of steps that are done, if the words depend on it */
  constructor (total: number | undefined, output: Output, clock: MonotonicClock, what: string | ((done: number) => string) = '') {
    this.#total = total
    this.#what = typeof what === 'string' ? () => what : what
    this.#output = output
    this.#clock = clock
    this.#start = this.#shown = clock()
  }

  /** Counts one step. Bound, so that it can be passed as a callback. */
  readonly step = (): void => this.set(this.#done + 1)

  /** Sets the number of steps that are done and, if it has changed, of all steps. */
  set (done: number, total = this.#total): void {
    this.#done = done
    this.#total = total
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
    this.#output.write(this.#output.isTTY ? `\r${this.#bar()}${this.#figures(now)}\x1b[K` : `${this.#figures(now)}\n`)
  }

  #bar (): string {
    if (this.#total === undefined) return ''
    return '█'.repeat(Math.floor(WIDTH * this.#done / this.#total)).padEnd(WIDTH, '░') + ' '
  }

  #figures (now: number): string {
    const seconds = Math.max(now - this.#start, 1) / 1000
    const rate = this.#done / seconds
    const left = this.#total === undefined ? 0 : this.#total - this.#done
    const time = left > 0 && rate > 0 ? `${Math.ceil(left / rate)} s left` : `${Math.ceil(seconds)} s`
    const done = this.#total === undefined ? `${this.#done}` : `${this.#done}/${this.#total}`
    const what = this.#what(this.#done)
    return `${done}${what === '' ? '' : ` ${what}`}, ${rate > 0 && rate < 1 ? rate.toPrecision(2) : Math.round(rate)}/s, ${time}`
  }
}
