/**
 * Runs `work` on every item, in order, with at most `limit` items at a time. After a failure no further item is started. Rejects with the
 * first failure once all running work has ended.
 */
export async function forEachConcurrently<T> (
  items: Iterable<T>, limit: number, work: (item: T) => Promise<void>
): Promise<void> {
  const queue = items[Symbol.iterator]()
  let failure: { error: unknown } | undefined
  const worker = async () => {
    for (let next = queue.next(); !next.done && failure === undefined; next = queue.next()) {
      try {
        await work(next.value)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, worker))
  if (failure !== undefined) throw failure.error
}
