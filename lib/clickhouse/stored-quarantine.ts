import type { IgnoredObjects } from '../source/ignored-objects.js'
import { quarantineOf, type CodeGroup, type Quarantine, type QuarantineEntry } from '../source/quarantine.js'
import type { QuarantineCode } from '../source/reject.js'
import type { Connection } from './connection.js'
import { validIn } from './records.js'
import { number, sql } from './sql.js'
import { REJECTS } from './tables.js'

/** The maximum number of entries that are read: a quarantine in memory is made for this number. */
const MAX_ENTRIES = 100_000

/** The quarantine of a version: the first entries by key, and the counts of all of them. `groups`: those of `readGroups`. */
export async function readQuarantine (connection: Connection, version: bigint, ignored: readonly IgnoredObjects[], groups: readonly CodeGroup[]): Promise<Quarantine> {
  const rows = await connection.query<[entry: string]>(sql`SELECT entry FROM ${connection.table(REJECTS)} WHERE ${validIn(version)} ORDER BY object_key LIMIT ${number(MAX_ENTRIES)}`)
  const countOf = (of: readonly CodeGroup[]) => of.reduce((sum, { count }) => sum + count, 0)
  const counts = {
    rejects: countOf(groups.filter(({ code }) => code !== 'orphan')),
    orphans: countOf(groups.filter(({ code }) => code === 'orphan')),
    ignored: ignored.reduce((sum, { count }) => sum + count, 0)
  }
  return quarantineOf(rows.map(([entry]) => JSON.parse(entry) as QuarantineEntry), { counts, ignored, origin: '' })
}

/** As `groupByCode` of all entries. */
export async function readGroups (connection: Connection, version: bigint): Promise<CodeGroup[]> {
  const rows = await connection.query<[code: QuarantineCode, count: number, entry: string]>(sql`
    SELECT code, count(), argMin(entry, object_key) FROM ${connection.table(REJECTS)} WHERE ${validIn(version)} GROUP BY code ORDER BY count() DESC, min(object_key)`)
  return rows.map(([code, count, entry]) => ({ code, count, first: () => JSON.parse(entry) as QuarantineEntry }))
}
