import { setImmediate, setTimeout } from 'node:timers/promises'
import './file-timeout.js'

/** Polls until the condition is true. If it never is, the time limit of the test ends the wait. */
export async function until (condition: () => unknown): Promise<void> {
  while (!(await condition())) await setTimeout(5)
}

/**
 * Waits for this many turns of the event loop. Afterwards, everything has happened that needs no further event, on a machine of any
 * speed; a pause of some milliseconds cannot guarantee that.
 */
export async function turns (count: number): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate()
}

/** A promise and the function that resolves it. */
export function gate (): { readonly opened: Promise<undefined>, readonly open: () => void } {
  let open = () => {}
  const opened = new Promise<undefined>((resolve) => { open = () => resolve(undefined) })
  return { opened, open }
}
