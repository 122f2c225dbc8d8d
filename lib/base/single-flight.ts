/** Runs an asynchronous function at most once at a time. Callers share the run and its outcome. */
export class SingleFlight<T> {
  readonly #work: (fresh: boolean) => Promise<T>
  #running: Promise<T> | undefined
  #next: Promise<T> | undefined

  /** @param work its argument is `true` if the run was requested by `fresh` */
  constructor (work: (fresh: boolean) => Promise<T>) {
    this.#work = work
  }

  get isRunning (): boolean {
    return this.#running !== undefined
  }

  /** Joins the current run, or starts one. */
  join (): Promise<T> {
    return this.#running ?? this.#next ?? this.#start(false)
  }

  /** Joins a run that starts after this call: at once, or when the current run has ended. Callers that wait for the next run share it. */
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
