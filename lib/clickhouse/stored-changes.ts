import { appendChanges, MAX_KEYS, startLog, toColumn, type ChangeLog } from '../source/change-log.js'
import type { TableField } from '../table/table-field.js'
import type { Connection } from './connection.js'
import { forgottenBelow } from './forget.js'
import { identifier, join, number, parameter, raw, sql } from './sql.js'
import { imageColumns, RECORDS, VERSIONS } from './tables.js'

/** The maximum number of versions by which a change log is continued. */
const MAX_VERSIONS = 1000n

/**
 * The change log of a version: for each version since an earlier one, the records that it has touched. A record of which only the info file was replaced, by one with the same content, is not touched.
 *
 * @param since the earlier version and its log. Default: the first version that is readable, but at most MAX_VERSIONS ago.
 * @returns a new log if a version in between is no longer known or is forgotten, or if too many records were touched
 */
export async function changesUntil (connection: Connection, fields: readonly TableField[], { number: until, name }: { readonly number: bigint, readonly name: string }, since?: { readonly number: bigint, readonly changes: ChangeLog }): Promise<ChangeLog> {
  const oldest = until < MAX_VERSIONS ? 0n : until - MAX_VERSIONS
  const from = since === undefined || since.number < oldest ? oldest : since.number
  // Two processes that apply a version at the same time may both add its row.
  const found = await connection.query<[version: number, name: string]>(sql`
    SELECT version, name FROM ${connection.table(VERSIONS)} WHERE version >= ${parameter(from, 'UInt64')} AND version < ${parameter(until, 'UInt64')} ORDER BY version DESC LIMIT 1 BY version`)
  const versions = [[Number(until), name] as const, ...found]
  // The versions before a gap are left out.
  const gap = versions.findIndex(([version], i) => version !== Number(until) - i)
  const names = (gap === -1 ? versions : versions.slice(0, gap)).reverse()
  const [first] = names[0]!
  const isContinued = since !== undefined && BigInt(first) === since.number
  if (since !== undefined && !isContinued) return startLog(name)
  const content = [raw('hash'), ...fields.filter(({ source }) => source === 'image').flatMap((field) => Object.values(imageColumns(field)).map(identifier))]
  // A row that is replaced by one with the same content ends in the version in which the other one begins. Staged rows, which another process may add at any time, are part of no version.
  const touched = await connection.query<[version: number, key: string]>(sql`
    SELECT touched_at, key FROM (
      SELECT key, tuple(${join(content, ', ')}) AS content, arrayJoin([valid_from, valid_to]) AS touched_at FROM ${connection.table(RECORDS)}
      WHERE stage = 0 AND ((valid_from > ${number(first)} AND valid_from <= ${parameter(until, 'UInt64')}) OR (valid_to > ${number(first)} AND valid_to <= ${parameter(until, 'UInt64')})))
    WHERE touched_at > ${number(first)} AND touched_at <= ${parameter(until, 'UInt64')}
    GROUP BY touched_at, key HAVING count() = 1 OR uniqExact(content) > 1 ORDER BY touched_at, key LIMIT ${number(MAX_KEYS + 1)}`)
  if (touched.length > MAX_KEYS) return startLog(name)
  // Read last: the rows that end in a forgotten version may have been removed, although its name has not.
  const below = await forgottenBelow(connection)
  if (isContinued && first < below) return startLog(name)
  const kept = names.filter(([version]) => version >= below)
  let log = isContinued ? since.changes : startLog(kept[0]?.[1] ?? name)
  for (const [version, name] of kept.slice(1)) log = appendChanges(log, name, toColumn(touched.filter(([at]) => at === version).map(([, key]) => key)))
  return log
}
