import { compareBytes } from '../base/bytes.js'
import { compileSchema } from '../schema/schema.js'
import { fromDraft, NO_ROW } from '../table/row-source.js'
import { tableFields } from '../table/table-field.js'
import { TableReader } from '../table/table.js'
import type { Inventory } from './inventory.js'
import { RowBuilder } from './row-builder.js'
import type { SourceRules } from './rules.js'
import { rejectedFilesOf, type RejectedFile, type SourceState } from './source-state.js'
import type { EntityObjects } from './entity-objects.js'

/** What a reconcile has decided for each entity of an inventory. Arrays and keys are indexed by the entity's number there. */
export interface ReconcilePlan {
  readonly inventory: Inventory
  readonly previous: SourceState
  /** Reads the table of the previous state. */
  readonly table: TableReader
  readonly rules: SourceRules
  /** The entity's row in the previous table; NO_ROW for a new entity. */
  readonly lastGoodRow: Int32Array
  /** The row or draft with the content of the listed info file; NO_ROW if the file is rejected or not downloaded yet. */
  readonly listedRow: Int32Array
  /** Contains the drafts: the rows of files that are new or changed. */
  readonly builder: RowBuilder
  /** Entities whose info file is invalid or could not be downloaded. */
  readonly rejected: Map<number, RejectedFile>
  /** Entities whose info file was deleted after it was listed. */
  readonly deleted: Set<number>
}

/**
 * Compares the listed versions with those of the previous state. An entity without a listed row and without a reject has to be
 * downloaded.
 *
 * @param isPaused whether the next attempt to download a file has to wait
 */
export function planReconcile (inventory: Inventory, previous: SourceState, rules: SourceRules, isPaused: (file: RejectedFile) => boolean): ReconcilePlan {
  const { infoFiles, entities } = inventory
  const table = new TableReader(previous.table)
  const length = entities.length
  const plan = {
    inventory,
    previous,
    table,
    rules,
    lastGoodRow: new Int32Array(length).fill(NO_ROW),
    listedRow: new Int32Array(length).fill(NO_ROW),
    builder: new RowBuilder(tableFields(compileSchema(rules.schema)), rules.timeZone),
    rejected: new Map<number, RejectedFile>(),
    deleted: new Set<number>()
  }
  const isUnchanged = versionMatcher(plan)
  // Both are in the order of the ids: a merge join.
  let row = 0
  entities.forEach((infoFile, entity) => {
    const { bytes, start, end } = infoFiles.id(infoFile)
    let order = -1
    for (; row < table.length; row++) {
      order = table.keys.compare(row, bytes, start, end)
      if (order >= 0) break
    }
    if (order === 0) plan.lastGoodRow[entity] = row
    if (order === 0 && isUnchanged(row, infoFile)) {
      plan.listedRow[entity] = row
      return
    }
    const known = knownReject(plan, infoFile, isPaused)
    if (known?.data !== undefined) plan.listedRow[entity] = fromDraft(plan.builder.add(known.data, known))
    else if (known !== undefined) plan.rejected.set(entity, known)
  })
  return plan
}

/** Whether a listed info file is the version that a row came from: same key, ETag and size, and the ETag is not racy. */
export function versionMatcher ({ inventory: { infoFiles }, previous: { files }, rules }: Pick<ReconcilePlan, 'inventory' | 'previous' | 'rules'>): (row: number, infoFile: number) => boolean {
  const prefixLength = Buffer.byteLength(rules.prefix)
  return (row, infoFile) => {
    if (files.racy[row] === 1 || files.sizes[row] !== infoFiles.size(infoFile)) return false
    if (!infoFiles.hasEtag(infoFile, files.etags, row)) return false
    return files.keys.offsets[row] === files.keys.offsets[row + 1] ? hasUsualKey(infoFiles, infoFile, prefixLength) : infoFiles.hasKey(infoFile, files.keys, row)
  }
}

const USUAL_EXTENSION = Buffer.from('.csv')

/** Whether a key consists of the prefix (`prefixLength` bytes), the id and `.csv`. */
export function hasUsualKey (infoFiles: EntityObjects, infoFile: number, prefixLength: number): boolean {
  const { bytes, start, end } = infoFiles.key(infoFile)
  const id = infoFiles.id(infoFile)
  return id.start - start === prefixLength && compareBytes(bytes, id.end, end, USUAL_EXTENSION, 0, USUAL_EXTENSION.length) === 0
}

/** The reject of exactly this version of a file; `undefined` if this version was not rejected, or if the file has to be downloaded again. */
function knownReject ({ inventory: { infoFiles }, previous }: ReconcilePlan, infoFile: number, isPaused: (file: RejectedFile) => boolean): RejectedFile | undefined {
  const rejected = rejectedFilesOf(previous)
  if (rejected.size === 0) return undefined
  const { key, etag, size } = infoFiles.at(infoFile)
  const known = rejected.get(key)
  if (known === undefined || known.etag !== etag || known.size !== size) return undefined
  return !known.racy || isPaused(known) ? known : undefined
}

/** The entities whose info files have to be downloaded. */
export function toDownload ({ listedRow, rejected }: ReconcilePlan): number[] {
  const entities: number[] = []
  listedRow.forEach((source, entity) => { if (source === NO_ROW && !rejected.has(entity)) entities.push(entity) })
  return entities
}
