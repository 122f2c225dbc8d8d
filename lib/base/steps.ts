import { setImmediate } from 'node:timers/promises'

/** Long-running work, divided into steps of a few milliseconds each. It yields after each step and returns its result. */
export type Steps<T> = Generator<undefined, T, undefined>

/** The maximum number of rows that are processed in one step. */
export const STEP_ROWS = 65_536

/** Calls `run` with consecutive ranges of at most STEP_ROWS rows, from 0 (inclusive) to `length` (exclusive). Yields between two ranges. */
export function * rowRanges (length: number, run: (from: number, to: number) => void): Steps<void> {
  for (let from = 0; from < length; from += STEP_ROWS) {
    if (from > 0) yield
    run(from, Math.min(from + STEP_ROWS, length))
  }
}

/** Runs the work to its end and returns the result. After each step, the event loop handles other events. */
export async function runSteps<T> (steps: Steps<T>): Promise<T> {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    await setImmediate()
  }
}

/** Runs the work to its end without yielding, and returns the result. */
export function finishSteps<T> (steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
