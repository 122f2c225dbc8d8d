import { setImmediate, setTimeout } from 'node:timers/promises'
import './file-timeout.js'

/** Polls until the condition holds. If it never does, the limit of the test ends it. */
export async function until (condition: () => unknown): Promise<void> {
  while (!(await condition())) await setTimeout(5)
}

/**
 * Lets the event loop make that many turns. What would happen without a further event has happened then, on a machine of any speed,
 * which no pause of some milliseconds can say.
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
