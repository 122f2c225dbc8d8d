/** The time at which a `TestClock` starts. It is not the beginning of a day, an hour, a minute or a second. */
export const CLOCK_START = Date.parse('2025-06-15T12:15:30.500Z')

/** The clocks of a test, which only the test advances. The monotonic one is in shared memory, for worker threads. */
export class TestClock {
  /** The wall clock: milliseconds since 1970-01-01 UTC. */
  now: number
  /** The monotonic clock: one element, in milliseconds. */
  readonly memory: Float64Array

  constructor (now = CLOCK_START, memory = new Float64Array(new SharedArrayBuffer(8))) {
    this.now = now
    this.memory = memory
  }

  readonly read = (): number => this.now

  readonly monotonic = (): number => this.memory[0]!

  /** Advances both clocks. */
  advance (ms: number): void {
    this.now += ms
    this.memory[0]! += ms
  }

  /** Sets the wall clock forward or back; the monotonic clock does not change. */
  jump (ms: number): void {
    this.now += ms
  }
}
