import type { MonotonicClock } from '../base/clock.js'
import { forEachConcurrently } from '../base/concurrent.js'
import type { ReconcilePhases } from '../base/events.js'
import type { InfoFormat } from '../base/info-formats.js'
import { compareUtf8 } from '../base/utf8.js'
import type { Loss } from '../base/large-loss.js'
import type { Warning } from '../base/warning.js'
import type { RecordFields } from '../schema/record.js'
import { compileSchema } from '../schema/schema.js'
import { sliceToString } from '../store/object-list.js'
import { StoreError, type ObjectInfo, type ReadableStore } from '../store/object-store.js'
import { readPreconditions, readRecordCount, type Preconditions } from '../store/precondition.js'
import { fromDraft, NO_ROW } from '../table/row-source.js'
import { admitColumns } from './admit-columns.js'
import type { Coverage } from './coverage.js'
import { downloadListed, etagToStore } from './download-listed.js'
import { failedRead, FIRST_TIMEOUT_MS, isPaused, nextBackoff, settleFailedReads } from './failed-read.js'
import { isCutOff } from './incomplete-file.js'
import { parseWithHidden } from './hidden-columns.js'
import { parseInfoFile } from './info-file.js'
import { takeInventory, withoutEntities } from './inventory.js'
import { findLakeWarnings } from './lake-warnings.js'
import type { LossGuard } from './loss-guard.js'
import { nextState } from './next-state.js'
import { groupByCode, nextQuarantine, type Quarantine } from './quarantine.js'
import { planReconcile, toDownload, type ReconcilePlan } from './reconcile-plan.js'
import { rejection } from './reject.js'
import { MAX_INFO_BYTES, type SourceRules } from './rules.js'
import { EMPTY_NAME, infoFileOf, rejectedFilesOf, type RejectedFile, type SourceState } from './source-state.js'
import type { VanishedRows } from './vanished-rows.js'

/** The maximum number of bytes of info files that are downloaded at a time, by the sizes that are listed. */
const MAX_BYTES_IN_FLIGHT = 64 * 1024 * 1024

/** Progress of a reconcile: objects listed, requests for the listing, info files to download, and info files downloaded. */
export interface ReconcileProgress {
  readonly listed: number
  readonly requests: number
  readonly toFetch: number
  readonly fetched: number
  /** Whether an engine commits what was found. That has time limits of its own, and no further progress. */
  readonly isCommitting?: boolean
}

/** Objects listed, info files downloaded, and how long that took. */
export interface ReconcileWork extends Pick<ReconcileProgress, 'listed' | 'fetched'> { readonly phases: ReconcilePhases }

/** The outcome of a reconcile. Plain data that can be posted to another thread. */
export interface Reconciled<State = SourceState, Quarantines = Quarantine> {
  /** When the listing began, in milliseconds of the monotonic clock: the data is at least as new as that. */
  readonly listedAt: number
  /** How long the listing took, in milliseconds. */
  readonly listingMs: number
  /** The number of requests that the listing has taken. */
  readonly requests: number
  /** What a listing of this process has done; absent if the outcome comes from another replica. */
  readonly work?: ReconcileWork | undefined
  /** The state after the listing; the previous one if nothing has changed. */
  readonly state: State
  /** The previous one if nothing in it has changed. */
  readonly quarantine: Quarantines
  readonly warnings: readonly Warning[]
  /** The number of records that re-checks have removed since the listing. */
  readonly removedSince: number
  /** Whether a record has further images that are not served because they are older. */
  readonly hasOutdatedImages: boolean
  /** Keys of info files that could not be downloaded, and that outputs wait for. */
  readonly failed: readonly string[]
  /** How much of the lake has been read. */
  readonly coverage: Coverage
  /** When the first incomplete info file can be read again, in milliseconds of the monotonic clock; absent if no file is incomplete. */
  readonly readAgainAt?: number | undefined
  /** The preconditions of the outputs, as they were before the listing began. */
  readonly preconditions: Preconditions
  /** Present if the listing has lost so many records that a second one had to confirm it. */
  readonly largeLoss?: Loss | undefined
}

