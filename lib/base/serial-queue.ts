/** Runs asynchronous work one piece at a time, in the order of the calls. */
export class SerialQueue {
  /** Fulfilled when all work that was added so far has ended. */
  #ended: Promise<unknown> = Promise.resolve()

  /** Runs the work after all earlier work has ended. Returns its outcome, which has no effect on later work. */
  run<T> (work: () => Promise<T>): Promise<T> {
    const result = this.#ended.then(work)
    this.#ended = result.catch(() => {})
    return result
  }
}
