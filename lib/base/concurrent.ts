/** Limits the items that `forEachConcurrently` works on at a time by their weights, in addition to their number. */
export interface WeightLimit<T> {
  readonly weigh: (item: T) => number
  /** The greatest total weight of the items that are worked on at a time. An item that weighs more is worked on alone. */
  readonly maxWeight: number
}

/**
 * Runs `work` on every item, in order, on at most `limit` items at a time. A limit that changes is a function, which is called before each start of an item.
 * After a failure, also one of `items` or `weigh`, no further item is started. Rejects with the first failure once all running work has ended.
 */
export async function forEachConcurrently<T> (
  items: Iterable<T>, limit: number | (() => number), work: (item: T) => Promise<void>, { weigh, maxWeight }: WeightLimit<T> = { weigh: () => 0, maxWeight: Infinity }
): Promise<void> {
  const currentLimit = typeof limit === 'number' ? () => limit : limit
  const queue = items[Symbol.iterator]()
  let next = queue.next()
  let running = 0
  let weight = 0
  let failure: { error: unknown } | undefined
  await new Promise<void>((resolve) => {
    const run = async (item: T, itemWeight: number): Promise<void> => {
      running++
      weight += itemWeight
      try {
        await work(item)
      } catch (error) {
        failure ??= { error }
      }
      running--
      weight -= itemWeight
      startMore()
    }
    const isRunnable = () => failure === undefined && running < currentLimit()
    const startMore = () => {
      try {
        while (isRunnable() && !next.done) {
          const itemWeight = weigh(next.value)
          if (running > 0 && weight + itemWeight > maxWeight) return
          const item = next.value
          next = queue.next()
          run(item, itemWeight)
        }
      } catch (error) {
        failure ??= { error }
      }
      if (running === 0) resolve()
    }
    startMore()
  })
  if (failure !== undefined) throw failure.error
}
