import { monotonicNow, type MonotonicClock } from './clock.js'
import { systemTimer, type Timer } from './timer.js'

/** After this number of milliseconds without progress, callers no longer wait for a store. */
const MAX_SILENCE_MS = 15_000

/**
 * Waits for work that never rejects, as long as it makes progress. Resolves to `undefined` when MAX_SILENCE_MS have passed since the call and since the last progress.
 *
 * @param progressAt returns when the work last made progress, by `clock`; Infinity while it needs no limit
 */
export function unlessSilent<T> (work: Promise<T>, progressAt: () => number, { clock = monotonicNow, timer = systemTimer }: { readonly clock?: MonotonicClock, readonly timer?: Timer | undefined }): Promise<T | undefined> {
  const calledAt = clock()
  return new Promise((resolve) => {
    let cancel = () => {}
    const watch = () => {
      const remainingMs = Math.max(calledAt, progressAt()) + MAX_SILENCE_MS - clock()
      if (remainingMs <= 0) resolve(undefined)
      else cancel = timer(Math.min(remainingMs, MAX_SILENCE_MS), watch)
    }
    watch()
    work.then((result) => {
      cancel()
      resolve(result)
    })
  })
}
