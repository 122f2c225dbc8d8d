/** The same values, each of them made by `run`, which decides when. */
export async function * paced<T> (values: AsyncIterable<T>, run: <R>(work: () => Promise<R>) => Promise<R>): AsyncGenerator<T> {
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

/** The same values; the event loop handles everything else before each of them. */
export function yielding<T> (values: AsyncIterable<T>): AsyncGenerator<T> {
  return paced(values, async (work) => {
    await new Promise((resolve) => setImmediate(resolve))
    return await work()
  })
}
