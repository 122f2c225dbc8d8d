import { DECLARED_COLUMNS, userIdOf, type RecordFields } from '../schema/record.js'
import { NO_ROW, type ReconcilePlan } from './reconcile-plan.js'
import { rejection } from './reject.js'
import { MAX_LAKE_COLUMNS } from './rules.js'

/** What each user of a plan is served: the row or draft, NONE for nothing. */
export type ServedRows = Int32Array

/**
 * Decides who is served what. Rejects the files that would give the lake too many columns: older uploads come first, so that
 * a new file never costs another user its place, and every replica decides alike; a file that fits again is admitted
 * without a download.
 */
export function admitColumns (plan: ReconcilePlan): ServedRows {
  const { listedRow, lastGoodRow, deleted, table, builder } = plan
  const served = listedRow.map((source, user) => deleted.has(user) ? NO_ROW : source === NO_ROW ? lastGoodRow[user]! : source)
  if (new Set([...table.columnNames, ...DECLARED_COLUMNS, ...builder.columns.keys()]).size > MAX_LAKE_COLUMNS) refuse(plan, served)
  return served
}

function refuse (plan: ReconcilePlan, served: ServedRows): void {
  const { inventory: { infoFiles, users }, listedRow, lastGoodRow, rejected, builder } = plan
  const lastModified = (user: number) => infoFiles.lastModified(users.infoFiles[user]!)
  const columns = new Set<string>(DECLARED_COLUMNS)
  const fits = (source: number) => {
    const added = Object.keys(dataOf(plan, source).undeclared).filter((name) => !columns.has(name))
    if (columns.size + added.length > MAX_LAKE_COLUMNS) return false
    added.forEach((name) => columns.add(name))
    return true
  }
  const byUpload = Array.from(served.keys()).sort((a, b) => lastModified(a) - lastModified(b) || a - b)
  for (const user of byUpload) {
    const source = served[user]!
    if (source === NO_ROW || fits(source)) continue
    const mine = listedRow[user]!
    const lastGood = lastGoodRow[user]!
    served[user] = source !== lastGood && lastGood !== NO_ROW && fits(lastGood) ? lastGood : NO_ROW
    if (source !== mine) continue
    const listed = infoFiles.at(users.infoFiles[user]!)
    rejected.set(user, {
      userId: userIdOf(listed.key),
      ...source >= 0 ? { etag: listed.etag, size: listed.size, racy: false } : builder.version(~source),
      key: listed.key,
      rejection: rejection('too_many_lake_columns', `With this file the lake would have more than ${MAX_LAKE_COLUMNS} columns`),
      data: dataOf(plan, source)
    })
  }
}

function dataOf ({ table, builder }: ReconcilePlan, source: number): RecordFields {
  return source >= 0 ? table.row(source) : builder.data(~source)
}
