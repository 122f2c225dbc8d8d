import { calendarDate } from '../calendar.js'
import type { Clock } from '../clock.js'
import { forEachConcurrently } from '../concurrent.js'
import { BASE_COLUMNS, type UserRow } from '../record.js'
import { StoreError, type ObjectInfo, type ObjectStore } from '../store/object-store.js'
import { compareUtf8 } from '../utf8.js'
import { isVersion, servedBy, type CacheEntry, type EtagCache, type GoodRow } from './etag-cache.js'
import { takeInventory, type Inventory } from './inventory.js'
import { fault, type Reject } from './reject.js'
import { MAX_INFO_BYTES, MAX_LAKE_COLUMNS, type SourceRules } from './rules.js'
import { parseUserCsv } from './user-csv.js'

/** Downloads at a time. */
const DOWNLOADS = 32

/** How far a reconcile is: objects listed, info files to download, and downloaded. */
export interface Progress { readonly listed: number, readonly to_fetch: number, readonly fetched: number }

export interface Reconciled {
  /** When the listing began, and how long it took: the data is the bucket's as of then. Milliseconds. */
  readonly listedAt: number
  readonly listingMs: number
  /** What `EtagCache.replace` takes. */
  readonly entries: readonly CacheEntry[]
  /** What is served, in the order of the user ids; a row that has not changed is the same object as before. */
  readonly rows: readonly UserRow[]
  /** The image of each user that has one. */
  readonly images: ReadonlyMap<string, ObjectInfo>
  readonly rejects: readonly Reject[]
  /** Keys of images without an info file. */
  readonly orphans: readonly string[]
  /** How many objects are neither info file nor image. */
  readonly ignored: number
  /** Keys that could not be downloaded; they are tried again next time. */
  readonly failed: readonly string[]
}

export interface ReconcileOptions {
  readonly rules: SourceRules
  readonly onProgress?: (progress: Progress) => void
}

/**
 * Brings what is known of the source up to date: one complete listing, then a download of each info file whose ETag or
 * size is not the known one. A bad file, or one that can't be downloaded, leaves the last good row of its user in place.
 *
 * @param previous what the last reconcile knew; read only
 * @throws StoreError where the listing fails: then nothing is known and `previous` stays right
 */
export async function reconcile (
  store: ObjectStore, previous: EtagCache, clock: Clock, { rules, onProgress = () => {} }: ReconcileOptions
): Promise<Reconciled> {
  const listedAt = clock()
  const inventory = await takeInventory(store, rules, (listed) => onProgress({ listed, to_fetch: 0, fetched: 0 }))
  const listingMs = clock() - listedAt
  const { known, changed } = compare(inventory, previous)
  const fetched: CacheEntry[] = []
  const report = () => onProgress({ listed: inventory.listed, to_fetch: changed.length, fetched: fetched.length })
  report()
  await forEachConcurrently(changed, DOWNLOADS, async ([userId, object]) => {
    const entry = await readInfoFile(store, userId, object, rules)
    // Deleted since it was listed: then the user is gone too.
    if (entry !== undefined) fetched.push(withLastGood(entry, previous))
    report()
  })
  const entries = withImages(admitColumns([...known, ...fetched], previous), inventory)
    .sort((a, b) => compareUtf8(a.userId, b.userId))
  return {
    listedAt,
    listingMs,
    entries,
    rows: entries.flatMap((entry) => servedBy(entry)?.row ?? []),
    images: inventory.images,
    rejects: rejectsOf(inventory, entries),
    orphans: inventory.orphans,
    ignored: inventory.ignored,
    failed: entries.filter((entry) => entry.fault?.code === 'download_failed').map((entry) => entry.key)
  }
}

function compare (inventory: Inventory, previous: EtagCache) {
  const known: CacheEntry[] = []
  const changed: [string, ObjectInfo][] = []
  for (const [userId, object] of inventory.infoFiles) {
    const entry = previous.match(object) ?? restored(userId, object, previous.served(userId))
    if (entry === undefined) changed.push([userId, object])
    else known.push(entry.lastModified === object.lastModified ? entry : { ...entry, lastModified: object.lastModified })
  }
  return { known, changed }
}

