import { Utf8Reader } from '../table/utf8-column.js'
import type { Quarantine, QuarantineEntry } from './quarantine.js'
import { QUARANTINE_CODES, type QuarantineCode } from './reject.js'

/** An orphan is not a reject, and an incomplete file, which may be one that is being written, is read again within two seconds. */
const EXPECTED = (['orphan', 'incomplete'] as const).map((code) => QUARANTINE_CODES.indexOf(code))

/** The rows of the rejects of a quarantine, without incomplete files, that an earlier quarantine does not have, or has with another ETag or another reason. */
export function findNewRejects (quarantine: Quarantine, earlier: Quarantine | undefined): number[] {
  if (quarantine === earlier) return []
  const [keys, json] = [new Utf8Reader(quarantine.keys), new Utf8Reader(quarantine.json)]
  const old = earlier && { keys: new Utf8Reader(earlier.keys), json: new Utf8Reader(earlier.json) }
  const rows: number[] = []
  let oldRow = 0 // both quarantines are in the order of the keys
  for (let row = 0; row < keys.length; row++) {
    if (EXPECTED.includes(quarantine.codes[row]!)) continue
    const { bytes, offsets } = keys
    if (old !== undefined) oldRow = old.keys.lowerBound(bytes.subarray(offsets[row]!, offsets[row + 1]!), oldRow)
    const isOld = old !== undefined && oldRow < old.keys.length && old.json.compare(oldRow, json.bytes, json.offsets[row]!, json.offsets[row + 1]!) === 0
    if (!isOld) rows.push(row)
  }
  return rows
}

/** Rejects with the same code. */
export interface RejectGroup {
  readonly code: QuarantineCode
  readonly count: number
  /** The first of them, in the order of the keys. */
  readonly example: QuarantineEntry
}

/** The entries in these rows of a quarantine, which are in ascending order, by code. */
export function groupRejects ({ codes, json }: Quarantine, rows: readonly number[]): RejectGroup[] {
  const groups = new Map<number, { readonly row: number, count: number }>()
  for (const row of rows) {
    const group = groups.get(codes[row]!)
    if (group === undefined) groups.set(codes[row]!, { row, count: 1 })
    else group.count++
  }
  const entries = new Utf8Reader(json)
  return [...groups].map(([code, { row, count }]) => ({ code: QUARANTINE_CODES[code]!, count, example: JSON.parse(entries.at(row)) as QuarantineEntry }))
}
