import type { MonotonicClock } from '../base/clock.js'
import type { Loss } from '../base/large-loss.js'
import { compareUtf8 } from '../base/utf8.js'
import { compileSchema } from '../schema/schema.js'
import { MAX_KEYS } from '../source/change-log.js'
import type { Coverage } from '../source/coverage.js'
import type { IgnoredObjects } from '../source/ignored-objects.js'
import type { Reconciled, ReconcileProgress, ReconcileWork } from '../source/reconcile.js'
import type { SourceRules } from '../source/rules.js'
import type { SkippedFiles } from '../source/skipped-files.js'
import type { ReadableStore } from '../store/object-store.js'
import { readPreconditions, readRecordCount } from '../store/precondition.js'
import { tableFields } from '../table/table-field.js'
import { ChangedObjects } from './changed-objects.js'
import type { Commits, Committed } from './commits.js'
import { compareListing } from './compare-listing.js'
import type { Connection } from './connection.js'
import { KnownLake } from './known-lake.js'
import { LakeListing } from './lake-listing.js'
import { EngineLossGuard, MissingRecords } from './missing-records.js'
import { reconcileBatch, type KnownFailure, type ReconciledBatch } from './reconcile-batch.js'
import type { Stage } from './stage.js'

const BATCH_OBJECTS = 10_000
const PAGE_OBJECTS = 50_000

/** The maximum number of unread files that are remembered, and of those that are reported. */
const MAX_FAILURES = 100_000

/** What a listing has found that is not in the tables. Plain data, which is stored in the manifest. */
export interface ListingSummary {
  /** How many milliseconds it took to enumerate the objects. */
  readonly listingMs: number
  /** The number of all objects. */
  readonly listed: number
  readonly ignored: readonly IgnoredObjects[]
  readonly skipped: readonly SkippedFiles[]
  readonly coverage: Coverage
}

export interface LakeIngestOptions {
  readonly connection: Connection
  readonly commits: Pick<Commits, 'begin' | 'commit' | 'touch'>
  readonly rules: SourceRules
  readonly clock: MonotonicClock
  /** As in `isLargeLoss`. Default: no loss is large. */
  readonly maxLoss?: number | undefined
  /** The number of changed objects that are worked on at a time. Default: 10,000. */
  readonly batchObjects?: number | undefined
  /** The number of known objects that are read at a time. Default: 50,000. */
  readonly pageObjects?: number | undefined
}

/** Each as in `ReconcileOptions`. */
export interface IngestOptions {
  readonly isRequired?: boolean | undefined
  readonly outputKeys?: readonly string[] | undefined
  readonly publishedKey?: string | undefined
  readonly onProgress?: ((progress: ReconcileProgress) => void) | undefined
}

/** The outcome of a reconcile whose records are in the engine. Properties that `Reconciled` has, too, mean the same. */
export interface Ingested extends Pick<Reconciled, 'listedAt' | 'listingMs' | 'requests' | 'preconditions' | 'coverage'> {
  readonly work: ReconcileWork
  readonly committed: Committed
  /** The keys of the records that were added, changed or removed, or of which an image was replaced, in no order; `undefined` if they are more than a change log has, and for the first version. */
  readonly touched: readonly string[] | undefined
  readonly summary: ListingSummary
  /** The keys of the files that could not be read, in the order of their bytes; at most 100,000. */
  readonly failed: readonly string[]
  readonly readAgainAt?: number | undefined
  readonly largeLoss?: Loss | undefined
}

/**
 * Reconciles a lake whose records are in an engine, in constant memory: the listing is compared with the objects that the engine knows, the engine sorts what differs by record, and
 * `reconcile` is run on the records with differences, some thousands at a time. What the tables do not have is remembered from one reconcile to the next: when
 * files that could not be read are tried again, and what the last listing lacked.
 */
export class LakeIngest {
  readonly #store: ReadableStore
  readonly #options: LakeIngestOptions
  readonly #lossGuard: EngineLossGuard
  #failures: ReadonlyMap<string, KnownFailure> = new Map()
  #isMostlyUnread = false

  constructor (store: ReadableStore, options: LakeIngestOptions) {
    this.#store = store
    this.#options = options
    this.#lossGuard = new EngineLossGuard(options.maxLoss ?? 1)
  }

