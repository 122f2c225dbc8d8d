import { compareBytes } from '../base/bytes.js'
import { memoize } from '../base/memoize.js'
import { compareUtf8 } from '../base/utf8.js'
import { sliceAt, takeUtf8, textsOf, toSlice, Utf8Reader, type Utf8Column } from '../table/utf8-column.js'

/**
 * Which records were touched from one position to the next. A position is a data version, or a later state of it: `<version>` at first,
 * then `<version>~1`, `<version>~2` and so on, each time that an image is replaced within the version, or that the version recurs. Plain
 * data, bounded; the oldest positions are dropped.
 */
export interface ChangeLog {
  /** In the order of time. No two are equal. */
  readonly positions: Utf8Column
  /** For each position, the number of `keys` up to and including those of the position. The first position has none. */
  readonly ends: Uint32Array
  /** The keys of the records that were added, changed or removed, or of which an image was replaced, for each position. */
  readonly keys: Utf8Column
}

/** The limits of a log. A client that would read the changes of more than MAX_KEYS records can as well read all records again. */
const MAX_POSITIONS = 10_000
export const MAX_KEYS = 50_000
const MAX_KEY_BYTES = 4 * 1024 * 1024

/** A log whose only position is this version. */
export function startLog (version: string): ChangeLog {
  return encodeLog({ positions: [version], ends: [0], keys: [] })
}

/**
 * Adds the position at which the records are those of a version, after these keys were touched.
 *
 * @param position its name, which no position of the log has. Default: the version and the next number.
 */
export function appendChanges (log: ChangeLog, version: string, touched: Utf8Column, position = nextName(log, version)): ChangeLog {
  const length = log.ends.length
  const added = touched.offsets.length - 1
  const first = firstKept(log, added, touched.bytes.length)
  if (first === length) return startLog(version)
  const dropped = log.ends[first]!
  const name = toSlice(position)
  const keys = log.ends[length - 1]! - dropped
  return {
    positions: takeUtf8(length - first + 1, (i) => i < length - first ? sliceAt(log.positions, first + i) : name),
    ends: Uint32Array.from({ length: length - first + 1 }, (_, i) => i < length - first ? log.ends[first + i]! - dropped : keys + added),
    keys: takeUtf8(keys + added, (i) => i < keys ? sliceAt(log.keys, dropped + i) : sliceAt(touched, i - keys))
  }
}

/** The first position that stays in the log when `added` keys are appended to it; the number of positions if none does. */
function firstKept ({ ends, keys: { offsets } }: ChangeLog, added: number, addedBytes: number): number {
  let first = Math.max(0, ends.length + 1 - MAX_POSITIONS)
  const keyCount = ends.at(-1)!
  const exceeds = (position: number) => keyCount - ends[position]! + added > MAX_KEYS || offsets[keyCount]! - offsets[ends[position]!]! + addedBytes > MAX_KEY_BYTES
  while (first < ends.length && exceeds(first)) first++
  return first
}

/** A name that the version has not had in this log. */
function nextName ({ positions }: ChangeLog, version: string): string {
  const reader = new Utf8Reader(positions)
  const name = Buffer.from(version)
  // The last one of a version has the highest number.
  for (let i = reader.length - 1; i >= 0; i--) {
    const start = positions.offsets[i]!
    if (compareBytes(positions.bytes, start, start + name.length, name, 0, name.length) === 0) return `${version}~${numberOf(reader.at(i)) + 1}`
  }
  return version
}

/** Positions that other replicas may not have are numbered at random from here on, so that none has the number of a counted position. */
const FIRST_RANDOM = 100_000_000
/** Random numbers from here on: before the position, the log has no position of another replica. */
const FIRST_ALONE = 550_000_000
const END_RANDOM = 1_000_000_000

/**
 * A new name for a position that this replica has reached by itself.
 *
 * @param random returns a number from 0 up to, not including, 1
 * @param earlier the names of the positions before it in the log
 */
