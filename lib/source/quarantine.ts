import { createHash } from 'node:crypto'
import { shared } from '../base/shared-memory.js'
import { compareUtf8 } from '../base/utf8.js'
import { sliceToString } from '../store/object-list.js'
import { NO_ROW } from '../table/row-source.js'
import { sliceAt, takeUtf8, Utf8Builder, Utf8Reader, type Utf8Column } from '../table/utf8-column.js'
import type { ServedRows } from './admit-columns.js'
import { rejectDuplicate } from './duplicate-file.js'
import type { IgnoredObjects } from './ignored-objects.js'
import type { Inventory } from './inventory.js'
import type { ReconcilePlan } from './reconcile-plan.js'
import { QUARANTINE_CODES, rejection, type QuarantineCode, type Rejection } from './reject.js'
import { infoFileOf, type SourceState } from './source-state.js'

/** An entry as responses contain it. */
export interface QuarantineEntry extends Rejection<QuarantineCode> {
  /** `null` if the key contains no valid id. */
  readonly user_id: string | null
  readonly key: string
  readonly etag: string
  readonly code: QuarantineCode
  /** The version of the info file whose record is served meanwhile; `null` if no earlier version is served. */
  readonly last_good: { readonly key: string, readonly etag: string } | null
}

/** The objects of the lake that are not part of a record, by key in bytewise order. Immutable, in shared memory. A lake can have 100,000 of them. */
export interface Quarantine {
  /** Identifies the content: equal quarantines have equal names. */
  readonly name: string
  readonly counts: { readonly rejects: number, readonly orphans: number, readonly ignored: number }
  readonly ignored: readonly IgnoredObjects[]
  readonly keys: Utf8Column
  /** Empty for `null`. */
  readonly ids: Utf8Column
  /** Indexes into QUARANTINE_CODES. */
  readonly codes: Uint8Array
  /** The ids of the entities whose last good record is served, in ascending order of their bytes. */
  readonly lastGoodIds: Utf8Column
  /** Each entry as a JSON object. */
  readonly json: Utf8Column
  /** Identifies what the entries depend on, besides the rejected files. */
  readonly origin: string
}

/** The entries of a quarantine with one code. */
export interface CodeGroup {
  readonly code: QuarantineCode
  readonly count: number
  /** The one with the first key. */
  readonly first: () => QuarantineEntry
}

/**
 * Groups entries by code: the most frequent one first, of two that are equally frequent the one with the first key.
 *
 * @param rows the rows of the entries, in ascending order; default: all
 */
export function groupByCode ({ codes, json }: Quarantine, rows: Iterable<number> = codes.keys()): CodeGroup[] {
  const groups = new Map<number, { count: number, readonly row: number }>()
  for (const row of rows) {
    const group = groups.get(codes[row]!)
    if (group === undefined) groups.set(codes[row]!, { count: 1, row })
    else group.count++
  }
  const entries = new Utf8Reader(json)
  return [...groups].map(([code, { count, row }]) => ({ code: QUARANTINE_CODES[code]!, count, first: () => JSON.parse(entries.at(row)) as QuarantineEntry })).sort((a, b) => b.count - a.count)
}

/** The quarantine after a reconcile. If nothing has changed, it is the previous one, at little cost. */
export function nextQuarantine (plan: ReconcilePlan, served: ServedRows, state: SourceState, previous: Quarantine | undefined): Quarantine {
  const origin = originOf(plan, served)
  if (previous !== undefined && state.rejected === plan.previous.rejected && previous.origin === origin) return previous
  const next = buildQuarantine(plan, served, origin)
  return next.name === previous?.name ? { ...previous, origin } : next
}

/**
 * Identifies what the entries depend on, besides the rejected files. Of the last good records, their number is enough: while a file is
 * rejected, its last good record does not change, and can only be dropped because the lake has too many columns.
 */
function originOf ({ inventory: { listingRejects, duplicates, images, ignored }, rejected, lastGoodRow }: ReconcilePlan, served: ServedRows): string {
  let lastGood = 0
  for (const entity of rejected.keys()) if (hasLastGood(lastGoodRow, served, entity)) lastGood++
  const ofOrphans = images.flatMap(({ objects, orphans }) => {
    const keys = takeUtf8(orphans.length, (i) => objects.key(orphans[i]!))
    const etags = takeUtf8(orphans.length, (i) => objects.etag(orphans[i]!))
    return [keys.offsets, keys.bytes, etags.offsets, etags.bytes]
  })
  return digest(JSON.stringify([lastGood, listingRejects, duplicates, ignored]), ...ofOrphans)
}

