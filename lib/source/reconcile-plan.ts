import { compareBytes } from '../base/bytes.js'
import { TableReader } from '../table/table.js'
import { RowBuilder } from './row-builder.js'
import type { EtagCache, RejectedFile } from './etag-cache.js'
import type { Inventory } from './inventory.js'
import type { SourceRules } from './rules.js'
import type { UserObjects } from './user-objects.js'

/** No row and no draft: no lake has so many. */
export const NO_ROW = -(2 ** 31)

/** What becomes of the users of an inventory, by their numbers there. A draft is written as `~draft`, beside rows from 0. */
export interface ReconcilePlan {
  readonly inventory: Inventory
  readonly previous: EtagCache
  readonly table: TableReader
  readonly rules: SourceRules
  /** The row of the previous table, the last good one; NONE for a newcomer. */
  readonly lastGoodRow: Int32Array
  /** The row or draft that says what the listed info file says; NONE where that is not known or bad. */
  readonly listedRow: Int32Array
  readonly builder: RowBuilder
  /** Users whose info file is bad or could not be downloaded. */
  readonly rejected: Map<number, RejectedFile>
  /** Users whose info file was deleted since it was listed. */
  readonly deleted: Set<number>
}

/** Compares the listed versions with the known ones. What is NONE afterwards and not rejected has to be downloaded. */
export function planReconcile (inventory: Inventory, previous: EtagCache, rules: SourceRules, birthDateOf: (birthts: number) => number, isPaused: (file: RejectedFile) => boolean): ReconcilePlan {
  const { infoFiles, users } = inventory
  const table = new TableReader(previous.state.table)
  const length = users.infoFiles.length
  const plan = {
    inventory,
    previous,
    table,
    rules,
    lastGoodRow: new Int32Array(length).fill(NO_ROW),
    listedRow: new Int32Array(length).fill(NO_ROW),
    builder: new RowBuilder(),
    rejected: new Map<number, RejectedFile>(),
    deleted: new Set<number>()
  }
  const isKnown = versionMatcher(plan)
  let row = 0
  users.infoFiles.forEach((infoFile, user) => {
    const { bytes, start, end } = infoFiles.userId(infoFile)
    let order = -1
    for (; row < table.length; row++) {
      order = table.userIds.compare(row, bytes, start, end)
      if (order >= 0) break
    }
    if (order === 0) plan.lastGoodRow[user] = row
    if (order === 0 && isKnown(row, infoFile)) {
      plan.listedRow[user] = row
      return
    }
    const bad = knownRejection(plan, infoFile, isPaused)
    if (bad?.data !== undefined) plan.listedRow[user] = ~plan.builder.add(bad.data, birthDateOf(bad.data.birthts), bad)
    else if (bad !== undefined) plan.rejected.set(user, bad)
  })
  return plan
}

/** Whether an info file is still the version that a row came from: same key, ETag and size, and nothing can hide behind them. */
function versionMatcher ({ inventory: { infoFiles }, previous, rules }: ReconcilePlan): (row: number, infoFile: number) => boolean {
  const { files } = previous.state
  const prefixLength = Buffer.byteLength(rules.prefix)
  return (row, infoFile) => {
    if (files.racy[row] === 1 || files.sizes[row] !== infoFiles.size(infoFile)) return false
    if (!infoFiles.hasEtag(infoFile, files.etags, row)) return false
    return files.keys.offsets[row] === files.keys.offsets[row + 1] ? hasUsualKey(infoFiles, infoFile, prefixLength) : infoFiles.hasKey(infoFile, files.keys, row)
  }
}

const USUAL_EXTENSION = Buffer.from('.csv')

/** Whether the key is just the prefix, of so many bytes, the user id and `.csv`. */
export function hasUsualKey (infoFiles: UserObjects, infoFile: number, prefixLength: number): boolean {
  const { bytes, start, end } = infoFiles.key(infoFile)
  const userId = infoFiles.userId(infoFile)
  return userId.start - start === prefixLength && compareBytes(bytes, userId.end, end, USUAL_EXTENSION, 0, USUAL_EXTENSION.length) === 0
}

function knownRejection ({ inventory: { infoFiles }, previous }: ReconcilePlan, infoFile: number, isPaused: (file: RejectedFile) => boolean): RejectedFile | undefined {
  if (previous.state.rejected.length === 0) return undefined
  const { key, etag, size } = infoFiles.at(infoFile)
  const known = previous.rejectedFile(key)
  if (known === undefined || known.etag !== etag || known.size !== size) return undefined
  return !known.racy || isPaused(known) ? known : undefined
}

/** The users that have to be downloaded. */
export function toDownload ({ listedRow, rejected }: ReconcilePlan): number[] {
  const users: number[] = []
  listedRow.forEach((source, user) => { if (source === NO_ROW && !rejected.has(user)) users.push(user) })
  return users
}
