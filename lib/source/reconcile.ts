import type { MonotonicClock } from '../base/clock.js'
import { forEachConcurrently } from '../base/concurrent.js'
import type { InfoFormat } from '../base/info-formats.js'
import { compareUtf8 } from '../base/utf8.js'
import type { Loss } from '../base/large-loss.js'
import type { Warning } from '../base/warning.js'
import type { RecordFields } from '../schema/record.js'
import { compileSchema } from '../schema/schema.js'
import { sliceToString } from '../store/object-list.js'
import { StoreError, type ObjectInfo, type ObjectStore } from '../store/object-store.js'
import { readPreconditions, type Preconditions } from '../store/precondition.js'
import { fromDraft } from '../table/row-source.js'
import { admitColumns } from './admit-columns.js'
import { isCutOff } from './incomplete-file.js'
import { parseWithHidden } from './hidden-columns.js'
import { parseInfoFile } from './info-file.js'
import { takeInventory } from './inventory.js'
import { findLakeWarnings } from './lake-warnings.js'
import type { LossGuard } from './loss-guard.js'
import { nextState } from './next-state.js'
import { nextQuarantine, type Quarantine } from './quarantine.js'
import { planReconcile, toDownload } from './reconcile-plan.js'
import { rejection } from './reject.js'
import { MAX_INFO_BYTES, type SourceRules } from './rules.js'
import { EMPTY_NAME, rejectedFilesOf, type RejectedFile, type SourceState } from './source-state.js'
import type { VanishedRows } from './vanished-rows.js'

/** The most bytes of info files that are downloaded at a time, by the sizes that are listed. */
const MAX_BYTES_IN_FLIGHT = 64 * 1024 * 1024

/**
 * How long the first attempt at a download may take, in milliseconds. The limit doubles with each timeout, up to the maximum, and
 * there is a pause between attempts: one object that stalls must not make all data stale.
 */
const FIRST_TIMEOUT_MS = 2000
const MAX_TIMEOUT_MS = 8000
/** The pause after a timeout, as a multiple of that timeout. */
const BACKOFF_FACTOR = 5

/** Progress of a reconcile: objects listed, requests for the listing, info files to download, and info files downloaded. */
export interface ReconcileProgress { readonly listed: number, readonly requests: number, readonly toFetch: number, readonly fetched: number }

/** The outcome of a reconcile. Plain data that can be posted to another thread. */
export interface Reconciled<State = SourceState, Quarantines = Quarantine> {
  /** When the listing began, in milliseconds of the monotonic clock: the data is at least as new as that. */
  readonly listedAt: number
  /** How long the listing took, in milliseconds. */
  readonly listingMs: number
  /** The number of requests that the listing has taken. */
  readonly requests: number
  /** The state after the listing; the previous one if nothing has changed. */
  readonly state: State
  /** The previous one if nothing in it has changed. */
  readonly quarantine: Quarantines
  readonly warnings: readonly Warning[]
  /** Keys of info files that could not be downloaded. The next reconcile tries them again. */
  readonly failed: readonly string[]
  /** When the first incomplete info file can be read again, in milliseconds of the monotonic clock; absent if no file is incomplete. */
  readonly readAgainAt?: number | undefined
  /** The preconditions of the outputs, as they were before the listing began. */
  readonly preconditions: Preconditions
  /** Present if the listing has lost so many records that a second one had to confirm it. */
  readonly largeLoss?: Loss | undefined
}

export interface ReconcileOptions {
  readonly rules: SourceRules
  /** Also retry downloads that timed out and whose pause is not over. */
  readonly retryAll?: boolean | undefined
  /** The quarantine that belongs to the previous state; absent if it has not been computed. */
  readonly quarantine?: Quarantine | undefined
  /** Keys of outputs that will be made from the result. */
  readonly outputKeys?: readonly string[] | undefined
  /** Decides whether a listing that lacks many records is believed. Default: it is. */
  readonly lossGuard?: LossGuard | undefined
  /** Without a previous state: the key of the output, whose number of records the guard compares with. */
  readonly publishedKey?: string | undefined
  /** Has rows that need not be downloaded. */
  readonly vanished?: VanishedRows | undefined
  readonly onProgress?: ((progress: ReconcileProgress) => void) | undefined
}

/**
 * Computes the next state: one complete listing of the lake, then a download of each info file whose ETag or size has changed. If a
 * file is invalid or cannot be downloaded, the last good row of its user remains.
 *
 * @param previous the state of the last reconcile, which is not modified. A promise is awaited only once the listing is complete.
 * @throws StoreError if the listing fails, LargeLossError if it is not believed yet; the previous state remains valid
 */
