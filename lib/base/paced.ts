/** Does work, and decides when. */
export type Pace = <T>(work: () => Promise<T>) => Promise<T>

/** Yields the elements of `values`, each of which is computed inside `run`. */
export async function * paced<T> (values: AsyncIterable<T>, run: Pace): AsyncGenerator<T> {
  const iterator = values[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await run(() => iterator.next())
      if (done) return
      yield value
    }
  } finally {
    await iterator.return?.()
  }
}

/** Yields the elements of `values`, each in a new turn of the event loop, so that other work is not delayed. */
export function yielding<T> (values: AsyncIterable<T>): AsyncGenerator<T> {
  return paced(values, async (work) => {
    await new Promise((resolve) => setImmediate(resolve))
    return await work()
  })
}
