import type { MonotonicClock } from '../base/clock.js'
import { RECHECK_LISTINGS } from '../base/events.js'
import { forEachConcurrently } from '../base/concurrent.js'
import { MIN_LOSS } from '../base/large-loss.js'
import { compareUtf8 } from '../base/utf8.js'
import { sliceToString } from '../store/object-list.js'
import { isKey } from '../store/key.js'
import { StoreError, type ObjectInfo, type ReadableStore } from '../store/object-store.js'
import { TableReader } from '../table/table.js'
import { textsOf, toSlice, Utf8Reader } from '../table/utf8-column.js'
import { appendChanges, keysBetween, toColumn } from './change-log.js'
import { findListed } from './download-listed.js'
import { checkId } from './inventory.js'
import { objectClassifier } from './object-kinds.js'
import { listingOf, partView } from './lake-part.js'
import type { Quarantine, QuarantineEntry } from './quarantine.js'
import { reconcile, type Reconciled } from './reconcile.js'
import { QUARANTINE_CODES } from './reject.js'
import { MAX_LAKE_COLUMNS, type SourceRules } from './rules.js'
import { infoFileOf, nextStateName, rejectedFilesOf, type SourceState } from './source-state.js'
import { idIn } from './entity-objects.js'
import { applyChange, isNoChange, recordsOf, viewChange, type ChangedRecord, type View, type ViewChange } from './view-change.js'

/** The part of a `Reconciled` that re-checking some records can change. */
type Checked<State = SourceState, Quarantines = Quarantine> = Pick<Reconciled<State, Quarantines>, 'state' | 'quarantine' | 'failed' | 'hasOutdatedImages' | 'removedSince'>

/** The result of re-checking some records. */
export interface Rechecked<State = SourceState, Quarantines = Quarantine> extends Checked<State, Quarantines> {
  /** The number of LIST requests, each for one key. */
  readonly listRequests: number
}

/** The maximum number of HEAD requests at a time. */
const MAX_HEADS = 16

/** The maximum number of bytes of the key of an object that an event may name: that of S3. */
const MAX_KEY_BYTES = 1024
/** A part of a path that a proxy or a store may resolve, so that the request would be about another object. */
const RELATIVE_SEGMENT = /(^|\/)\.\.?(\/|$)/

/**
 * Returns a function that returns the key of the record that an object can be part of; `undefined` if the object is neither an info file nor an image of the lake, or
 * if its key must not be requested just because an event names it.
 */
export function recordFinder (rules: SourceRules): (objectKey: string) => string | undefined {
  const classify = objectClassifier(rules)
  return (objectKey) => {
    if (!isKey(objectKey) || !objectKey.startsWith(rules.prefix) || Buffer.byteLength(objectKey) > MAX_KEY_BYTES || RELATIVE_SEGMENT.test(objectKey)) return undefined
    const slice = toSlice(objectKey)
    const object = classify(slice)
    if (object.kind !== 'info' && object.kind !== 'image') return undefined
    const id = idIn(slice, object.extension.length)
    return checkId(id) === undefined ? sliceToString(id) : undefined
  }
}

/**
 * Brings the records that some objects are part of up to date, without a listing: a HEAD of each object that is known of these records, and of
 * these keys, takes the place of the listing, and `reconcile` does the rest with these records only. So the result is what a listing would have found of them.
 *
 * @param last the result of the last reconcile, with those of later re-checks
 * @param objectKeys keys of info files and images; others have no effect
 * @returns `undefined` if only a listing can decide. If nothing has changed, the state is the last one
 * @throws StoreError if an object cannot be read
 */
export async function recheck (store: ReadableStore, last: Checked, objectKeys: readonly string[], clock: MonotonicClock, rules: SourceRules): Promise<Rechecked | undefined> {
  let requests = 0
  try {
    const found = await recheckRecords(withListingsNoted(store, () => { requests++ }), last, objectKeys, clock, rules)
    return found && { ...found, listRequests: requests }
  } finally {
    if (requests > 0 && RECHECK_LISTINGS.hasSubscribers) RECHECK_LISTINGS.publish({ requests })
  }
}

