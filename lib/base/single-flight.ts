/** Runs one piece of work at a time and lets callers share it. */
export class SingleFlight<T> {
  readonly #work: (fresh: boolean) => Promise<T>
  #running: Promise<T> | undefined
  #next: Promise<T> | undefined

  /** @param work told whether somebody asked for a run of its own */
  constructor (work: (fresh: boolean) => Promise<T>) {
    this.#work = work
  }

  get isRunning (): boolean {
    return this.#running !== undefined
  }

  /** The run that is under way, or else a new one. */
  join (): Promise<T> {
    return this.#running ?? this.#next ?? this.#start(false)
  }

  /** A run that starts after this call; all who wait for the same one share it. */
  fresh (): Promise<T> {
    if (this.#running === undefined) return this.#next ?? this.#start(true)
    this.#next ??= this.#running.then(() => this.#start(true), () => this.#start(true))
    return this.#next
  }

  #start (fresh: boolean): Promise<T> {
    this.#next = undefined
    const run = this.#work(fresh).finally(() => { this.#running = undefined })
    this.#running = run
    return run
  }
}
