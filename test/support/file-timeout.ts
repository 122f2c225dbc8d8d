import t from 'tap'

/** The environment variable PROPERTY_RUNS multiplies the runs of all property tests. CI uses 0.25 for its second version of Node, `npm run lab` 20. */
export const PROPERTY_RUNS_FACTOR = Number(process.env['PROPERTY_RUNS'] ?? 1)
if (!(PROPERTY_RUNS_FACTOR > 0)) throw new Error(`PROPERTY_RUNS: got ${JSON.stringify(process.env['PROPERTY_RUNS'])}; must be a number greater than 0`)

// The time limit of a test file that is run by `node`, without the settings of .taprc. The modules of test/support/ that slow tests use import this module. The
// limit is many times what a file takes, so that tests pass on a machine that runs ten times as many processes as it has processors. Programs that use these modules have none.
t.setTimeout(process.argv[1]?.endsWith('.test.js') ? 600_000 * Math.max(1, PROPERTY_RUNS_FACTOR) : 0)
