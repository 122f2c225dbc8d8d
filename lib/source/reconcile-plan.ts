import { compareBytes } from '../base/bytes.js'
import { Table } from '../table/table.js'
import { Drafts } from './row-builder.js'
import type { EtagCache, FaultyFile } from './etag-cache.js'
import type { Inventory } from './inventory.js'
import type { SourceRules } from './rules.js'
import type { UserObjects } from './user-objects.js'

/** No row and no draft: no lake has so many. */
export const NONE = -(2 ** 31)

/** What becomes of the users of an inventory, by their numbers there. A draft is written as `~draft`, beside rows from 0. */
export interface Plan {
  readonly inventory: Inventory
  readonly previous: EtagCache
  readonly table: Table
  readonly rules: SourceRules
  /** The row of the previous table, the last good one; NONE for a newcomer. */
  readonly rows: Int32Array
  /** The row or draft that says what the listed info file says; NONE where that is not known or bad. */
  readonly own: Int32Array
  readonly drafts: Drafts
  /** Users whose info file is bad or could not be downloaded. */
  readonly faulty: Map<number, FaultyFile>
  /** Users whose info file was deleted since it was listed. */
  readonly gone: Set<number>
}

/** Compares the listed versions with the known ones. What is NONE afterwards and not faulty has to be downloaded. */
export function planUsers (inventory: Inventory, previous: EtagCache, rules: SourceRules, birthDateOf: (birthts: number) => number, isPaused: (file: FaultyFile) => boolean): Plan {
  const { infoFiles, users } = inventory
  const table = new Table(previous.state.table)
  const length = users.infoFiles.length
  const plan = {
    inventory,
    previous,
    table,
    rules,
    rows: new Int32Array(length).fill(NONE),
    own: new Int32Array(length).fill(NONE),
    drafts: new Drafts(),
    faulty: new Map<number, FaultyFile>(),
    gone: new Set<number>()
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
    if (order === 0) plan.rows[user] = row
    if (order === 0 && isKnown(row, infoFile)) {
      plan.own[user] = row
      return
    }
    const bad = knownFault(plan, infoFile, isPaused)
    if (bad?.data !== undefined) plan.own[user] = ~plan.drafts.add(bad.data, birthDateOf(bad.data.birthts), bad)
    else if (bad !== undefined) plan.faulty.set(user, bad)
  })
  return plan
}

/** Whether an info file is still the version that a row came from: same key, ETag and size, and nothing can hide behind them. */
function versionMatcher ({ inventory: { infoFiles }, previous, rules }: Plan): (row: number, infoFile: number) => boolean {
  const { files } = previous.state
  const prefixLength = Buffer.byteLength(rules.prefix)
  return (row, infoFile) => {
    if (files.settled[row] === 0 || files.sizes[row] !== infoFiles.size(infoFile)) return false
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

function knownFault ({ inventory: { infoFiles }, previous }: Plan, infoFile: number, isPaused: (file: FaultyFile) => boolean): FaultyFile | undefined {
  if (previous.state.faulty.length === 0) return undefined
  const { key, etag, size } = infoFiles.at(infoFile)
  const known = previous.faulty(key)
  if (known === undefined || known.etag !== etag || known.size !== size) return undefined
  return known.settled || isPaused(known) ? known : undefined
}

/** The users that have to be downloaded. */
export function toDownload ({ own, faulty }: Plan): number[] {
  const users: number[] = []
  own.forEach((source, user) => { if (source === NONE && !faulty.has(user)) users.push(user) })
  return users
}
