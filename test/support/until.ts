import { setImmediate, setTimeout } from 'node:timers/promises'
import './file-timeout.js'

/** Polls until the condition is true. There is no time limit except that of the test. */
export async function until (condition: () => unknown): Promise<void> {
  while (!(await condition())) await setTimeout(5)
}

/**
 * Lets the event loop turn `count` times. Work that needs no timer and no I/O, and at most `count` turns, is then done, regardless of the speed of the
 * machine; a pause of some milliseconds cannot guarantee that.
 */
export async function turns (count: number): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate()
}

/** Returns a promise and the function that resolves it. */
export function gate (): { readonly opened: Promise<undefined>, readonly open: () => void } {
  let open = () => {}
  const opened = new Promise<undefined>((resolve) => { open = () => resolve(undefined) })
  return { opened, open }
}
