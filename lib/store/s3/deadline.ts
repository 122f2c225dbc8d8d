/** The time limit of an operation, including connections, responses, bodies and pauses between attempts. */
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

  /** Allows `ms` more milliseconds, once the size of the transfer is known. */
  extend (ms: number): void {
    this.#end += ms
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#controller.abort(), this.#end - performance.now())
  }

  clear (): void {
    clearTimeout(this.#timer)
  }
}

/** The milliseconds in which a transfer of that many bytes has to be complete: one that is slower than 1 MiB/s counts as stalled. */
export function transferMs (bytes = 0): number {
  return bytes / 1024 / 1024 * 1000
}
