/** The time that an operation has, whatever it waits for: connections, answers, bodies, pauses between attempts. */
export class Deadline {
  readonly #controller = new AbortController()
  #end: number
  #timer: NodeJS.Timeout | undefined

  constructor (ms: number) {
    this.#end = performance.now()
    this.extend(ms)
  }

  get signal (): AbortSignal {
    return this.#controller.signal
  }

  /** Allows for more, once it is known how much there is to transfer. */
  extend (ms: number): void {
    this.#end += ms
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#controller.abort(), this.#end - performance.now())
  }

  clear (): void {
    clearTimeout(this.#timer)
  }
}

/** Milliseconds to allow for so many bytes: at 1 MiB/s, a slower transfer counts as stalled. */
export function transferMs (bytes = 0): number {
  return bytes / 1024 / 1024 * 1000
}
