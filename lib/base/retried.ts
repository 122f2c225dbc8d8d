/** Runs `work` at the first call; later calls get its result. After a failure, the next call runs it again. `result`: that of the last run that has not failed. */
export function retried<T> (work: () => Promise<T>): (() => Promise<T>) & { readonly result: Promise<T> | undefined } {
  let result: Promise<T> | undefined
  const run = () => {
    if (result === undefined) {
      const started = work()
      result = started
      started.catch(() => { result = undefined })
    }
    return result
  }
  return Object.defineProperty(run, 'result', { get: () => result }) as ReturnType<typeof retried<T>>
}