export async function reconcile (
  store: ObjectStore, previous: SourceState | Promise<SourceState>, clock: MonotonicClock,
  { rules, retryAll = false, quarantine, outputKeys = [], lossGuard, publishedKey, vanished, onProgress = () => {} }: ReconcileOptions
): Promise<Reconciled> {
  const preconditions = await readPreconditions(store, outputKeys)
  const listedAt = clock()
  const inventory = await takeInventory(store, rules, (listed, requests) => onProgress({ listed, requests, toFetch: 0, fetched: 0 }), previous instanceof Promise ? undefined : previous)
  const listingMs = clock() - listedAt
  const previousState = await previous
  const isPaused = ({ backoff }: RejectedFile) => backoff !== undefined && !retryAll && clock() < backoff.until
  const plan = planReconcile(inventory, previousState, rules, isPaused)
  const published = lossGuard === undefined || previousState.name !== EMPTY_NAME || publishedKey === undefined ? undefined : await readRecords(store, publishedKey, preconditions)
  const largeLoss = lossGuard?.check(plan, published)
  vanished?.restore(plan)
  const changed = toDownload(plan)
  let fetched = 0
  const { listed, requests } = inventory
  const report = () => onProgress({ listed, requests, toFetch: changed.length, fetched })
  report()
  /** The bytes that are downloaded: a file that is too large is rejected without a download. */
  const bytesOf = (user: number) => {
    const size = inventory.infoFiles.size(inventory.users[user]!)
    return size <= MAX_INFO_BYTES ? size : 0
  }
  await forEachConcurrently(changed, () => store.downloads, async (user) => {
    const infoFile = inventory.users[user]!
    const object = inventory.infoFiles.at(infoFile)
    const timeoutMs = rejectedFilesOf(previousState).get(object.key)?.backoff?.timeoutMs ?? FIRST_TIMEOUT_MS
    const file = await readInfoFile(store, object, {
      ...rules,
      userId: sliceToString(inventory.infoFiles.userId(infoFile)),
      format: inventory.infoFiles.extension(infoFile) as InfoFormat,
      timeoutMs,
      clock
    })
    fetched++
    if (file === undefined) plan.deleted.add(user)
    else if (file.rejection !== undefined) plan.rejected.set(user, file)
    else plan.listedRow[user] = fromDraft(plan.builder.add(file.data, file))
    report()
  }, { weigh: bytesOf, maxWeight: MAX_BYTES_IN_FLIGHT })
  const served = admitColumns(plan)
  const state = nextState(plan, served, listedAt)
  vanished?.keep(previousState, state)
  const next = nextQuarantine(plan, served, state, quarantine)
  return {
    listedAt,
    listingMs,
    requests,
    state,
    quarantine: next,
    warnings: findLakeWarnings({ prefix: rules.prefix, listed: inventory.listed, records: state.table.length, quarantine: next, skipped: inventory.skipped }),
    failed: [...plan.rejected.values()].filter((file) => file.rejection.code === 'download_failed').map(({ key }) => key).sort(compareUtf8),
    readAgainAt: earliest([...plan.rejected.values()].map((file) => file.readAgainAt)),
    preconditions,
    largeLoss
  }
}

/** The number of records in an output, if it is known. */
async function readRecords (store: ObjectStore, key: string, preconditions: Preconditions): Promise<number | undefined> {
  const found = preconditions.get(key) ?? (await readPreconditions(store, [key])).get(key)!
  return 'records' in found ? found.records : undefined
}

function earliest (times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : known.reduce((a, b) => Math.min(a, b))
}

const INCOMPLETE = rejection('incomplete', 'The file has no line end after its last line and was modified less than two seconds ago, so it may not be complete; ' +
  'it is read again when it is two seconds old')

/** A downloaded info file: its content, or why it is rejected. */
type InfoFile =
  | { readonly etag: string, readonly size: number, readonly racy: boolean, readonly data: RecordFields, readonly rejection?: never }
  | RejectedFile & { readonly data?: never }

interface ReadRules extends SourceRules {
  readonly userId: string
  readonly format: InfoFormat
  readonly timeoutMs: number
  readonly clock: MonotonicClock
}

/** Downloads and parses an info file. `undefined`: it was deleted after it was listed. The ETag is that of the body. */
async function readInfoFile (store: ObjectStore, object: ObjectInfo, { userId, format, delimiter, encoding, schema, hidden, timeoutMs, clock }: ReadRules): Promise<InfoFile | undefined> {
  const version = ({ key, etag, size, racy }: ObjectInfo) => ({ userId, key, etag, size, racy: racy === true })
  const tooLarge = rejection('too_large', `The file is larger than ${MAX_INFO_BYTES} bytes, the maximum for an info file`)
  if (object.size > MAX_INFO_BYTES) return { ...version(object), rejection: tooLarge }
  try {
    const found = await store.get(object.key, { maxBytes: MAX_INFO_BYTES, maxMs: timeoutMs })
    if (found === undefined || found === 'unchanged') return undefined
    // A response without an ETag did not come from the store, but from a proxy, for example.
    if (found.etag === '' && object.etag !== '') throw new StoreError('corrupt', 'the response has no ETag')
    if (found.growingMs !== undefined && isCutOff(found.body, format)) return { ...version(found), racy: true, rejection: INCOMPLETE, readAgainAt: clock() + found.growingMs }
    const options = { format, delimiter, encoding, userId }
    const parsed = hidden === undefined ? parseInfoFile(found.body, { ...options, schema: compileSchema(schema) }) : parseWithHidden(found.body, options, hidden)
    return { ...version(found), ...parsed }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.code === 'too_large') return { ...version(object), rejection: tooLarge }
    const backoff = { until: clock() + BACKOFF_FACTOR * timeoutMs, timeoutMs: Math.min(2 * timeoutMs, MAX_TIMEOUT_MS) }
    return {
      ...version(object),
      racy: true,
      rejection: rejection('download_failed', `The file could not be downloaded (${error.code}); the download is tried again`),
      ...error.code === 'timeout' && { backoff }
    }
  }
}
