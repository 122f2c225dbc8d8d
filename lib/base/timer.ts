import { setTimeout as sleep } from 'node:timers/promises'

/** Calls a function after some milliseconds, unless the function that it returns is called before. Does not keep the process alive. */
export type Timer = (ms: number, task: () => void) => () => void

/** The timer of the system. */
export const systemTimer: Timer = (ms, task) => {
  const timeout = setTimeout(task, ms).unref()
  return () => clearTimeout(timeout)
}

/** Returns a promise that resolves after some milliseconds. */
export type Pause = (ms: number) => Promise<void>

/** The pause of the system. Keeps the process alive. */
export const systemPause: Pause = async (ms) => { await sleep(ms) }