  /**
   * One listing of the whole lake, and a commit of what has changed.
   *
   * @param base the current version; `undefined` if the tables have no version
   * @throws StoreError, EngineError, LargeLossError; CommitConflictError if another process was faster. The base remains valid
   */
  async reconcile (base: Committed | undefined, { isRequired = false, outputKeys = [], publishedKey, onProgress = () => {} }: IngestOptions = {}): Promise<Ingested> {
    const { connection, commits, rules, clock, pageObjects = PAGE_OBJECTS } = this.#options
    const preconditions = await readPreconditions(this.#store, outputKeys)
    const listedAt = clock()
    const known = base && new KnownLake({ connection, fields: tableFields(compileSchema(rules.schema)), number: base.number, pageObjects })
    const listing = new LakeListing(this.#store, rules)
    const changed = new ChangedObjects(connection)
    try {
      const onPage = () => onProgress({ listed: listing.listed, requests: listing.requests, toFetch: 0, fetched: 0 })
      for await (const changes of compareListing(listing.pages(onPage), known?.objects() ?? NO_PAGES)) await changed.add(changes)
      const listingMs = clock() - listedAt
      for await (const ids of known?.toReadAgain() ?? []) await changed.add(ids.map((id) => ({ key: '', id })))
      const downloadsAt = clock()
      const published = base === undefined && publishedKey !== undefined ? await readRecordCount(this.#store, publishedKey, preconditions) ?? 0 : 0
      const check = ({ listed, missing, missingUnread }: BatchSums) => base === undefined
        ? this.#lossGuard.check(undefined, published, new MissingRecords(Math.max(0, published - listed)))
        : this.#lossGuard.check(base.number, base.records + missingUnread, missing)
      const { stage, sums, largeLoss } = await this.#stageBatches(base, { known, changed, listing, isRequired, onProgress, check })
      const coverage = { infoFiles: listing.infoFiles, unread: sums.unread }
      const summary: ListingSummary = { listingMs, listed: listing.listed, ignored: listing.ignored, skipped: listing.skipped, coverage }
      const committing = clock()
      onProgress({ listed: listing.listed, requests: listing.requests + sums.requests, toFetch: sums.fetched, fetched: sums.fetched, isCommitting: true })
      const content = { records: (base?.records ?? 0) + sums.added, listedAt, source: summary }
      const committed = stage === undefined ? await commits.touch(base!, content) : await commits.commit(stage, content)
      return {
        committed,
        touched: base === undefined || sums.touched.length > MAX_KEYS ? undefined : sums.touched,
        summary,
        listedAt,
        listingMs,
        requests: listing.requests + sums.requests,
        work: { listed: listing.listed, fetched: sums.fetched, phases: { listMs: listingMs, downloadMs: committing - downloadsAt, buildMs: clock() - committing } },
        coverage,
        failed: sums.failed.sort(compareUtf8),
        readAgainAt: sums.readAgainAt,
        preconditions,
        largeLoss
      }
    } finally {
      await changed.drop()
    }
  }

  /** Reconciles the batches and stages what differs. `stage` is `undefined` if nothing differs. */
  async #stageBatches (base: Committed | undefined, work: LakeWork): Promise<{ readonly stage: Stage | undefined, readonly sums: BatchSums, readonly largeLoss: Loss | undefined }> {
    if (base !== undefined && work.changed.isEmpty) {
      const sums = new BatchSums()
      return { stage: undefined, sums, largeLoss: work.check(sums) }
    }
    const stage = await this.#options.commits.begin(base)
    try {
      const sums = await this.#putBatches(stage, work)
      const isMostlyUnread = 2 * sums.givenUp >= work.listing.infoFiles
      this.#failures = sums.failures
      const isWrong = sums.givenUp > 0 && isMostlyUnread !== this.#isMostlyUnread
      this.#isMostlyUnread = isMostlyUnread
      if (isWrong && !work.isRepeated) {
        await stage.drop()
        return await this.#stageBatches(base, { ...work, isRepeated: true })
      }
      const largeLoss = work.check(sums)
      if (base === undefined || !stage.isEmpty) return { stage, sums, largeLoss }
      await stage.drop()
      return { stage: undefined, sums, largeLoss }
    } catch (error) {
      // A stage that cannot be dropped now is dropped later, by `forgetStages`.
      await stage.drop().catch(() => {})
      throw error
    }
  }

  async #putBatches (stage: Stage, { known, changed, listing, isRequired, onProgress }: LakeWork): Promise<BatchSums> {
    const { rules, clock, batchObjects = BATCH_OBJECTS } = this.#options
    const sums = new BatchSums()
    for await (const changes of changed.batches(batchObjects)) {
      const report = ({ toFetch, fetched }: ReconcileProgress) =>
        onProgress({ listed: listing.listed, requests: listing.requests + sums.requests, toFetch: sums.fetched + toFetch, fetched: sums.fetched + fetched })
      const batch = await reconcileBatch(this.#store, changes, { known, rules, clock, isRequired, isMostlyUnread: this.#isMostlyUnread, failures: this.#failures, onProgress: report })
      await stage.put(batch.delta)
      sums.add(batch)
    }
    return sums
  }
}

interface LakeWork {
  readonly known: KnownLake | undefined
  readonly changed: ChangedObjects
  readonly listing: LakeListing
  readonly isRequired: boolean
  readonly onProgress: (progress: ReconcileProgress) => void
  /** Checks the loss of records. @throws LargeLossError */
  readonly check: (sums: BatchSums) => Loss | undefined
  /** Whether the batches are reconciled for the second time, because it was assumed wrongly whether most of the lake cannot be read. */
  readonly isRepeated?: boolean
}

/** The sums over all batches of a reconcile, of what `ReconciledBatch` has. */
class BatchSums {
  added = 0
  listed = 0
  unread = 0
  requests = 0
  fetched = 0
  /** The number of files that were given up: see `Backoff`. */
  givenUp = 0
  readAgainAt: number | undefined
  /** More than MAX_KEYS if there are too many. */
  readonly touched: string[] = []
  readonly failed: string[] = []
  readonly failures = new Map<string, KnownFailure>()
  /** The records that the listing lacks, and the files that could not be read and may be records. */
  readonly missing = new MissingRecords()
  missingUnread = 0

  add ({ added, listed, missing, missingUnread, touched, failures, outcome }: ReconciledBatch): void {
    this.added += added
    this.listed += listed
    this.unread += outcome.coverage.unread
    this.requests += outcome.requests
    this.fetched += outcome.work!.fetched
    if (outcome.readAgainAt !== undefined) this.readAgainAt = Math.min(outcome.readAgainAt, this.readAgainAt ?? Infinity)
    for (const id of [...missing, ...missingUnread]) this.missing.add(id)
    this.missingUnread += missingUnread.length
    if (this.touched.length <= MAX_KEYS) this.touched.push(...touched)
    this.failed.push(...outcome.failed.slice(0, MAX_FAILURES - this.failed.length))
    for (const failure of failures) {
      if (failure.backoff.isGivenUp) this.givenUp++
      if (this.failures.size < MAX_FAILURES) this.failures.set(failure.key, failure)
    }
  }
}

const NO_PAGES: AsyncIterable<never> = (async function * () {})()
