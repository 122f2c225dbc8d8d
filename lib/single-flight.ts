/** Runs one piece of work at a time and lets callers share it. */
export class SingleFlight<T> {
  readonly #work: () => Promise<T>
  #running: Promise<T> | undefined
  #next: Promise<T> | undefined

  constructor (work: () => Promise<T>) {
    this.#work = work
  }

  get isRunning (): boolean {
    return this.#running !== undefined
  }

  /** The run that is under way, or else a new one. */
  join (): Promise<T> {
    return this.#running ?? this.#next ?? this.#start()
  }

  /** A run that starts after this call; all who wait for the same one share it. */
  fresh (): Promise<T> {
    if (this.#running === undefined) return this.#next ?? this.#start()
    this.#next ??= this.#running.then(() => this.#start(), () => this.#start())
    return this.#next
  }

  #start (): Promise<T> {
    this.#next = undefined
    const run = this.#work().finally(() => { this.#running = undefined })
    this.#running = run
    return run
  }
}
