/** PROPERTY_RUNS: a factor for the runs of all property tests. CI takes 0.25 on its second version of Node, `npm run lab` 20. */
const FACTOR = Number(process.env['PROPERTY_RUNS'] ?? 1)
if (!(FACTOR > 0)) throw new Error(`PROPERTY_RUNS: got ${JSON.stringify(process.env['PROPERTY_RUNS'])}; must be a number greater than 0`)

/** Parameters of fc.assert for a property that runs `count` times by default. */
export function runs (count: number): { readonly numRuns: number } {
  return { numRuns: Math.ceil(count * FACTOR) }
}

/** Milliseconds that one test file may take, on a machine with ten times as much to do as it has processors. */
export const FILE_TIMEOUT_MS = 600_000 * Math.max(1, FACTOR)
