import { setImmediate } from 'node:timers/promises'

/** Long work in steps of at most some milliseconds each. */
export type Steps<T> = Generator<undefined, T, undefined>

/** About this many rows are processed in one step. */
export const STEP_ROWS = 65_536

/** Ranges of at most STEP_ROWS rows, from 0 up to, not including, `length`; a step ends after each but the last one. */
export function * rowRanges (length: number, run: (from: number, to: number) => void): Steps<void> {
  for (let from = 0; from < length; from += STEP_ROWS) {
    if (from > 0) yield
    run(from, Math.min(from + STEP_ROWS, length))
  }
}

/** Does the work; the event loop handles everything else after each step. */
export async function runSteps<T> (steps: Steps<T>): Promise<T> {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    await setImmediate()
  }
}
