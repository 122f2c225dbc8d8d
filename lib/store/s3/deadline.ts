/** The time limit of a whole operation: it includes connecting, responses, bodies and the pauses between attempts. */
export class Deadline {
  readonly #controller = new AbortController()
  #end: number
  #timer: NodeJS.Timeout | undefined
  #isCleared = false

  /** @param ms the limit in milliseconds from now */
  constructor (ms: number) {
    this.#end = performance.now()
    this.extend(ms)
  }

  /** Aborted when the time limit is exceeded. */
  get signal (): AbortSignal {
    return this.#controller.signal
  }

  /** Adds `ms` milliseconds to the limit: for a transfer, once its size is known. */
  extend (ms: number): void {
    if (this.#isCleared) return
    this.#end += ms
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#controller.abort(), this.#end - performance.now())
  }

  /** Runs work that is not part of the operation: the time that it takes is not counted. */
  async exclude<T> (work: () => Promise<T>): Promise<T> {
    const began = performance.now()
    clearTimeout(this.#timer)
    try {
      return await work()
    } finally {
      this.extend(performance.now() - began)
    }
  }

  /** Must be called when the operation has ended, to stop the timer. */
  clear (): void {
    this.#isCleared = true
    clearTimeout(this.#timer)
  }
}

/** The milliseconds in which a transfer of this number of bytes must be complete. A transfer that is slower than 1 MiB/s is treated as stalled. */
export function transferMs (bytes = 0): number {
  return bytes / 1024 / 1024 * 1000
}
