import type { IRawProperty } from 'fast-check'

/** A part of the service that is fuzzed. */
export interface Target {
  readonly name: string
  /** The input, and what must be true for it; for --help. */
  readonly about: string
  /** The number of runs in `npm test`. They take a few seconds. */
  readonly runs: number
  /** Prepares the property. `close` releases what it needs. */
  open (): Promise<{ readonly property: IRawProperty<unknown, boolean>, close? (): Promise<void> }>
}
