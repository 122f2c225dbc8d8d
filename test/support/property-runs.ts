import { PROPERTY_RUNS_FACTOR } from './file-timeout.js'

/** Parameters of fc.assert for a property that runs `count` times by default. */
export function runs (count: number): { readonly numRuns: number } {
  return { numRuns: Math.ceil(count * PROPERTY_RUNS_FACTOR) }
}
