import { BASE_COLUMNS, userIdOf, type PersonalData } from '../schema/record.js'
import { NONE, type Plan } from './reconcile-plan.js'
import { fault } from './reject.js'
import { MAX_LAKE_COLUMNS } from './rules.js'

/** What each user of a plan is served: the row or draft, NONE for nothing. */
export type Served = Int32Array

/**
 * Decides who is served what. Rejects the files that would give the lake too many columns: older uploads come first, so that
 * a new file never costs another user its place, and every replica decides alike; a file that fits again is admitted
 * without a download.
 */
export function admitColumns (plan: Plan): Served {
  const { own, rows, gone, table, drafts } = plan
  const served = own.map((source, user) => gone.has(user) ? NONE : source === NONE ? rows[user]! : source)
  if (new Set([...table.columnNames, ...BASE_COLUMNS, ...drafts.columns.keys()]).size > MAX_LAKE_COLUMNS) refuse(plan, served)
  return served
}

function refuse (plan: Plan, served: Served): void {
  const { inventory: { infoFiles, users }, own, rows, faulty, drafts } = plan
  const lastModified = (user: number) => infoFiles.lastModified(users.infoFiles[user]!)
  const columns = new Set<string>(BASE_COLUMNS)
  const fits = (source: number) => {
    const added = Object.keys(dataOf(plan, source).further).filter((name) => !columns.has(name))
    if (columns.size + added.length > MAX_LAKE_COLUMNS) return false
    added.forEach((name) => columns.add(name))
    return true
  }
  const byUpload = Array.from(served.keys()).sort((a, b) => lastModified(a) - lastModified(b) || a - b)
  for (const user of byUpload) {
    const source = served[user]!
    if (source === NONE || fits(source)) continue
    const mine = own[user]!
    const lastGood = rows[user]!
    served[user] = source !== lastGood && lastGood !== NONE && fits(lastGood) ? lastGood : NONE
    if (source !== mine) continue
    const listed = infoFiles.at(users.infoFiles[user]!)
    faulty.set(user, {
      userId: userIdOf(listed.key),
      ...source >= 0 ? { etag: listed.etag, size: listed.size, settled: true } : drafts.version(~source),
      key: listed.key,
      fault: fault('too_many_lake_columns', `With this file the lake would have more than ${MAX_LAKE_COLUMNS} columns`),
      data: dataOf(plan, source)
    })
  }
}

function dataOf ({ table, drafts }: Plan, source: number): PersonalData {
  return source >= 0 ? table.row(source) : drafts.data(~source)
}
