import { BUCKETS, DIGEST_BYTES, nameVersion } from '../table/version-name.js'
import { from, type EngineRecords } from './records.js'
import { number, sql } from './sql.js'

/** The engine holds the JSON of about this number of records in memory at a time. */
const RECORDS_AT_A_TIME = 500_000

/** The name of the records by the same definition as in process, from the lines that were stored with them: see lib/table/version-name.ts. @param count the number of records */
export async function nameRecords (records: EngineRecords, count: number): Promise<string> {
  const digests = new Uint8Array(BUCKETS * DIGEST_BYTES)
  const range = Math.ceil(BUCKETS / Math.ceil((count + 1) / RECORDS_AT_A_TIME))
  const bucket = sql`CRC32(key) % ${number(BUCKETS)}`
  const line = sql`concat(substring(json, 1, length(json) - 1), json_undeclared, '}\\n')`
  for (let first = 0; first < BUCKETS; first += range) {
    const rows = await records.connection.query<[bucket: number, digest: string]>(sql`
      SELECT ${bucket} AS bucket, hex(SHA256(arrayStringConcat(arrayMap(pair -> pair.2, arraySort(groupArray((key, ${line})))))))
      ${from(records, {}, sql`${bucket} >= ${number(first)}`, sql`${bucket} < ${number(first + range)}`)} GROUP BY bucket`)
    for (const [bucket, digest] of rows) digests.set(Buffer.from(digest, 'hex'), bucket * DIGEST_BYTES)
  }
  return nameVersion(records.fields, digests)
}