export interface ReconcileOptions {
  readonly rules: SourceRules
  /** Whether a caller requires that all files are read. Files that could not be read are then tried again earlier: see `isPaused`. */
  readonly isRequired?: boolean | undefined
  /** The quarantine that belongs to the previous state; absent if it has not been computed. */
  readonly quarantine?: Quarantine | undefined
  /** The number of info files of the lake, if the store lists only some of them. Default: the number of those that are listed. */
  readonly totalFiles?: number | undefined
  /** Keys of outputs that will be made from the result. */
  readonly outputKeys?: readonly string[] | undefined
  /** Decides whether a listing that lacks many records is believed. Default: it is. */
  readonly lossGuard?: LossGuard | undefined
  /** Without a previous state: the key of the output, whose number of records the guard compares with. */
  readonly publishedKey?: string | undefined
  /** Has rows of earlier states, whose info files need not be downloaded again. */
  readonly vanished?: VanishedRows | undefined
  readonly onProgress?: ((progress: ReconcileProgress) => void) | undefined
}

/**
 * Computes the next state: one complete listing of the lake, then a download of each info file whose ETag or size has changed. If a
 * file is invalid or cannot be downloaded, the last good row of its entity remains.
 *
 * @param previous the state of the last reconcile, which is not modified. A promise is awaited only once the listing is complete.
 * @throws StoreError if the listing fails, LargeLossError if it is not believed yet; the previous state remains valid
 */
export async function reconcile (
  store: ReadableStore, previous: SourceState | Promise<SourceState>, clock: MonotonicClock,
  { rules, isRequired = false, quarantine, totalFiles, outputKeys = [], lossGuard, publishedKey, vanished, onProgress = () => {} }: ReconcileOptions
): Promise<Reconciled> {
  const preconditions = await readPreconditions(store, outputKeys)
  const listedAt = clock()
  const inventory = await takeInventory(store, rules, (listed, requests) => onProgress({ listed, requests, toFetch: 0, fetched: 0 }), previous instanceof Promise ? undefined : previous)
  const listingMs = clock() - listedAt
  const previousState = await previous
  const now = clock()
  const plan = planReconcile(inventory, previousState, rules, (file) => isPaused(file, now, isRequired))
  const published = lossGuard === undefined || previousState.name !== EMPTY_NAME || publishedKey === undefined ? undefined : await readRecordCount(store, publishedKey, preconditions)
  const largeLoss = lossGuard?.check(plan, published)
  vanished?.restore(plan)
  const changed = toDownload(plan)
  let fetched = 0
  const { listed } = inventory
  let { requests } = inventory
  const onRequest = () => { requests++ }
  const report = () => onProgress({ listed, requests, toFetch: changed.length, fetched })
  report()
  /** The bytes that are downloaded: a file that is too large is rejected without a download. */
  const bytesOf = (entity: number) => {
    const size = inventory.infoFiles.size(inventory.entities[entity]!)
    return size <= MAX_INFO_BYTES ? size : 0
  }
  const downloadsAt = clock()
  await forEachConcurrently(changed, () => store.usefulDownloads, async (entity) => {
    const infoFile = inventory.entities[entity]!
    const object = inventory.infoFiles.at(infoFile)
    const file = await readInfoFile(store, object, {
      ...rules,
      id: sliceToString(inventory.infoFiles.id(infoFile)),
      format: inventory.infoFiles.extension(infoFile) as InfoFormat,
      last: rejectedFilesOf(previousState).get(object.key),
      knownEtag: knownEtagOf(plan, entity, object.key),
      clock,
      onRequest
    })
    fetched++
    if (file === undefined) plan.deleted.add(entity)
    else if (file.rejection !== undefined) plan.rejected.set(entity, file)
    else plan.listedRow[entity] = fromDraft(plan.builder.add(file.data, file))
    report()
  }, { weigh: bytesOf, maxWeight: MAX_BYTES_IN_FLIGHT })
  const downloadedAt = clock()
  const infoFiles = inventory.entities.length + inventory.duplicates.length + inventory.listingRejects.length
  settleFailedReads(plan.rejected, totalFiles ?? infoFiles)
  const served = admitColumns(plan)
  const failed = [...plan.rejected].filter(([, { rejection }]) => rejection.code === 'download_failed')
  const coverage = { infoFiles, unread: failed.filter(([entity]) => served[entity] === NO_ROW).length }
  const state = nextState(plan, served, listedAt)
  vanished?.keep(previousState, state)
  const next = nextQuarantine({ ...plan, inventory: withoutEntities(inventory, plan.deleted) }, served, state, quarantine)
  return {
    listedAt,
    listingMs,
    requests,
    work: { listed, fetched, phases: { listMs: listingMs, downloadMs: downloadedAt - downloadsAt, buildMs: clock() - downloadedAt } },
    state,
    quarantine: next,
    warnings: findLakeWarnings({ prefix: rules.prefix, listed: inventory.listed, records: state.table.length, counts: next.counts, ignored: next.ignored, groups: groupByCode(next), skipped: inventory.skipped, coverage }),
    failed: failed.map(([, { key }]) => key).sort(compareUtf8),
    coverage,
    removedSince: 0,
    hasOutdatedImages: inventory.images.some(({ outdated }) => outdated > 0),
    readAgainAt: earliest([...plan.rejected.values()].map((file) => file.readAgainAt)),
    preconditions,
    largeLoss
  }
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
  readonly id: string
  readonly format: InfoFormat
  /** The reject of the file with this key in the previous state. */
  readonly last: RejectedFile | undefined
  /** The ETag of the file with this key in the previous state. */
  readonly knownEtag: string | undefined
  readonly clock: MonotonicClock
  /** Called for each request for a listing. */
  readonly onRequest: () => void
}