/** The entry of a file that is once more the version its last good row came from. */
function restored (userId: string, object: ObjectInfo, served: GoodRow | undefined): CacheEntry | undefined {
  return served !== undefined && isVersion(served, object) ? { userId, lastModified: object.lastModified, ...served } : undefined
}

/** Downloads and parses; `undefined` where the object is gone. The ETag is that of the body. */
async function readInfoFile (
  store: ObjectStore, userId: string, object: ObjectInfo, { delimiter, timeZone }: SourceRules
): Promise<CacheEntry | undefined> {
  // The time is the listing's: an answer to GET has it in whole seconds.
  const { lastModified } = object
  const version = ({ key, etag, size, unsettled }: ObjectInfo) => ({ userId, key, etag, size, lastModified, settled: !unsettled })
  const tooLarge = fault('too_large', `An info file has at most ${MAX_INFO_BYTES} bytes`)
  if (object.size > MAX_INFO_BYTES) return { ...version(object), fault: tooLarge }
  try {
    const found = await store.get(object.key, { maxBytes: MAX_INFO_BYTES })
    if (found === undefined || found === 'unchanged') return undefined
    const { data, fault } = parseUserCsv(found.body, delimiter)
    if (fault !== undefined) return { ...version(found), fault }
    const row = { user_id: userId, ...data, img_path: null, birth_date: calendarDate(data.birthts, timeZone) }
    return { ...version(found), row }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.code === 'too_large') return { ...version(object), fault: tooLarge }
    return { ...version(object), settled: false, fault: fault('download_failed', `The file could not be downloaded (${error.code}); it is tried again`) }
  }
}

/** A bad version does not make its user disappear. */
function withLastGood (entry: CacheEntry, previous: EtagCache): CacheEntry {
  return entry.fault === undefined ? entry : { ...entry, lastGood: previous.served(entry.userId) }
}

/**
 * Rejects the files that would give the lake too many columns. Older uploads come first, so that a new file never costs
 * another user its place, and every replica decides alike; a file that fits again is admitted without a download.
 */
function admitColumns (entries: readonly CacheEntry[], previous: EtagCache): CacheEntry[] {
  const columns = new Set<string>(BASE_COLUMNS)
  const fits = ({ further }: UserRow) => {
    const added = Object.keys(further).filter((name) => !columns.has(name))
    if (columns.size + added.length > MAX_LAKE_COLUMNS) return false
    added.forEach((name) => columns.add(name))
    return true
  }
  const admit = (entry: CacheEntry): CacheEntry => {
    if (entry.row !== undefined && fits(entry.row)) return entry.fault === undefined ? entry : { ...entry, fault: undefined, lastGood: undefined }
    const lastGood = entry.lastGood ?? previous.served(entry.userId)
    return {
      ...entry,
      fault: entry.row === undefined ? entry.fault : fault('too_many_lake_columns', `With this file the lake would have more than ${MAX_LAKE_COLUMNS} columns`),
      lastGood: lastGood !== undefined && fits(lastGood.row) ? lastGood : undefined
    }
  }
  return entries.toSorted((a, b) => a.lastModified - b.lastModified || compareUtf8(a.userId, b.userId)).map(admit)
}

/** The entries, their rows joined with the images of the listing. */
function withImages (entries: readonly CacheEntry[], { images }: Inventory): CacheEntry[] {
  return entries.map((entry) => {
    const img_path = images.get(entry.userId)?.key ?? null
    const isJoined = (row: UserRow | undefined) => row === undefined || row.img_path === img_path
    if (isJoined(entry.row) && isJoined(entry.lastGood?.row)) return entry
    return {
      ...entry,
      row: entry.row && { ...entry.row, img_path },
      lastGood: entry.lastGood && { ...entry.lastGood, row: { ...entry.lastGood.row, img_path } }
    }
  })
}

function rejectsOf (inventory: Inventory, entries: readonly CacheEntry[]): Reject[] {
  const refused = inventory.refused.map(({ userId, object: { key, etag }, fault }) =>
    ({ user_id: userId, key, etag, ...fault, last_good: null }))
  const bad = entries.flatMap(({ userId, key, etag, fault, lastGood }) => fault === undefined
    ? []
    : [{ user_id: userId, key, etag, ...fault, last_good: lastGood === undefined ? null : { key: lastGood.key, etag: lastGood.etag } }])
  return [...refused, ...bad].sort((a, b) => compareUtf8(a.key, b.key))
}
