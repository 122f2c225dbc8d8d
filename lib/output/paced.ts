/** The same values, each of them made after `pause`. */
export async function * paced<T> (values: AsyncIterable<T>, pause: () => Promise<void> | undefined): AsyncGenerator<T> {
  const iterator = values[Symbol.asyncIterator]()
  try {
    for (;;) {
      await pause()
      const { done, value } = await iterator.next()
      if (done) return
      yield value
    }
  } finally {
    await iterator.return?.()
  }
}