/** As `recheck`. */
async function recheckRecords (store: ReadableStore, last: Checked, objectKeys: readonly string[], clock: MonotonicClock, rules: SourceRules): Promise<Checked | undefined> {
  // Only a listing finds the warnings about an empty lake, and a lake with too many columns admits files by comparing all of them.
  if (last.state.table.length === 0 || last.quarantine.codes.includes(TOO_MANY_COLUMNS)) return undefined
  const recordOf = recordFinder(rules)
  const ids = new Set(objectKeys.map(recordOf).filter((id) => id !== undefined))
  const part = partOf(last, ids, rules)
  const known = new Set(objectKeysOf(part, rules))
  const objects = await readInfos(store, new Set([...known, ...objectKeys.filter((key) => recordOf(key) !== undefined)]))
  // A record that loses its image gets an older one, which is not known.
  if (last.hasOutdatedImages && [...known].some((key) => !objects.has(key))) return undefined
  const next = await reconcile(listingOf(store, rules.prefix, [...objects.values()]), part.state, clock, { rules, totalFiles: Infinity })
  if (next.failed.length > 0 || next.readAgainAt !== undefined || hasNewUnreadable(part.state, next.state)) return undefined
  const change = viewChange(part, next)
  // Together with what the next listing lacks, the loss may be large: only a listing decides whether it is believed.
  const removedSince = last.removedSince + change.removed.length
  if (removedSince >= MIN_LOSS) return undefined
  const rest = { removedSince, failed: last.failed.filter((key) => !objects.has(key) && !known.has(key)), hasOutdatedImages: last.hasOutdatedImages || next.hasOutdatedImages }
  if (isNoChange(change)) return { ...rest, state: last.state, quarantine: last.quarantine }
  // The images of a rejected file without a record are not known.
  const records = new TableReader(part.state.table).keys
  if ([...rejectedFilesOf(part.state).values()].some(({ id }) => records.find(id) === -1)) return undefined
  const { state, quarantine } = applyChange(last, withinWhole(change, last.quarantine, part.quarantine), rules, nextStateName(last.state, clock()))
  const { columnNames, declared } = new TableReader(state.table)
  if (state.table.length === 0) return undefined
  if (columnNames.length - declared.length > MAX_LAKE_COLUMNS) return undefined
  const touched = keysBetween(next.state.changes, 0, next.state.changes.ends.length - 1)
  const changes = touched.length === 0 ? last.state.changes : appendChanges(last.state.changes, state.table.version, toColumn(touched))
  return { ...rest, state: { ...state, changes }, quarantine }
}

const TOO_MANY_COLUMNS = QUARANTINE_CODES.indexOf('too_many_lake_columns')

/** A view that has only these records, and what the quarantine has of them. */
function partOf (view: View, ids: ReadonlySet<string>, rules: SourceRules): View {
  const rejected = [...rejectedFilesOf(view.state).values()].filter(({ id }) => ids.has(id))
  return partView({ records: recordsOf(view.state, ids), rejected, entries: entriesOf(view.quarantine, ids) }, rules)
}

function entriesOf ({ ids: column, json }: Quarantine, ids: ReadonlySet<string>): QuarantineEntry[] {
  const [owners, entries] = [new Utf8Reader(column), new Utf8Reader(json)]
  const rows = Array.from({ length: owners.length }, (_, row) => row).filter((row) => ids.has(owners.at(row)))
  return rows.map((row) => JSON.parse(entries.at(row)) as QuarantineEntry)
}

/** The keys of all objects that a view knows. */
function objectKeysOf ({ state, quarantine }: View, { prefix }: SourceRules): string[] {
  const imageKeys = (record: ChangedRecord) => record.images.filter((image) => image !== null).map(({ key }) => key)
  const records = recordsOf(state, textsOf(state.table.keys))
  return [...records.flatMap((record, row) => [infoFileOf(state, row, prefix).key, ...imageKeys(record)]), ...textsOf(quarantine.keys)]
}

/** The objects that exist, by key and in the order of their keys. */
async function readInfos (store: ReadableStore, keys: ReadonlySet<string>): Promise<ReadonlyMap<string, ObjectInfo>> {
  const found: ObjectInfo[] = []
  await forEachConcurrently(keys, MAX_HEADS, async (key) => {
    const info = await store.head(key).catch((error: unknown) => {
      // The object may exist and not be readable, or be missing: with some rights, S3 refuses to read an object that does not exist.
      if (error instanceof StoreError && error.isRefused) return findListed(store, key)
      throw error
    })
    if (info !== undefined) found.push(info)
  })
  return new Map(found.sort((a, b) => compareUtf8(a.key, b.key)).map((info) => [info.key, info]))
}

/** Whether a file is given up that was not given up before. If the lake has many such files, they are not the cause: `settleFailedReads` needs a listing to decide that. */
function hasNewUnreadable (previous: SourceState, next: SourceState): boolean {
  const known = rejectedFilesOf(previous)
  return [...rejectedFilesOf(next).values()].some(({ key, etag, size, rejection: { code } }) => {
    const last = known.get(key)
    return code === 'unreadable' && !(last?.rejection.code === code && last.etag === etag && last.size === size)
  })
}

/** The same store; `onRequest` is called for each LIST request. */
function withListingsNoted (store: ReadableStore, onRequest: () => void): ReadableStore {
  return {
    usefulDownloads: store.usefulDownloads,
    list: (prefix, options) => store.list(prefix, {
      ...options,
      onRequest: () => {
        onRequest()
        options?.onRequest?.()
      }
    }),
    get: (key, options) => store.get(key, options),
    head: (key) => store.head(key)
  }
}

/** The change of a part as a change of the whole: the counts of the quarantine are those of the whole. */
function withinWhole (change: ViewChange, { counts, ignored }: Quarantine, { counts: before }: Quarantine): ViewChange {
  if (change.quarantine === null) return change
  const { counts: after } = change.quarantine
  return {
    ...change,
    quarantine: {
      ...change.quarantine,
      // The next listing compares the entries.
      origin: '',
      counts: { rejects: counts.rejects + after.rejects - before.rejects, orphans: counts.orphans + after.orphans - before.orphans, ignored: counts.ignored },
      ignored
    }
  }
}
