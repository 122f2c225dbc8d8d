import { calendarDate } from '../base/calendar.js'
import type { MonotonicClock } from '../base/clock.js'
import { forEachConcurrently } from '../base/concurrent.js'
import { userIdOf, type RecordFields } from '../schema/record.js'
import { StoreError, type ObjectInfo, type ObjectStore } from '../store/object-store.js'
import { compareUtf8 } from '../base/utf8.js'
import { admitColumns, type ServedRows } from './admit-columns.js'
import type { EtagCache, RejectedFile, SourceState } from './etag-cache.js'
import { takeInventory } from './inventory.js'
import { nextState } from './next-state.js'
import { NO_ROW, planReconcile, toDownload, type ReconcilePlan } from './reconcile-plan.js'
import { rejection, type Reject } from './reject.js'
import { MAX_INFO_BYTES, type SourceRules } from './rules.js'
import { parseUserCsv } from './info-file.js'

/** Downloads at a time. */
const DOWNLOADS = 32

/**
 * Milliseconds that a download may take at first, and at last: after each that took too long, the next one may take twice
 * as long. Between them there is a pause, so that one object that stalls does not make all data old.
 */
const FIRST_TIMEOUT_MS = 2000
const MAX_TIMEOUT_MS = 8000
/** How many times longer than such a download the pause after it is. */
const BACKOFF_FACTOR = 5

/** How far a reconcile is: objects listed, info files to download, and downloaded. */
export interface ReconcileProgress { readonly listed: number, readonly toFetch: number, readonly fetched: number }

/** Plain data, that threads can pass on. */
export interface Reconciled {
  /** When the listing began, by the monotonic clock, and how long it took: the data is the bucket's as of then. Milliseconds. */
  readonly listedAt: number
  readonly listingMs: number
  /** What `EtagCache.replace` takes. */
  readonly state: SourceState
  /** Whether that is just what was known before. */
  readonly isUnchanged: boolean
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
  /** Try downloads again that took too long the last time, though it is not time to do so. */
  readonly retryAll?: boolean | undefined
  readonly onProgress?: ((progress: ReconcileProgress) => void) | undefined
}

/**
 * Brings what is known of the source up to date: one complete listing, then a download of each info file whose ETag or
 * size is not the known one. A bad file, or one that can't be downloaded, leaves the last good row of its user in place.
 *
 * @param previous what the last reconcile knew; read only, and not before the listing is complete
 * @throws StoreError where the listing fails: then nothing is known and `previous` stays right
 */
export async function reconcile (
  store: ObjectStore, previous: EtagCache | Promise<EtagCache>, clock: MonotonicClock, { rules, retryAll = false, onProgress = () => {} }: ReconcileOptions
): Promise<Reconciled> {
  const listedAt = clock()
  const inventory = await takeInventory(store, rules, (listed) => onProgress({ listed, toFetch: 0, fetched: 0 }), previous instanceof Promise ? undefined : previous.state)
  const listingMs = clock() - listedAt
  const birthDateOf = (birthts: number) => calendarDate(birthts, rules.timeZone)
  const known = await previous
  const isPaused = ({ backoff }: RejectedFile) => backoff !== undefined && !retryAll && clock() < backoff.until
  const plan = planReconcile(inventory, known, rules, birthDateOf, isPaused)
  const changed = toDownload(plan)
  let fetched = 0
  const report = () => onProgress({ listed: inventory.listed, toFetch: changed.length, fetched })
  report()
  await forEachConcurrently(changed, DOWNLOADS, async (user) => {
    const object = inventory.infoFiles.at(inventory.users.infoFiles[user]!)
    const timeoutMs = known.rejectedFile(object.key)?.backoff?.timeoutMs ?? FIRST_TIMEOUT_MS
    const file = await readInfoFile(store, object, { ...rules, timeoutMs, clock })
    fetched++
    // Deleted since it was listed: then the user is gone, too.
    if (file === undefined) plan.deleted.add(user)
    else if (file.rejection !== undefined) plan.rejected.set(user, file)
    else plan.listedRow[user] = ~plan.builder.add(file.data, birthDateOf(file.data.birthts), file)
    report()
  })
  const served = admitColumns(plan)
  const state = nextState(plan, served)
  return {
    listedAt,
    listingMs,
    state,
    isUnchanged: state === known.state,
    rejects: rejectsOf(plan, served),
    orphans: inventory.orphans,
    ignored: inventory.ignored,
    failed: [...plan.rejected.values()].filter((file) => file.rejection.code === 'download_failed').map(({ key }) => key).sort(compareUtf8)
  }
}

/** What came of a download. */
type InfoFile =
  | { readonly etag: string, readonly size: number, readonly racy: boolean, readonly data: RecordFields, readonly rejection?: never }
  | RejectedFile & { readonly data?: never }

interface ReadRules extends SourceRules {
  readonly timeoutMs: number
  readonly clock: MonotonicClock
}

/** Downloads and parses; `undefined` where the object is gone. The ETag is that of the body. */
async function readInfoFile (store: ObjectStore, object: ObjectInfo, { delimiter, timeoutMs, clock }: ReadRules): Promise<InfoFile | undefined> {
  const version = ({ key, etag, size, racy }: ObjectInfo) => ({ userId: userIdOf(key), key, etag, size, racy: racy === true })
  const tooLarge = rejection('too_large', `An info file has at most ${MAX_INFO_BYTES} bytes`)
  if (object.size > MAX_INFO_BYTES) return { ...version(object), rejection: tooLarge }
  try {
    const found = await store.get(object.key, { maxBytes: MAX_INFO_BYTES, maxMs: timeoutMs })
    if (found === undefined || found === 'unchanged') return undefined
    // A page of a proxy, say: an answer, but not of the store that has listed the object.
    if (found.etag === '' && object.etag !== '') throw new StoreError('corrupt', 'the answer has no ETag')
    return { ...version(found), ...parseUserCsv(found.body, delimiter) }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.code === 'too_large') return { ...version(object), rejection: tooLarge }
    const backoff = { until: clock() + BACKOFF_FACTOR * timeoutMs, timeoutMs: Math.min(2 * timeoutMs, MAX_TIMEOUT_MS) }
    return {
      ...version(object),
      racy: true,
      rejection: rejection('download_failed', `The file could not be downloaded (${error.code}); it is tried again`),
      ...error.code === 'timeout' && { backoff }
    }
  }
}

function rejectsOf ({ inventory, rejected, lastGoodRow, previous, rules }: ReconcilePlan, served: ServedRows): Reject[] {
  const lastGood = (user: number) => {
    const row = lastGoodRow[user]!
    if (served[user] !== row || row === NO_ROW) return null
    return previous.file(row, rules.prefix)
  }
  const refused = inventory.refused.map(({ userId, key, etag, rejection }) => ({ user_id: userId, key, etag, ...rejection, last_good: null }))
  const bad = [...rejected].map(([user, { userId, key, etag, rejection }]) => ({ user_id: userId, key, etag, ...rejection, last_good: lastGood(user) }))
  return [...refused, ...bad].sort((a, b) => compareUtf8(a.key, b.key))
}
