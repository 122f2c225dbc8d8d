import type { MonotonicClock } from '../lib/base/clock.js'

/** Where progress is shown; a terminal says that it is one. */
export interface Screen {
  readonly isTTY?: boolean
  write (text: string): unknown
}

const WIDTH = 30
const REDRAW_MS = 100
const PLAIN_LINE_MS = 5000

/** Tells how far a known number of steps has come: a bar on a terminal, elsewhere a line every few seconds. */
export class Progress {
  readonly #total: number
  readonly #screen: Screen
  readonly #clock: MonotonicClock
  readonly #start: number
  #shown: number
  #done = 0

  constructor (total: number, screen: Screen, clock: MonotonicClock) {
    this.#total = total
    this.#screen = screen
    this.#clock = clock
    this.#start = this.#shown = clock()
  }

  /** One more is done. Bound, to be handed on. */
  readonly step = (): void => {
    this.#done++
    const now = this.#clock()
    if (now - this.#shown >= (this.#screen.isTTY ? REDRAW_MS : PLAIN_LINE_MS)) this.#show(now)
  }

  /** The last word, also where not all is done. */
  end (): void {
    this.#show(this.#clock())
    if (this.#screen.isTTY) this.#screen.write('\n')
  }

  #show (now: number): void {
    this.#shown = now
    this.#screen.write(this.#screen.isTTY ? `\r${this.#bar()} ${this.#figures(now)}\x1b[K` : `${this.#figures(now)}\n`)
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