/** The ETag that the previous state has for a key, as a reject or as the file that the entity's row came from. */
function knownEtagOf ({ previous, lastGoodRow, rules }: ReconcilePlan, entity: number, key: string): string | undefined {
  const rejected = rejectedFilesOf(previous).get(key)
  if (rejected !== undefined || lastGoodRow[entity] === NO_ROW) return rejected?.etag
  const file = infoFileOf(previous, lastGoodRow[entity]!, rules.prefix)
  return file.key === key ? file.etag : undefined
}

/** Downloads and parses an info file. `undefined`: it was deleted after it was listed. */
async function readInfoFile (store: ReadableStore, object: ObjectInfo, { id, format, delimiter, encoding, schema, hidden, last, knownEtag, clock, onRequest }: ReadRules): Promise<InfoFile | undefined> {
  const version = ({ key, etag, size, racy }: ObjectInfo) => ({ id, key, etag, size, racy: racy === true })
  const tooLarge = rejection('too_large', `The file is larger than ${MAX_INFO_BYTES} bytes, the maximum for an info file`)
  if (object.size > MAX_INFO_BYTES) return { ...version(object), rejection: tooLarge }
  try {
    const found = await downloadListed(store, object, { maxBytes: MAX_INFO_BYTES, maxMs: last?.backoff?.timeoutMs ?? FIRST_TIMEOUT_MS, onRequest })
    if (found === undefined) return undefined
    const read = version({ ...found, etag: etagToStore(object, found, knownEtag) })
    if (found.growingMs !== undefined && isCutOff(found.body, format)) return { ...read, racy: true, rejection: INCOMPLETE, readAgainAt: clock() + found.growingMs }
    const options = { format, delimiter, encoding, id }
    const parsed = hidden === undefined ? parseInfoFile(found.body, { ...options, schema: compileSchema(schema) }) : parseWithHidden(found.body, options, hidden)
    return { ...read, ...parsed }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.code === 'too_large') return { ...version(object), rejection: tooLarge }
    const isSameVersion = last?.etag === object.etag && last.size === object.size
    return { ...version(object), racy: true, rejection: failedRead(error), backoff: nextBackoff(last, isSameVersion, error, clock()) }
  }
}
