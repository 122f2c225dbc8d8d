import t, { type Test } from 'tap'
import type { AppOptions } from '../../app.js'

const { TEST_ENGINE } = process.env

/** Runs a test only with the in-process engine, because it is about the memory of versions, or about the length of long bodies, which a cluster does not know before it has sent them. */
export function testInProcess (name: string, test: (t: Test) => Promise<void>): void {
  if (TEST_ENGINE === undefined) t.test(name, test)
}

/** The engine of the apps that tests start: the in-process one or, with TEST_ENGINE=clickhouse, the cluster of test/support/clickhouse.ts, in which each data version has a database of its own. */
export async function engineOfTests (test: Pick<Test, 'teardown'>): Promise<Pick<AppOptions, 'openVersion'>> {
  if (TEST_ENGINE === undefined) return {}
  if (TEST_ENGINE !== 'clickhouse') throw new Error(`TEST_ENGINE: got ${TEST_ENGINE}; must be clickhouse, or not set`)
  const { connect, openStored } = await import('./clickhouse.js')
  return { openVersion: async ({ table, images }, timeZone) => await openStored(await connect(test), table, { timeZone, images }) }
}
