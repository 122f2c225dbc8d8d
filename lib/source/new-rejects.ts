import { Utf8Reader } from '../table/utf8-column.js'
import type { Quarantine } from './quarantine.js'
import { QUARANTINE_CODES } from './reject.js'

/** Codes that do not count: an orphan is not a reject, and an incomplete file, which may be one that is being written, is read again within two seconds. */
const UNCOUNTED = (['orphan', 'incomplete'] as const).map((code) => QUARANTINE_CODES.indexOf(code))

/** The rows of the rejects of a quarantine, without incomplete files, that an earlier quarantine does not have, or has with another ETag or another reason. */
export function findNewRejects (quarantine: Quarantine, earlier: Quarantine | undefined): number[] {
  if (quarantine === earlier) return []
  const [keys, json] = [new Utf8Reader(quarantine.keys), new Utf8Reader(quarantine.json)]
  const old = earlier && { keys: new Utf8Reader(earlier.keys), json: new Utf8Reader(earlier.json) }
  const rows: number[] = []
  let oldRow = 0 // both quarantines are in the order of the keys
  for (let row = 0; row < keys.length; row++) {
    if (UNCOUNTED.includes(quarantine.codes[row]!)) continue
    const { bytes, offsets } = keys
    if (old !== undefined) oldRow = old.keys.lowerBound(bytes.subarray(offsets[row]!, offsets[row + 1]!), oldRow)
    const isOld = old !== undefined && oldRow < old.keys.length && old.json.compare(oldRow, json.bytes, json.offsets[row]!, json.offsets[row + 1]!) === 0
    if (!isOld) rows.push(row)
  }
  return rows
}
