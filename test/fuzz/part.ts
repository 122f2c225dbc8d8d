import type { IRawProperty } from 'fast-check'

/** One thing that is fuzzed. */
export interface Part {
  readonly name: string
  /** What it does, for --help. */
  readonly about: string
  /** Runs in `npm test`: a few seconds. */
  readonly runs: number
  /** Prepares the property. `close` releases what it needs. */
  open (): Promise<{ readonly property: IRawProperty<unknown, boolean>, close? (): Promise<void> }>
}
