import type { RecordFields } from '../schema/record.js'
import { sliceToString } from '../store/object-list.js'
import { draftOf, isDraft, NO_ROW } from '../table/row-source.js'
import type { ReconcilePlan } from './reconcile-plan.js'
import { rejection } from './reject.js'
import { MAX_LAKE_COLUMNS } from './rules.js'

/** The row or draft that is served for each entity of a plan; NO_ROW if there is no record. */
export type ServedRows = Int32Array

/**
 * Decides which row of each entity is served: that of the listed file, or else the last good one. Rejects files that would give
 * the lake more than MAX_LAKE_COLUMNS undeclared columns. Older uploads are admitted first: a new file never displaces another entity, and
 * all replicas decide alike. A rejected file that fits later is admitted without a download.
 */
export function admitColumns (plan: ReconcilePlan): ServedRows {
  const { listedRow, lastGoodRow, deleted, table, builder } = plan
  const served = listedRow.map((source, entity) => deleted.has(entity) ? NO_ROW : source === NO_ROW ? lastGoodRow[entity]! : source)
  const declared = new Set(builder.fields.map(({ name }) => name))
  const undeclared = new Set([...table.columnNames.filter((name) => !declared.has(name)), ...builder.undeclared.keys()])
  if (undeclared.size > MAX_LAKE_COLUMNS) rejectExcess(plan, served)
  return served
}

function rejectExcess (plan: ReconcilePlan, served: ServedRows): void {
  const { inventory: { infoFiles, entities }, listedRow, lastGoodRow, rejected, builder } = plan
  const lastModified = (entity: number) => infoFiles.lastModified(entities[entity]!)
  const columns = new Set<string>()
  const admit = (source: number) => {
    const added = Object.keys(fieldsOf(plan, source).undeclared).filter((name) => !columns.has(name))
    if (columns.size + added.length > MAX_LAKE_COLUMNS) return false
    added.forEach((name) => columns.add(name))
    return true
  }
  const byUpload = Array.from(served.keys()).sort((a, b) => lastModified(a) - lastModified(b) || a - b)
  for (const entity of byUpload) {
    const source = served[entity]!
    if (source === NO_ROW || admit(source)) continue
    const lastGood = lastGoodRow[entity]!
    served[entity] = source !== lastGood && lastGood !== NO_ROW && admit(lastGood) ? lastGood : NO_ROW
    // If this was the last good row, the listed file is rejected for another reason already.
    if (source !== listedRow[entity]!) continue
    const listed = infoFiles.at(entities[entity]!)
    rejected.set(entity, {
      id: sliceToString(infoFiles.id(entities[entity]!)),
      ...isDraft(source) ? builder.version(draftOf(source)) : { etag: listed.etag, size: listed.size, racy: false },
      key: listed.key,
      rejection: rejection('too_many_lake_columns', `With this file the lake would have more than ${MAX_LAKE_COLUMNS} columns that the schema does not declare`, {
        hint: 'Declare the columns that you need in the schema, or remove columns from the files'
      }),
      data: fieldsOf(plan, source)
    })
  }
}

function fieldsOf ({ table, builder }: ReconcilePlan, source: number): RecordFields {
  return isDraft(source) ? builder.data(draftOf(source)) : table.fields(source)
}
