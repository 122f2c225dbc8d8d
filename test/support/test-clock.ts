/** A quarter past noon: not the beginning of a day, and half a minute into a minute. */
export const NOON = Date.parse('2025-06-15T12:15:30.500Z')

/** The clocks of a test: they stand still until the test moves them. The monotonic one is in shared memory, for worker threads. */
export class TestClock {
  /** The wall clock: milliseconds since 1970-01-01 UTC. */
  now: number
  readonly memory: Float64Array

  constructor (now = NOON, memory = new Float64Array(new SharedArrayBuffer(8))) {
    this.now = now
    this.memory = memory
  }

  readonly read = (): number => this.now

  readonly monotonic = (): number => this.memory[0]!

  /** Time passes. */
  advance (ms: number): void {
    this.now += ms
    this.memory[0]! += ms
  }

  /** The wall clock is set, and no time passes. */
  jump (ms: number): void {
    this.now += ms
  }
}
