import { setTimeout as sleep } from 'node:timers/promises'

/** Calls a function after some milliseconds, unless the function that it returns is called before. */
export type Timer = (ms: number, task: () => void) => () => void

/** The maximum timeout of Node, in milliseconds: a longer one would end at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** The timer of the system. Does not keep the process alive. */
export const systemTimer: Timer = (ms, task) => {
  let timeout: NodeJS.Timeout
  const start = (ms: number) => {
    const remainingMs = ms - MAX_TIMEOUT_MS
    timeout = (remainingMs > 0 ? setTimeout(start, MAX_TIMEOUT_MS, remainingMs) : setTimeout(task, ms)).unref()
  }
  start(ms)
  return () => clearTimeout(timeout)
}

/** Returns a promise that resolves after some milliseconds. */
export type Pause = (ms: number) => Promise<void>

/** The pause of the system. Keeps the process alive. */
export const systemPause: Pause = async (ms) => { await sleep(ms) }

/** As `systemTimer`, but keeps the process alive. The time must not exceed `MAX_TIMEOUT_MS`. */
const holdingTimer: Timer = (ms, task) => {
  const timeout = setTimeout(task, ms)
  return () => clearTimeout(timeout)
}

/**
 * Waits for work that never rejects, for at most `ms` milliseconds.
 *
 * @param timer default: one of the system that keeps the process alive meanwhile
 */
export async function within (ms: number, work: Promise<void>, timer: Timer = holdingTimer): Promise<void> {
  let cancel = () => {}
  const timeout = new Promise<void>((resolve) => { cancel = timer(ms, resolve) })
  await Promise.race([work, timeout])
  cancel()
}

/**
 * The longest time that closing waits for each of these, in milliseconds: a snapshot that is being written, the state that ends the leadership of this replica,
 * and the connections to the engine.
 */
export const MAX_CLOSE_WAIT_MS = 1000

/** The longest time that closing waits for a worker thread, in milliseconds; then the thread is terminated. Longer than MAX_CLOSE_WAIT_MS, for which the thread itself may wait. */
export const MAX_WORKER_CLOSE_MS = MAX_CLOSE_WAIT_MS + 500
