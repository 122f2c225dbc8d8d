import type { MonotonicClock } from '../base/clock.js'
import { compareUtf8 } from '../base/utf8.js'
import { keysBetween } from '../source/change-log.js'
import { checkId } from '../source/inventory.js'
import { listingOf, partView } from '../source/lake-part.js'
import { objectClassifier } from '../source/object-kinds.js'
import type { QuarantineEntry } from '../source/quarantine.js'
import { reconcile, type ReconcileProgress, type Reconciled } from '../source/reconcile.js'
import type { SourceRules } from '../source/rules.js'
import { infoFileOf, isUnread, rejectedFilesOf, type Backoff, type RejectedFile } from '../source/source-state.js'
import { changedRows, type View } from '../source/view-change.js'
import type { ObjectInfo, ReadableStore } from '../store/object-store.js'
import { textsOf, toSlice } from '../table/utf8-column.js'
import type { ObjectChange } from './compare-listing.js'
import type { KnownLake } from './known-lake.js'
import type { Delta } from './stage.js'
import type { StoredObject, StoredReject } from './stored-record.js'
import { recordsOfTable } from './table-records.js'

/** What this process knows of a file that could not be read, besides what the tables have. */
export interface KnownFailure extends Pick<RejectedFile, 'key' | 'etag' | 'size'> { readonly backoff: Backoff }

export interface BatchOptions {
  /** The version that the listing was compared with; `undefined` if the tables have no version. */
  readonly known: KnownLake | undefined
  readonly rules: SourceRules
  readonly clock: MonotonicClock
  readonly isRequired: boolean
  /** Whether half of the info files of the lake, or more, cannot be read: see `settleFailedReads`. */
  readonly isMostlyUnread: boolean
  /** By object key. */
  readonly failures: ReadonlyMap<string, KnownFailure>
  readonly onProgress: (progress: ReconcileProgress) => void
}

export interface ReconciledBatch {
  readonly delta: Delta
  /** How many more records there are; negative if there are fewer. */
  readonly added: number
  /** The number of records that info files are listed of, valid or not. */
  readonly listed: number
  /** The keys of the known records of which no info file is listed. */
  readonly missing: readonly string[]
  /** The ids of known unread files, which may be records, of which no info file is listed. */
  readonly missingUnread: readonly string[]
  /** The keys of the records that were added, changed or removed, or of which an image was replaced. */
  readonly touched: readonly string[]
  /** The files that could not be read. */
  readonly failures: readonly KnownFailure[]
  readonly outcome: Pick<Reconciled, 'requests' | 'work' | 'coverage' | 'failed' | 'readAgainAt'>
}

/** An object as the listing has it, and the key of its record. */
interface BatchObject { readonly id: string, readonly info: ObjectInfo }

/**
 * Brings some records up to date.
 *
 * @param changes all changes of these records
 * @throws StoreError, EngineError
 */
export async function reconcileBatch (store: ReadableStore, changes: readonly ObjectChange[], options: BatchOptions): Promise<ReconciledBatch> {
  const { known, rules, clock, isRequired, isMostlyUnread, failures, onProgress } = options
  const ids = [...new Set(changes.map(({ id }) => id))]
  const [objects, rejects, records] = known === undefined ? [[], [], []] : await Promise.all([known.objectsOf(ids), known.rejectsOf(ids), known.recordsOf(ids)])
  const listed = listedObjects(objects, changes)
  const rejected = rejects.filter(({ file }) => file !== '').map(({ file }) => withBackoff(JSON.parse(file) as RejectedFile, failures))
  const previous = partView({ records, rejected, entries: rejects.map(({ entry }) => JSON.parse(entry) as QuarantineEntry) }, rules)
  const next = await reconcile(listingOf(store, rules.prefix, [...listed.values()].map(({ info }) => info)), previous.state, clock, {
    rules, isRequired, onProgress, totalFiles: isMostlyUnread ? 0 : Infinity
  })
  const { rows, removed } = changedRows(previous.state, next.state)
  const changedObjects = difference(objects, storedObjects(listed, next, rules))
  const changedRejects = difference(rejects, storedRejects(next, (key) => listed.get(key)!.id))
  const { changes: log } = next.state
  const entities = listedIds(listed, rules)
  const recordIds = new Set(idsOf(records))
  return {
    delta: {
      records: [...recordsOfTable(next.state.table, next.state, rows)],
      removedRecords: removed,
      objects: changedObjects.set,
      removedObjects: changedObjects.removed,
      rejects: changedRejects.set,
      removedRejects: changedRejects.removed
    },
    added: next.state.table.length - previous.state.table.length,
    listed: entities.size,
    missing: idsOf(records).filter((id) => !entities.has(id)),
    missingUnread: idsOf(rejected.filter(isUnread)).filter((id) => !entities.has(id) && !recordIds.has(id)),
    touched: keysBetween(log, 0, log.ends.length - 1),
    failures: [...rejectedFilesOf(next.state).values()].flatMap(({ key, etag, size, backoff }) => backoff === undefined ? [] : { key, etag, size, backoff }),
    outcome: next
  }
}

