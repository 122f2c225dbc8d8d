/** Calls a function after some milliseconds, unless the function that it returns is called before. Does not keep the process alive. */
export type Timer = (ms: number, task: () => void) => () => void

/** The timer of the system. */
export const systemTimer: Timer = (ms, task) => {
  const timeout = setTimeout(task, ms).unref()
  return () => clearTimeout(timeout)
}