function hasLastGood (lastGoodRow: Int32Array, served: ServedRows, entity: number): boolean {
  return lastGoodRow[entity] !== NO_ROW && served[entity] === lastGoodRow[entity]
}

function buildQuarantine (plan: ReconcilePlan, served: ServedRows, origin: string): Quarantine {
  const { inventory, rejected } = plan
  const counts = {
    rejects: inventory.listingRejects.length + inventory.duplicates.length + rejected.size,
    orphans: inventory.images.reduce((sum, { orphans }) => sum + orphans.length, 0),
    ignored: inventory.ignored.reduce((sum, { count }) => sum + count, 0)
  }
  return quarantineOf([...listingRejectEntries(inventory), ...duplicateEntries(plan), ...rejectedEntries(plan, served), ...orphanEntries(inventory)], { counts, ignored: inventory.ignored, origin })
}

/** The quarantine with these entries, in any order. */
export function quarantineOf (unordered: readonly QuarantineEntry[], { counts, ignored, origin }: Pick<Quarantine, 'counts' | 'ignored' | 'origin'>): Quarantine {
  const entries = [...unordered].sort((a, b) => compareUtf8(a.key, b.key))
  const json = columnOf(entries, (entry) => JSON.stringify(entry))
  return {
    name: digest(JSON.stringify([counts, ignored]), json.bytes),
    counts,
    ignored,
    keys: columnOf(entries, ({ key }) => key),
    ids: columnOf(entries, ({ user_id: id }) => id ?? ''),
    codes: codesOf(entries),
    lastGoodIds: lastGoodIdsOf(entries),
    json,
    origin
  }
}

function * listingRejectEntries ({ listingRejects }: Inventory): Generator<QuarantineEntry> {
  for (const { key, etag, rejection } of listingRejects) yield entryOf(null, key, etag, rejection)
}

function * duplicateEntries ({ inventory: { duplicates }, rejected, rules }: ReconcilePlan): Generator<QuarantineEntry> {
  if (duplicates.length === 0) return
  const rejections = new Map([...rejected.values()].map(({ key, rejection }) => [key, rejection]))
  for (const duplicate of duplicates) yield entryOf(duplicate.id, duplicate.key, duplicate.etag, rejectDuplicate(duplicate, rules.duplicates, rejections.get(duplicate.chosenKey)))
}

function * rejectedEntries ({ rejected, lastGoodRow, previous, rules }: ReconcilePlan, served: ServedRows): Generator<QuarantineEntry> {
  for (const [entity, { id, key, etag, rejection }] of rejected) {
    const lastGood = hasLastGood(lastGoodRow, served, entity) ? infoFileOf(previous, lastGoodRow[entity]!, rules.prefix) : null
    yield entryOf(id, key, etag, rejection, lastGood)
  }
}

function * orphanEntries ({ images }: Inventory): Generator<QuarantineEntry> {
  const orphan = rejection('orphan', 'No info file has the same name before the extension')
  for (const { objects, orphans } of images) {
    for (const image of orphans) yield entryOf(sliceToString(objects.id(image)) || null, sliceToString(objects.key(image)), sliceToString(objects.etag(image)), orphan)
  }
}

function entryOf (id: string | null, key: string, etag: string, rejection: Rejection<QuarantineCode>, lastGood: QuarantineEntry['last_good'] = null): QuarantineEntry {
  const { code, detail, hint, line, column, excerpt } = rejection
  return { user_id: id, key, etag, code, detail, hint, line, column, excerpt, last_good: lastGood }
}

function columnOf (entries: readonly QuarantineEntry[], textOf: (entry: QuarantineEntry) => string): Utf8Column {
  const builder = new Utf8Builder(entries.length)
  for (const entry of entries) builder.push(textOf(entry))
  return takeUtf8(builder.length, (i) => sliceAt(builder, i))
}

function lastGoodIdsOf (entries: readonly QuarantineEntry[]): Utf8Column {
  const lastGood = entries.filter(({ last_good: version }) => version !== null)
  return columnOf(lastGood.sort((a, b) => compareUtf8(a.user_id!, b.user_id!)), ({ user_id: id }) => id!)
}

function codesOf (entries: readonly QuarantineEntry[]): Uint8Array {
  const codes = shared(Uint8Array, entries.length)
  entries.forEach(({ code }, i) => { codes[i] = QUARANTINE_CODES.indexOf(code) })
  return codes
}

function digest (...parts: readonly (string | NodeJS.TypedArray)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('base64url').slice(0, 22) // 132 bits
}