export function randomPosition (version: string, random: () => number, earlier: readonly string[]): string {
  const isAlone = earlier.every((position) => numberOf(position) >= FIRST_ALONE)
  const [first, end] = isAlone ? [FIRST_ALONE, END_RANDOM] : [FIRST_RANDOM, FIRST_ALONE]
  return `${version}~${first + Math.floor(random() * (end - first))}`
}

/** See `findPosition`. Re-checks of single records find changes in another order on each replica. */
const REORDERED_KEYS = 100

/** Renames the last position. */
export function renameLast (log: ChangeLog, position: string): ChangeLog {
  return { ...log, positions: toColumn([...namesOf(log).slice(0, -1), position]) }
}

/** Whether the log has a position of exactly this name. */
export function hasPosition (log: ChangeLog, position: string): boolean {
  return namesOf(log).includes(position)
}

/** The data version of a position. */
export function versionOf (position: string): string {
  return position.split('~', 1)[0]!
}

function numberOf (position: string): number {
  return Number(position.split('~')[1] ?? 0)
}

/** The current position. */
export function lastPosition (log: ChangeLog): string {
  return new Utf8Reader(log.positions).at(log.ends.length - 1)
}

/**
 * The index of the position of the log after which all changes since `position` are found; changes of images may be found again. `undefined` if the log may lack some of them.
 *
 * - If the log has `position`: its index.
 * - Otherwise, the index of the earliest position of the same version, at which the records are the same. `undefined` if the log has no position of this version.
 * - But if `randomPosition` has named one of these two positions, another replica may have reached the version before it found images that this replica had found already. Then it
 *   is the index of the position before the earliest one, or of an even earlier one as long as at most REORDERED_KEYS keys were touched in between. `undefined` if it is not known
 *   which images were replaced before: if there is no such position, if it is the first one of the log and `randomPosition` has named it, or if `position` is from FIRST_ALONE on.
 */
export function findPosition (log: ChangeLog, position: string): number | undefined {
  const names = namesOf(log)
  const exact = names.indexOf(position)
  if (exact !== -1) return exact
  const earliest = names.findIndex((name) => versionOf(name) === versionOf(position))
  if (earliest === -1 || numberOf(position) >= FIRST_ALONE) return undefined
  if (![position, names[earliest]!].some((name) => numberOf(name) >= FIRST_RANDOM)) return earliest
  const reordered = log.ends.findIndex((end) => log.ends[earliest]! - end <= REORDERED_KEYS)
  const index = Math.min(earliest - 1, reordered)
  return index > 0 || (index === 0 && numberOf(names[0]!) < FIRST_RANDOM) ? index : undefined
}

/** The keys that were touched after one position, up to and including another one, in ascending order of their bytes. @param from, to indexes of positions */
export function keysBetween ({ ends, keys }: ChangeLog, from: number, to: number): string[] {
  const reader = new Utf8Reader(keys)
  const touched = new Set<string>()
  for (let i = ends[from]!; i < ends[to]!; i++) touched.add(reader.at(i))
  return [...touched].sort(compareUtf8)
}

const cachedTextsOf = memoize(textsOf)

/** The names of the positions, in the order of time. */
export function namesOf ({ positions }: ChangeLog): readonly string[] {
  return cachedTextsOf(positions)
}

export interface ChangeLogData { readonly positions: readonly string[], readonly ends: readonly number[], readonly keys: readonly string[] }

/** The log as the snapshot stores it. */
export function decodeLog ({ positions, ends, keys }: ChangeLog): ChangeLogData {
  return { positions: textsOf(positions), ends: [...ends], keys: textsOf(keys) }
}

/** The inverse of `decodeLog`. */
export function encodeLog ({ positions, ends, keys }: ChangeLogData): ChangeLog {
  return { positions: toColumn(positions), ends: Uint32Array.from(ends), keys: toColumn(keys) }
}

/** A column of these texts. */
export function toColumn (texts: readonly string[]): Utf8Column {
  const slices = texts.map(toSlice)
  return takeUtf8(texts.length, (i) => slices[i]!)
}