function idsOf (files: readonly { readonly id: string }[]): string[] {
  return [...new Set(files.map(({ id }) => id))]
}

/** The objects of the batch as the listing has them, by key, in the order of the keys. */
function listedObjects (known: readonly StoredObject[], changes: readonly ObjectChange[]): ReadonlyMap<string, BatchObject> {
  const objects = new Map<string, BatchObject>(known.map(({ key, id, etag, size, modified }) => [key, { id, info: { key, etag, size, lastModified: modified } }]))
  for (const { key, id, listed } of changes) {
    if (listed === undefined) objects.delete(key)
    else objects.set(key, { id, info: listed })
  }
  return new Map([...objects].sort(([a], [b]) => compareUtf8(a, b)))
}

/** The ids of the records whose info files are listed. */
function listedIds (listed: ReadonlyMap<string, BatchObject>, rules: SourceRules): ReadonlySet<string> {
  const classify = objectClassifier(rules)
  return new Set([...listed].filter(([key, { id }]) => classify(toSlice(key)).kind === 'info' && checkId(toSlice(id)) === undefined).map(([, { id }]) => id))
}

/** Adds the backoff of this process if it has tried to read this version of the file, so that the next attempt is not earlier than planned. */
function withBackoff (file: RejectedFile, failures: ReadonlyMap<string, KnownFailure>): RejectedFile {
  const failure = failures.get(file.key)
  return failure !== undefined && failure.etag === file.etag && failure.size === file.size ? { ...file, backoff: failure.backoff } : file
}

/**
 * The objects that the next listing is compared with. The ETag and size of an info file are those of the version that was read, which differs from the listed one if the file was
 * replaced after it was listed. A file that was deleted meanwhile is left out, so that a listing that has it again is a change.
 */
function storedObjects (listed: ReadonlyMap<string, BatchObject>, { state, quarantine }: View, rules: SourceRules): StoredObject[] {
  const classify = objectClassifier(rules)
  const rejected = rejectedFilesOf(state)
  const quarantined = new Set(textsOf(quarantine.keys))
  const files = new Map(Array.from({ length: state.table.length }, (_, row) => ({ ...infoFileOf(state, row, rules.prefix), size: state.files.sizes[row]! })).map((file) => [file.key, file]))
  return [...listed].flatMap(([key, { id, info }]) => {
    const version = classify(toSlice(key)).kind === 'image' ? info : rejected.get(key) ?? (quarantined.has(key) ? info : files.get(key))
    return version === undefined ? [] : { key, id, etag: version.etag, size: version.size, modified: info.lastModified }
  })
}

/** The entries of a quarantine. Times of the monotonic clock are left out, which other processes do not know. */
function storedRejects ({ state, quarantine }: View, idOf: (key: string) => string): StoredReject[] {
  const rejected = rejectedFilesOf(state)
  return textsOf(quarantine.json).map((entry) => {
    const { key, code } = JSON.parse(entry) as QuarantineEntry
    const file = rejected.get(key)
    return { key, id: idOf(key), code, racy: file?.racy === true, file: file === undefined ? '' : JSON.stringify({ ...file, backoff: undefined, readAgainAt: undefined }), entry }
  })
}

/** The rows that are new or differ from the previous ones, and the keys of those that are removed. */
function difference<T extends { readonly key: string }> (before: readonly T[], after: readonly T[]): { readonly set: readonly T[], readonly removed: readonly string[] } {
  const old = new Map(before.map((row) => [row.key, JSON.stringify(row)]))
  const keys = new Set(after.map(({ key }) => key))
  return {
    set: after.filter((row) => old.get(row.key) !== JSON.stringify(row)),
    removed: before.map(({ key }) => key).filter((key) => !keys.has(key))
  }
}
