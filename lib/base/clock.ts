import { hrtime } from 'node:process'

/** Returns the current time in milliseconds since 1970-01-01 UTC. It can jump when the clock of the machine is set, so never use it for a duration. */
export type Clock = () => number

/** Returns the milliseconds since an arbitrary moment, which is the same for all threads of a process. It never goes back: use it for durations. */
export type MonotonicClock = () => number

/** The monotonic clock of the system. */
export const monotonicNow: MonotonicClock = () => {
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}
