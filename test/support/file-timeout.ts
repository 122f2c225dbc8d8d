import t from 'tap'

/** PROPERTY_RUNS: a factor for the runs of all property tests. CI takes 0.25 with its second version of Node, `npm run lab` 20. */
export const FACTOR = Number(process.env['PROPERTY_RUNS'] ?? 1)
if (!(FACTOR > 0)) throw new Error(`PROPERTY_RUNS: got ${JSON.stringify(process.env['PROPERTY_RUNS'])}; must be a number greater than 0`)

// The limit of a test file that is run with `node`, without the settings of .taprc. Modules of test/support/ that slow tests need import
// this one. It is many times what a file takes, so that tests pass on a machine with ten times as much to do as it has processors.
t.setTimeout(600_000 * Math.max(1, FACTOR))
