import type { UndeclaredColumn } from '../query/undeclared-columns.js'
import { from, type EngineRecords } from './records.js'
import { sql } from './sql.js'

/** Counts the records that have each undeclared column, in the byte order of their names. */
export async function countUndeclared (records: EngineRecords): Promise<UndeclaredColumn[]> {
  const rows = await records.connection.query<[name: string, records: number]>(sql`
    SELECT column_name, count() FROM (SELECT arrayJoin(mapKeys(undeclared)) AS column_name ${from(records, {})}) GROUP BY column_name ORDER BY column_name`)
  return rows.map(([name, records]) => ({ name, records }))
}
