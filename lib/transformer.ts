import { monotonicNow, type Clock, type MonotonicClock } from './base/clock.js'
import { DEFAULTS } from './base/defaults.js'
import { RECONCILES, type ReconcilePhases } from './base/events.js'
import { toFailureCode } from './base/failure-code.js'
import { parseDuration } from './base/duration.js'
import type { DuplicateRule, InputEncoding } from './base/info-formats.js'
import { parseSizeOrAuto } from './base/memory-limit.js'
import { MAX_CLOSE_WAIT_MS, within, type Pause, type Timer } from './base/timer.js'
import { SerialQueue } from './base/serial-queue.js'
import type { TraceContext } from './base/trace-context.js'
import { Turns } from './base/turns.js'
import { ConfirmationMismatchError, IncompleteSourceError, LargeLossError, NoDataError, UnreadSourceError } from './base/errors.js'
import { isLargeLoss, parseShare } from './base/large-loss.js'
import { ImageReader, type SelectRange, type OpenImage } from './source/image-reader.js'
import { Exporter, forReader, LOCAL_READER, type BodyReader, type Encoding, type Export } from './output/exporter.js'
import { changesAsJson, changesAsLines, type Changes } from './output/render-changes.js'
import { columnWarnings } from './output/column-warnings.js'
import type { Output, OutputFormat } from './output/output.js'
import type { CsvOptions } from './output/render.js'
import { isLookup, type RequestPlan } from './output/request-plan.js'
import { ResponseBudget } from './output/response-budget.js'
import { ageFilters, type AgeRange } from './query/age.js'
import type { Warning } from './base/warning.js'
import { checkColumns } from './query/check-columns.js'
import type { Filter } from './query/filter.js'
import type { EngineOptions } from './clickhouse/connection.js'
import type { DataVersion, Selection, SelectQuery, StatisticsQuery } from './query/data-version.js'
import type { ColumnStatistics, Statistics } from './query/statistics.js'
import { IndexCache } from './query/index-cache.js'
import { TableVersion } from './query/table-version.js'
import type { SchemaDescriptor } from './schema/descriptor.js'
import { compileSchema } from './schema/schema.js'
import { USERS_SCHEMA } from './schema/users-schema.js'
import { RecheckQueue } from './recheck-queue.js'
import { Refresher, type Freshness, type FreshnessChange, type FreshnessRules } from './refresher.js'
import type { SnapshotFailure } from './snapshot/snapshot-file.js'
import { SnapshotSchedule } from './snapshot/snapshot-schedule.js'
import { snapshotWarnings } from './snapshot/snapshot-warnings.js'
import { findPosition, hasPosition, keysBetween, lastPosition, versionOf, type ChangeLog } from './source/change-log.js'
import { isCovered } from './source/coverage.js'
import type { EtagCache } from './source/etag-cache.js'
import { MissedEvents } from './source/missed-events.js'
import type { ChangedObject } from './source/notification.js'
import { recordFinder } from './source/recheck.js'
import type { ReconcileProgress, Reconciled } from './source/reconcile.js'
import type { HiddenColumns } from './source/rules.js'
import type { IgnoredObjects } from './source/ignored-objects.js'
import { findNewRejects } from './source/new-rejects.js'
import { groupByCode, type CodeGroup, type Quarantine } from './source/quarantine.js'
import { selectEntries, type QuarantinePage, type QuarantineQuery } from './source/quarantine-page.js'
import { countRecords, versionNameOf, type SourceState } from './source/source-state.js'
import { partsProbeKeyOf } from './store/check-writes.js'
import { StoreError, type ObjectStore } from './store/object-store.js'
import { wouldReplaceFile, type Preconditions } from './store/precondition.js'
import { EMPTY_UTF8, type Utf8Column } from './table/utf8-column.js'
import { StoredVersions } from './stored-versions.js'
import { Versions, type VersionRules } from './versions.js'
import type { LakeRules } from './worker/in-process-backend.js'
import type { BackendReconciled, LakeBackend, OutputReport } from './worker/lake-backend.js'
import { openBackend } from './worker/open-backend.js'
import { updateOutputs } from './worker/update-outputs.js'

export { changedObjects, NotificationError } from './source/notification.js'
export type { ByteRange, Image, OpenImage } from './source/image-reader.js'
export type { QuarantinePage, QuarantineQuery } from './source/quarantine-page.js'
export { QUARANTINE_CODES, REJECT_CODES, type QuarantineCode } from './source/reject.js'

/** Options of a `UserDataTransformer`. Only `store` and `cache` are required. */
export interface TransformerOptions {
  readonly store: ObjectStore
  readonly cache: EtagCache
  /** The wall clock: the instant at which ages are counted by default. Default: the system's clock. */
  readonly clock?: Clock | undefined
  /** Measures durations. Default: the system's monotonic clock. */
  readonly monotonic?: MonotonicClock | undefined
  /** Starts refreshes while there is traffic. Default: the system's timer. */
  readonly timer?: Timer | undefined
  /** Limits how long reads and `close` wait. Default: one of the system that keeps the process alive. */
  readonly waitTimer?: Timer | undefined
  /** Waits between refreshes that callers require. Default: the pause of the system. */
  readonly pause?: Pause | undefined
  /** The prefix of the keys of info files and images. Default, also of the options below: see lib/base/defaults.ts. */
  readonly sourcePrefix?: string | undefined
  /** The key that `updateOutput` writes. It is never read as input. */
  readonly outputKey?: string | undefined
  /** The declared columns; checked by `checkDescriptor`. Default: the users schema. */
  readonly schema?: SchemaDescriptor | undefined
  /** Columns that are read and checked, but not part of the records. Default: none. */
  readonly hidden?: HiddenColumns | undefined
  /** The extensions of image fields that declare none, in lower case and without the dot. */
  readonly imageExtensions?: readonly string[] | undefined
  /** The delimiter of the fields of an info file. */
  readonly inputDelimiter?: string | undefined
  /** The encoding of info files. */
  readonly inputEncoding?: InputEncoding | undefined
  /** Which one of several info files of the same record is served. */
  readonly duplicates?: DuplicateRule | undefined
  /** IANA name of the zone whose calendar counts completed years. */
  readonly timeZone?: string | undefined
  /** How fresh the data has to be. By default, data of any age is served while the lake cannot be read. */
  readonly freshness?: Partial<FreshnessRules> | undefined
  /**
   * The greatest share of the records, from 0 to 1, that may be lost at once. A listing that lacks more, and at least MIN_LOSS records, is believed only once a second one
   * agrees, and the output is then held until the loss is confirmed. 1: any loss is accepted.
   */
  readonly maxLoss?: number | undefined
  /** The limits of the age and the memory of data versions that are retained although they are no longer current. */
  readonly versions?: Partial<VersionRules> | undefined
  /** The maximum bytes of response bodies that are in memory because their clients have not read them yet, without the data versions. */
  readonly responsesMaxBytes?: number | undefined
  /** The maximum bytes of the indexes of the in-process engine, which all data versions share. */
  readonly indexMaxBytes?: number | undefined
  /** Opens the backend that reconciles and publishes, over the same store. Default: one in this thread. */
  readonly openBackend?: ((rules: LakeRules) => LakeBackend) | undefined
  /** Share listings with the other replicas of the lake through an object beside the snapshot. Default: this one lists for itself. */
  readonly sharing?: { /** Whether this replica may write the object. If not, it never leads. */ readonly mayWrite: boolean } | undefined
  /** The cluster that stores the records and runs the queries. Default: this process does both. */
  readonly engine?: EngineOptions | undefined
  /** Opens the engine that runs queries on the state after a reconcile. Default: that of `engine`, or else the in-process engine. */
  readonly openVersion?: OpenVersion | undefined
  /** Receives the reason if the snapshot could not be used: the first reconcile then downloads every info file. */
  readonly onColdStart?: ((failure: SnapshotFailure) => void) | undefined
  /** Receives each change of the reasons why the data is stale. */
  readonly onFreshnessChange?: ((change: FreshnessChange) => void) | undefined
  /** Called when the budget for requests begins or ceases to limit refreshes: with the milliseconds between two of them, or with `undefined`. */
  readonly onBudget?: ((intervalMs: number | undefined) => void) | undefined
  /** Receives the outcome of each reconcile and re-check. */
  readonly onReconciled?: ((change: LakeChange) => void) | undefined
  /** Called after each write of the snapshot, with the error if it has failed: the next start will take longer. */
  readonly onSnapshotWritten?: ((error?: unknown) => void) | undefined
}

/** What a reconcile or a re-check has found. */
export interface LakeChange {
  readonly warnings: readonly Warning[]
  /** If this replica leads from now on because the one that led seems to have ended unexpectedly: for how many milliseconds that one had not written the state object. */
  readonly takeoverMs: number | undefined
  readonly ignored: readonly IgnoredObjects[]
  /** The rejects that were not in the quarantine before, or were there with another ETag or for another reason. */
  readonly newRejects: readonly CodeGroup[]
}

/**
 * Opens the data version of the state after a reconcile. The reconcile waits for it, and rejects if the opening fails.
 *
 * @param previous the current version, which may have the same records
 */
export type OpenVersion = (state: SourceState, timeZone: string, previous: DataVersion | undefined) => DataVersion | Promise<DataVersion>

/** Options of `updateOutput`. */
export interface OutputOptions extends CsvOptions {
  /** The first one must be `csv`. Default: CSV only. */
  readonly formats?: readonly OutputFormat[] | undefined
  /** Default: the declared columns. A column that no record has is empty in every row. */
  readonly columns?: readonly string[] | undefined
  /** Functions are accepted only if the backend is in this thread. */
  readonly filters?: SelectQuery['filters']
  /** Report what would change and write nothing. */
  readonly dryRun?: boolean | undefined
  /** Publish only if the lake has this data version, even if many records are lost. */
  readonly confirm?: string | undefined
  /** The trace that the requests to the store are part of. */
  readonly trace?: TraceContext | undefined
  readonly onProgress?: ((progress: ReconcileProgress) => void) | undefined
  /** Called when the outputs begin to be compared and written. */
  readonly onPublish?: (() => void) | undefined
}

/** The result of an update: that of the CSV and, in `otherOutputs`, those of the other formats. */
export interface UpdateReport extends Omit<OutputReport, 'isHeld'> {
  /** Present if the output is held, or in a dry run would be, because it loses many records: the data version that `confirm` has to name. */
  readonly confirm?: string
  /** The number of info files in quarantine. */
  readonly rejected: number
  readonly otherOutputs: readonly Pick<OutputReport, 'key' | 'etag' | 'bytes' | 'skipped'>[]
  readonly warnings: readonly Warning[]
  /** How long each phase took: those of the last reconcile, if this process has listed the lake, and the comparing and writing of the outputs. Milliseconds. */
  readonly phases: Partial<ReconcilePhases> & { readonly publishMs: number }
}

/** What the process holds in memory, and the records that it serves. */
export interface Holdings {
  readonly records: number
  /** Objects of the lake that are not part of a record. */
  readonly unserved: Quarantine['counts']
  /** The former data versions that are retained, and their bytes without what they share with the current one. */
  readonly formerVersions: number
  readonly formerVersionBytes: number
  /** Bytes of the current data version. */
  readonly dataBytes: number
  /** Bytes of responses that clients have not read yet. */
  readonly responseBytes: number
}

const WRITES_FAIL: Warning = {
  code: 'conditional_writes_fail',
  detail: 'The store ignores the conditions of writes, or checks them too early: of concurrent writers, more than one succeeded. An older output could replace a newer one if several ' +
    'processes wrote: let only this one publish, and set PUBLISH=false on the others. Replicas share no listings'
}

const WRITES_REFUSED = 'The lake refuses the write with which the service checks, next to the output, whether it may write: the output cannot be published either, unless only that key is refused; the log has the cause'

/** The maximum number of expensive queries that wait for the cluster at a time. */
const MAX_REMOTE_QUERIES = 16

/** The maximum number of listings of one `updateOutput` while each lacks many records that the one before had. */
const MAX_LISTINGS = 3

/** A call of `updateOutput`, or of `reconcile` with `onProgress`, that waits for a reconcile. */
interface RunningUpdate {
  readonly outputKeys: readonly string[]
  readonly trace?: TraceContext | undefined
  readonly onProgress: (progress: ReconcileProgress) => void
}

/**
 * The interface of the library: it keeps the records of a lake up to date, runs queries on them and publishes outputs. Queries use the records of
 * the last reconcile and never wait for the store; call `ensureFresh` before a query to wait for newer records.
 */
export class UserDataTransformer {
  readonly #clock: Clock
  readonly #monotonic: MonotonicClock
  readonly #timeZone: string
  readonly #outputKey: string
  /** The prefix of the keys of info files and images. */
  readonly #prefix: string
  readonly #cache: EtagCache
  readonly #openVersion: OpenVersion
  readonly #stored: StoredVersions | undefined
  readonly #backend: LakeBackend
  readonly #images: ImageReader
  /** The name of the first image field of the schema. */
  readonly #firstImageField: string | undefined
  readonly #versions: Versions
  readonly #refresher: Refresher<BackendReconciled>
  readonly #updates = new Set<RunningUpdate>()
  readonly #listeners = new Set<() => void>()
  /** The trace of the first caller that has required a listing since the last required one began. */
  #trace: TraceContext | undefined
  /** The result of the last listing, also of one after which too few files had been read to serve them. */
  #reconciled: BackendReconciled | undefined
  readonly #turns: Turns
  readonly #exporter: Exporter
  readonly #budget: ResponseBudget
  readonly #snapshots: SnapshotSchedule
  readonly #rechecks: RecheckQueue
  readonly #missedEvents: MissedEvents
  /** The key of the record that an object can be part of. */
  readonly #recordOf: (objectKey: string) => string | undefined
  readonly #lakeUrl: string
  /** Reconciles and re-checks run one at a time, because each of them changes the state. */
  readonly #stateChanges = new SerialQueue()
  readonly #options: TransformerOptions
  /** Why the snapshot could not be read at the start, until this process has written one. */
  #snapshotFailure: SnapshotFailure | undefined
  readonly #lastGoodCounts = new WeakMap<SelectQuery, { readonly ids: Utf8Column, readonly count: number }>()
  readonly #maxLoss: number
  /** Whether the store honours the conditions of writes; `undefined` before the first check and while it is not known. */
  #honoursConditions: boolean | undefined
  /** Present if the last check of writes was refused. */
  #refusedWrite: StoreError | undefined
  #checkingWrites: Promise<boolean | undefined> | undefined
  /** The number of records before the last large loss, until the output is published without it. */
  #beforeLoss: number | undefined
  /** The ETag of the output after the last job; `null` if it did not exist, `undefined` before the first job. */
  #outputEtag: string | null | undefined
  /** Why the last write of the snapshot failed; `undefined` if it succeeded. */
  #snapshotError: unknown

  constructor (options: TransformerOptions) {
    const { store, cache, clock = Date.now, monotonic = monotonicNow, imageExtensions = DEFAULTS.imageExtensions, schema = USERS_SCHEMA } = options
    const { imageFields } = compileSchema(schema)
    this.#firstImageField = imageFields[0]?.name
    this.#maxLoss = options.maxLoss ?? parseShare(DEFAULTS.maxLoss)!
    this.#clock = clock
    this.#monotonic = monotonic
    this.#cache = cache
    const indexMaxBytes = options.indexMaxBytes ?? parseSizeOrAuto(DEFAULTS.indexMaxBytes)
    const stored = options.engine && new StoredVersions(options.engine, (number) => this.#noteForgotten(number))
    this.#stored = stored
    this.#openVersion = options.openVersion ?? (stored && ((state, timeZone) => stored.open(state, timeZone))) ?? openTables(new IndexCache(indexMaxBytes, undefined, (column) => this.#backend.orderNumbers(column)))
    this.#timeZone = options.timeZone ?? DEFAULTS.timeZone
    this.#outputKey = options.outputKey ?? DEFAULTS.outputKey
    this.#images = new ImageReader(store, imageFields.flatMap(({ extensions = imageExtensions }) => extensions), options.timer)
    const versionsMaxAgeMs = options.versions?.maxAgeMs ?? parseDuration(DEFAULTS.versionsMaxAge)!
    this.#versions = new Versions(monotonic, { maxAgeMs: versionsMaxAgeMs, maxBytes: parseSizeOrAuto(DEFAULTS.versionsMaxBytes), ...options.versions })
    this.#budget = new ResponseBudget(options.responsesMaxBytes ?? parseSizeOrAuto(DEFAULTS.responsesMaxBytes), monotonic)
    this.#turns = new Turns(options.engine === undefined ? {} : { maxRunning: MAX_REMOTE_QUERIES })
    this.#exporter = new Exporter({ turns: this.#turns, budget: this.#budget })
    const snapshotKey = withExtension(this.#outputKey, 'snapshot.arrow')
    const freshness = {
      maxStalenessMs: parseDuration(DEFAULTS.maxStaleness)!,
      refreshWaitMs: parseDuration(DEFAULTS.refreshWait)!,
      maxStaleIfErrorMs: Infinity,
      maxListRequests: Infinity,
      ...options.freshness
    }
    const stateKey = withExtension(this.#outputKey, 'state.json')
    const manifestKey = withExtension(this.#outputKey, 'engine.json')
    const probeKey = withExtension(this.#outputKey, 'probe')
    this.#prefix = options.sourcePrefix ?? DEFAULTS.sourcePrefix
    const rules = {
      prefix: this.#prefix,
      ownKeys: [this.#outputKey, outputKeyOf(this.#outputKey, 'parquet'), snapshotKey, stateKey, manifestKey, probeKey, partsProbeKeyOf(probeKey)],
      imageExtensions,
      delimiter: options.inputDelimiter ?? DEFAULTS.delimiter,
      encoding: options.inputEncoding ?? DEFAULTS.inputEncoding,
      duplicates: options.duplicates ?? DEFAULTS.duplicates,
      schema,
      hidden: options.hidden,
      timeZone: this.#timeZone,
      snapshotKey,
      outputKey: this.#outputKey,
      probeKey,
      maxLoss: this.#maxLoss,
      engine: options.engine && { options: options.engine, manifestKey, maxStalenessMs: freshness.maxStalenessMs, versionsMaxAgeMs },
      sharing: options.sharing && { ...options.sharing, stateKey, maxStalenessMs: freshness.maxStalenessMs, maxListRequests: freshness.maxListRequests }
    }
    const backend = options.openBackend?.(rules) ?? openBackend(rules, { store, monotonic, wallClock: clock })
    this.#backend = backend
    this.#options = options
    this.#snapshots = new SnapshotSchedule({ save: (state) => backend.saveSnapshot(state), clock: monotonic, onEnd: (error) => this.#noteSnapshot(error) })
    this.#missedEvents = new MissedEvents(monotonic)
    this.#recordOf = recordFinder(rules)
    this.#lakeUrl = store.url
    this.#rechecks = new RecheckQueue({ check: (keys) => this.#stateChanges.run(() => this.#recheck(keys)), list: () => this.#refresher.expire(), pause: options.pause, clock: monotonic })
    this.#refresher = new Refresher((fresh, onRequests) => this.#stateChanges.run(() => this.#reconcile(fresh, onRequests)), {
      clock: monotonic, timer: options.timer, waitTimer: options.waitTimer, pause: options.pause, rules: freshness, onChange: options.onFreshnessChange, onBudget: options.onBudget
    })
  }

  /**
   * Lists the lake and reads what has changed. With `fresh` or `onProgress`, the listing begins after this call. With `onProgress`, a listing that lacks many
   * records that the one before had is repeated, at most twice. Rejects if the lake cannot be read.
   */
  async reconcile ({ fresh = false, onProgress }: { readonly fresh?: boolean, readonly onProgress?: (progress: ReconcileProgress) => void } = {}): Promise<void> {
    if (onProgress === undefined) await this.#refresher.refresh({ fresh })
    else await this.#refreshFor({ outputKeys: [], onProgress })
  }

  /**
   * Refreshes the data if the rules require it or, with `fresh`, in any case, by a listing that begins after this call. Never rejects; returns
   * how fresh the data is then.
   *
   * @param options.trace the trace that the requests of this listing are part of, unless another caller has required it before
   */
  ensureFresh ({ fresh = false, trace }: { readonly fresh?: boolean, readonly trace?: TraceContext | undefined } = {}): Promise<Freshness> {
    if (fresh) this.#trace ??= trace
    return this.#refresher.ensure({ fresh })
  }

  /** How fresh the data is for a read that needs no refresh; `undefined` if a refresh is due, so that the read must call `ensureFresh`. */
  currentFreshness (): Freshness | undefined {
    return this.#refresher.current()
  }

  /** How fresh the data is, without a refresh. */
  freshness (): Freshness {
    return this.#refresher.freshness()
  }

  /** The milliseconds between the beginnings of two refreshes to which the budget for requests has limited them; `undefined` if it does not. */
  get budgetIntervalMs (): number | undefined {
    return this.#refresher.budgetIntervalMs
  }

  /**
   * Re-checks the objects that events report as changed: soon, and without a listing unless they are too many or only a listing can decide. Returns at once, with the numbers
   * of objects that will be re-checked, and of those that are ignored because they are not in this lake, or neither an info file nor an image.
   */
  noteChanged (objects: readonly ChangedObject[]): { readonly accepted: number, readonly ignored: number } {
    const ids = new Map<string, string>()
    let ignored = 0
    for (const { bucket, key } of objects) {
      const isHere = !this.#lakeUrl.startsWith('s3:') || this.#lakeUrl === `s3://${bucket}`
      const id = key === undefined || !isHere ? undefined : this.#recordOf(key)
      if (id === undefined) ignored++
      else ids.set(key!, id)
    }
    if (ids.size > 0) {
      this.#refresher.expectEvents()
      this.#missedEvents.announce(ids.values())
      this.#rechecks.add(ids.keys())
    }
    return { accepted: objects.length - ignored, ignored }
  }

  /** The current data version. @throws NoDataError */
  get current (): DataVersion {
    const { current } = this.#versions
    if (current === undefined) throw new NoDataError()
    return current
  }

  /** Whether there is a current data version. */
  get hasData (): boolean {
    return this.#versions.current !== undefined
  }

  /** The data version of this name; `undefined` if it is not retained. */
  findVersion (name: string): DataVersion | undefined {
    return this.#versions.get(name)
  }

  /** Selects records of the current data version. @throws UnknownColumnError, NoDataError */
  async select (query: SelectQuery = {}): Promise<Selection> {
    const { current } = this
    checkColumns(current, query)
    return await current.select(query)
  }

  /**
   * Renders the response body of a plan. The data version is retained until the body is released. If the version is evicted earlier,
   * `reader.cut` is called.
   *
   * @throws {OverloadedError} if too many bodies are being rendered, or are in memory because their clients do not read them
   * @throws {RequestAbortedError} if the client has closed the connection before the rendering begins
   */
  async export (version: DataVersion, plan: RequestPlan, encoding: Encoding = 'identity', reader: BodyReader = LOCAL_READER): Promise<Export> {
    return await this.#export(version, plan, encoding, reader, false)
  }

  async #export (version: DataVersion, plan: RequestPlan, encoding: Encoding, reader: BodyReader, needsLength: boolean): Promise<Export> {
    const cached = this.#exporter.cached(plan, encoding, reader)
    if (cached !== undefined) {
      this.#retainForNextPage(plan, cached)
      return cached
    }
    const releaseVersion = this.#versions.acquire(plan.version, reader.cut)
    let isRetained = false
    try {
      const result = await this.#exporter.export(version, plan, encoding, reader, needsLength)
      this.#retainForNextPage(plan, result)
      isRetained = result.isView
      if (!isRetained) return result
      return {
        ...result,
        release: () => {
          result.release?.()
          releaseVersion()
        }
      }
    } finally {
      if (!isRetained) releaseVersion()
    }
  }

  /**
   * Returns what `export` returns, for a caller that needs the length of the body and not the body: a text of up to 16 MiB is rendered and cached, a longer one only
   * begun. A body that has to be compressed is not made; unless it is cached, its length is not known. Throws as `export` does.
   */
  async exportHead (version: DataVersion, plan: RequestPlan, encoding: Encoding = 'identity', reader: BodyReader = LOCAL_READER): Promise<Omit<Export, 'body' | 'isView'>> {
    if (encoding === 'identity' || this.#exporter.isCached(plan, encoding)) return await this.#export(version, plan, encoding, reader, true)
    const releaseVersion = this.#versions.acquire(plan.version, () => {})
    try {
      const { count, next } = await this.#turns.runFirst(() => version.select(forReader(version, plan, reader)), reader.isGone)
      this.#retainForNextPage(plan, { next })
      return { count, next, byteLength: undefined, release: undefined }
    } finally {
      releaseVersion()
    }
  }

  /** Computes statistics of a data version after the work that was requested before. Throws as `export` does. */
  async computeStatistics (version: DataVersion, query: StatisticsQuery, reader: BodyReader): Promise<Statistics & ColumnStatistics> {
    return await this.#turns.runFirst(() => version.statistics(forReader(version, query, reader)), reader.isGone)
  }

  /** Statistics of the records that match. @throws UnknownColumnError, NoDataError */
  async statistics (query: StatisticsQuery): Promise<Statistics & ColumnStatistics> {
    const { current } = this
    checkColumns(current, query)
    return await current.statistics(query)
  }

  /** The mean age of the records that match, in years of 365.25 days; -1 if none of them has an age. */
  async averageAge ({ filters, asOf = this.#clock() }: Partial<StatisticsQuery> = {}): Promise<number> {
    return (await this.statistics({ filters, asOf, binWidth: 10 })).average_age
  }

  /** The filters for a range of ages, by the calendar of the configured time zone. */
  ageFilters (range: Omit<AgeRange, 'timeZone'>): Filter[] {
    return ageFilters({ ...range, timeZone: this.#timeZone })
  }

  /**
   * Returns the records that changed between two positions of the change log.
   *
   * @param since the position after which changes are returned. Default: the current position, so that the result has no changes.
   * @param until the last position whose changes are returned. Default: the current position.
   * @returns `undefined` if the change log does not contain one of the positions, or the data version of `until` is not retained
   */
  changesSince (since: string | undefined, until?: string): (Changes & { readonly next: string }) | undefined {
    const { changes } = this.#cache.state
    const next = until ?? lastPosition(changes)
    const [from, to] = [findPosition(changes, since ?? next), findPosition(changes, next)]
    const version = this.#versions.get(versionOf(next))
    if (from === undefined || to === undefined || version === undefined) return undefined
    return { since: since ?? next, version, next, keys: from < to ? keysBetween(changes, from, to) : [] }
  }

  /**
   * As `changesSince`. If this replica follows another one and does not know a position, which may be one of that replica, it first takes over what
   * that one has found, for which it waits up to REFRESH_WAIT.
   */
  async findChanges (since: string | undefined, until?: string): Promise<ReturnType<UserDataTransformer['changesSince']>> {
    const changes = this.changesSince(since, until)
    if (changes !== undefined || this.#refresher.last?.isLed !== true) return changes
    await this.#refresher.catchUp()
    return this.changesSince(since, until)
  }

  /** Renders changes as JSON or NDJSON. Their data version is retained until they have been read; if it is evicted earlier, `reader.cut` is called. */
  async * renderChanges (changes: Changes, format: 'json' | 'ndjson', columns: readonly string[] | undefined, reader = LOCAL_READER): AsyncGenerator<string> {
    const { version } = changes.version
    const releaseVersion = this.#versions.acquire(version, reader.cut)
    try {
      if (changes.next === null) this.#versions.retain(version)
      yield * (format === 'json' ? changesAsJson : changesAsLines)(changes, columns, (work) => this.#turns.runNext(work))
    } finally {
      releaseVersion()
    }
  }

  /** Calls `listener` after each successful reconcile, and after each re-check that has changed something. Returns the function that removes it. */
  onReconcile (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Opens an attachment of a record. Returns `undefined` if the record or the attachment does not exist.
   *
   * @param options.field an image field; default: the first one of the schema
   * @param options.trace the trace that the requests to the store are part of
   * @throws StoreError
   */
  async openImage (version: DataVersion, key: string, selectRange: SelectRange, { field = this.#firstImageField, trace }: { readonly field?: string | undefined, readonly trace?: TraceContext | undefined } = {}): Promise<OpenImage | undefined> {
    const listed = field === undefined ? undefined : await version.attachment(key, field)
    return listed && await this.#images.open(listed, selectRange, trace)
  }

  /** The objects of the lake that are not part of a record, and why. @throws NoDataError */
  quarantine (query: QuarantineQuery = {}): QuarantinePage {
    return selectEntries(this.#data.quarantine, query)
  }

  /** Warnings about conditions of the lake, of the snapshot and of the given output columns that are probably not intended. */
  warnings (outputColumns: readonly string[] = []): readonly Warning[] {
    const lake = [...this.#reconciled?.warnings ?? [], ...this.#missedEvents.warnings(), ...snapshotWarnings(this.#snapshotFailure, this.#snapshotError), ...this.#writeWarnings()]
    return outputColumns.length === 0 ? lake : [...lake, ...columnWarnings(outputColumns, this.current.columns)]
  }

  /** What the last check of writes found. */
  #writeWarnings (): readonly Warning[] {
    if (this.#refusedWrite !== undefined) return [{ code: 'output_not_writable', detail: WRITES_REFUSED, cause: this.#refusedWrite.message }]
    return this.#honoursConditions === false ? [WRITES_FAIL] : []
  }

  /** What this process holds in memory; `undefined` before the first data version. */
  holdings (): Holdings | undefined {
    const { current } = this.#versions
    const reconciled = this.#reconciled
    if (current === undefined || reconciled === undefined) return undefined
    const { count: formerVersions, bytes: formerVersionBytes } = this.#versions.former()
    return {
      records: countRecords(this.#cache.state),
      unserved: reconciled.quarantine.counts,
      formerVersions,
      formerVersionBytes,
      dataBytes: [...current.memory].reduce((sum, { byteLength }) => sum + byteLength, 0),
      responseBytes: this.#budget.bytes
    }
  }

  /** Whether any record comes from the last good version of its info file. */
  get hasLastGood (): boolean {
    return this.#lastGoodIds.offsets.length > 1
  }

  get #lastGoodIds (): Utf8Column {
    return this.#refresher.last?.quarantine.lastGoodIds ?? EMPTY_UTF8
  }

  /** The number of selected records that come from the last good version of their info file, because its current version is rejected. */
  async countLastGood (version: DataVersion, query: SelectQuery): Promise<number> {
    const ids = this.#lastGoodIds
    const cached = this.#lastGoodCounts.get(query)
    if (cached?.ids === ids) return cached.count
    const work = async () => await (await version.select(query)).countAmong(ids)
    const count = await (isLookup(version, query) ? work() : this.#turns.runFirst(work))
    this.#lastGoodCounts.set(query, { ids, count })
    return count
  }

  /**
   * Brings the aggregated output up to date with the lake. The listing begins after this call.
   *
   * @throws StoreError if the lake cannot be read or written, or the output would replace a file of the lake (`output_key_taken`);
   * IncompleteSourceError if an info file could not be downloaded; LargeLossError if MAX_LISTINGS listings in succession each lack many records that the one before had; ConfirmationMismatchError if the data version is not the confirmed one
   */
  async updateOutput (options: OutputOptions = {}): Promise<UpdateReport> {
    const { dryRun = false, confirm, trace, onProgress = () => {}, onPublish = () => {} } = options
    const outputs = this.#outputsOf(options)
    const update = { outputKeys: outputs.map(({ key }) => key), trace, onProgress }
    let rejected = 0
    let version = ''
    let phases: ReconcilePhases | undefined
    let listedAt = 0
    const refresh = async () => {
      const reconciled = await this.#refreshFor(update)
      if (reconciled.failed.length > 0) throw new IncompleteSourceError(reconciled.failed)
      rejected = reconciled.quarantine.counts.rejects
      version = versionNameOf(reconciled.state)
      if (confirm !== undefined && confirm !== version) throw new ConfirmationMismatchError(confirm, version)
      this.#checkOutputKey(reconciled.preconditions)
      this.#noteOutput(reconciled.preconditions)
      phases = reconciled.work?.phases
      listedAt = this.#monotonic()
      await this.#checkingWrites
      onPublish()
      return reconciled
    }
    const guard = confirm === undefined ? () => ({ maxLoss: this.#maxLoss, before: this.#beforeLoss }) : undefined
    const [first, ...others] = await updateOutputs(this.#backend, { outputs, dryRun, guard, trace, refresh })
    const { isHeld, ...report } = first!
    if (!dryRun) this.#noteUpdate(first!)
    const otherOutputs = others.map(({ isHeld, ...other }) => other)
    const publishMs = this.#monotonic() - listedAt
    return { ...report, rejected, otherOutputs, warnings: this.warnings(options.columns), phases: { ...phases, publishMs }, ...isHeld && { confirm: version } }
  }

  /** Prevents that a file of the lake is lost because OUTPUT_KEY names it. @throws StoreError `output_key_taken` */
  #checkOutputKey (preconditions: Preconditions): void {
    const key = this.#outputKey
    const found = preconditions.get(key)
    if (found === undefined || 'code' in found || !wouldReplaceFile(key, found, this.#prefix)) return
    throw new StoreError('output_key_taken', `OUTPUT_KEY: got ${JSON.stringify(key)}, the key of a file of the lake that this service has not written, and does not replace; choose another key, or remove that file`)
  }

  /**
   * If another replica has replaced the output since the last job, the number of records that is stored with it counts. An output that was removed, or replaced without that
   * number, was not published by a replica: what this process has seen still counts.
   */
  #noteOutput (preconditions: Preconditions): void {
    const output = preconditions.get(this.#outputKey)
    if (output === undefined || 'code' in output || output.records === undefined || this.#outputEtag === undefined || output.expectedEtag === this.#outputEtag) return
    this.#outputEtag = output.expectedEtag
    this.#beforeLoss = undefined
  }

  #noteUpdate ({ isHeld, etag }: OutputReport): void {
    this.#outputEtag = etag
    if (isHeld) return
    this.#beforeLoss = undefined
    this.#snapshots.offer(this.#cache.state)
  }

  /**
   * How old the outputs are if another replica has made them with the same options: the time since the beginning of its listing, in milliseconds;
   * `undefined` if it has not made all of them, or if this is not known. Never rejects.
   */
  async outputAgeMs (options: OutputOptions = {}): Promise<number | undefined> {
    return await this.#backend.outputAgeMs(this.#outputsOf(options)).catch(() => undefined)
  }

  /**
   * Writes the snapshot, which makes the next start fast, unless it is up to date. Does not write it while a large loss has not been published: the next process then
   * judges the loss again. If a request finds changes meanwhile, writes it again. Never rejects: `onSnapshotWritten` receives a failure.
   *
   * @returns `false` if the state must not be written: without data, and while a large loss has not been published; `true` even if writing has failed
   */
  async flush (): Promise<boolean> {
    let written: SourceState | undefined
    while (this.#refresher.last !== undefined && this.#beforeLoss === undefined && written !== this.#cache.state) {
      written = this.#cache.state
      await this.#snapshots.flush(written)
    }
    return written === this.#cache.state
  }

  /**
   * Checks whether the store honours the conditions of writes, unless that is known; jobs wait for a running check before they publish. If it does not, this process publishes as if
   * it were the only one, and `warnings` reports it, as it does if the store refuses the check. Never rejects.
   */
  async checkWrites (): Promise<boolean | undefined> {
    if (this.#honoursConditions !== undefined) return this.#honoursConditions
    this.#checkingWrites ??= this.#backend.checkWrites().then((result) => {
      this.#refusedWrite = undefined
      return result
    }, (error: unknown) => {
      this.#refusedWrite = error instanceof StoreError && error.code === 'access_denied' ? error : undefined
      return undefined
    })
    this.#honoursConditions = await this.#checkingWrites
    this.#checkingWrites = undefined
    return this.#honoursConditions
  }

  /** Waits for a limited time for a snapshot that is being written, and then for the backend. The caller closes the store. */
  async close (): Promise<void> {
    this.#refresher.stop()
    this.#rechecks.stop()
    await within(MAX_CLOSE_WAIT_MS, this.#snapshots.settle(), this.#options.waitTimer)
    await Promise.all([this.#backend.close(), this.#stored && within(MAX_CLOSE_WAIT_MS, this.#stored.close(), this.#options.waitTimer)])
  }

  async #reconcile (fresh: boolean, onRequests: (requests: number) => void): Promise<BackendReconciled> {
    let requests = 0
    try {
      return await this.#reconcileOnce(fresh, (count) => {
        requests = count
        onRequests(count)
      })
    } catch (error) {
      if (RECONCILES.hasSubscribers) RECONCILES.publish({ outcome: toFailureCode(error), listed: 0, requests, fetched: 0 })
      throw error
    }
  }

  async #reconcileOnce (fresh: boolean, onRequests: (requests: number) => void): Promise<BackendReconciled> {
    const onProgress = (progress: ReconcileProgress) => {
      onRequests(progress.requests)
      this.#updates.forEach((update) => update.onProgress(progress))
    }
    const outputKeys = [...new Set([...this.#updates].flatMap((update) => update.outputKeys))]
    const previous = this.#reconciled
    const previousState = previous && this.#cache.state
    // Any other reconcile may take over what another replica has found, without a listing.
    if (fresh) this.#rechecks.listingBegins()
    const trace = fresh ? this.#takeTrace() : undefined
    const reconciled = await this.#backend.reconcile(previousState, { isRequired: fresh, outputKeys, trace }, onProgress)
    const { state, snapshotFailure, coverage } = reconciled
    this.#noteLoss(reconciled, previousState)
    if (snapshotFailure !== undefined) {
      this.#snapshotFailure = snapshotFailure
      this.#options.onColdStart?.(snapshotFailure)
    }
    // What is already served stays: only the first data has to be complete enough.
    const isUsable = this.#versions.current !== undefined || isCovered(coverage)
    const version = isUsable ? await this.#openVersion(state, this.#timeZone, this.#versions.current) : undefined
    this.#cache.replace(state)
    if (version !== undefined) this.#versions.publish(version)
    if (reconciled.checkedAt === undefined) this.#missedEvents.listed(previousState && keysSince(previousState.changes, state.changes))
    this.#report(reconciled)
    if (version === undefined) throw new UnreadSourceError(coverage.unread, coverage.infoFiles, reconciled.failed[0]!)
    if (RECONCILES.hasSubscribers) {
      const { work, requests } = reconciled
      RECONCILES.publish({ outcome: work === undefined ? 'followed' : 'listed', listed: 0, fetched: 0, ...work, requests })
    }
    for (const listener of this.#listeners) listener()
    return reconciled
  }

  /** Returns `false` if a listing is needed instead. Never rejects. */
  async #recheck (keys: readonly string[]): Promise<boolean> {
    const { last } = this.#refresher
    if (last === undefined) return true // the first listing will find what there is
    // The listing that confirms the loss is compared with the same state as the one before.
    if (this.#refresher.freshness().staleReasons.includes('large_loss')) return false
    try {
      const found = await this.#backend.recheck(this.#cache.state, keys)
      if (found === undefined) return false
      const isChanged = found.state !== this.#cache.state
      const version = isChanged ? await this.#openVersion(found.state, this.#timeZone, this.#versions.current) : undefined
      const rechecked = { ...last, ...found, takeoverMs: undefined }
      this.#cache.replace(found.state)
      if (version !== undefined) this.#versions.publish(version)
      this.#report(rechecked)
      this.#refresher.amend(rechecked, found.listRequests)
      if (isChanged) for (const listener of this.#listeners) listener()
      return true
    } catch {
      return false // a listing reports its failures
    }
  }

  /** Notes the result of a reconcile or a re-check, and reports how it differs from the previous one. */
  #report (reconciled: BackendReconciled): void {
    const warnings = [...reconciled.warnings, ...this.#missedEvents.warnings()]
    const previous = this.#reconciled
    this.#reconciled = reconciled
    this.#options.onReconciled?.(changeOf({ ...reconciled, warnings }, previous))
  }

  /** Remembers how many records there were before a large loss, which this process or another replica has found. */
  #noteLoss ({ state, largeLoss }: BackendReconciled, previous: SourceState | undefined): void {
    const before = previous === undefined ? 0 : countRecords(previous)
    const loss = largeLoss ?? { lost: before - countRecords(state), before }
    if (isLargeLoss(loss, this.#maxLoss)) this.#beforeLoss = Math.max(this.#beforeLoss ?? 0, loss.before)
  }

  #noteSnapshot (error: unknown): void {
    this.#snapshotError = error
    if (error === undefined) this.#snapshotFailure = undefined
    this.#options.onSnapshotWritten?.(error)
  }

  /**
   * Waits for a reconcile that begins after this call and reads the preconditions of the outputs. If its listing lacks many records, lists again. If another reconcile has to end first,
   * `onProgress` receives its progress, too.
   */
  async #refreshFor (update: RunningUpdate): Promise<Reconciled> {
    this.#updates.add(update)
    try {
      for (let listing = 1; ; listing++) {
        try {
          this.#trace ??= update.trace
          return await this.#refresher.refresh({ fresh: true })
        } catch (error) {
          if (!(error instanceof LargeLossError) || listing === MAX_LISTINGS) throw error
        }
      }
    } finally {
      this.#updates.delete(update)
    }
  }

  #takeTrace (): TraceContext | undefined {
    const trace = this.#trace
    this.#trace = undefined
    return trace
  }

  /** All pages of a listing are from the same data version, so a version with a next page is retained, within the limits of the rules. */
  #retainForNextPage ({ version }: RequestPlan, { next }: Pick<Export, 'next'>): void {
    if (next !== undefined) this.#versions.retain(version)
  }

  /** Notes that the cluster no longer has the records of a version. If it is the current one, there is no data until a refresh finds a newer one. */
  #noteForgotten (number: bigint): void {
    if (number === this.#cache.state.stored?.number) this.#refresher.discard()
  }

  get #data (): Reconciled {
    const data = this.#refresher.last
    if (data === undefined) throw new NoDataError()
    return data
  }

  #outputsOf ({ formats = ['csv'], dryRun, confirm, trace, onProgress, onPublish, ...shape }: OutputOptions): Output[] {
    return formats.map((format) => ({ ...shape, format, key: outputKeyOf(this.#outputKey, format) }))
  }
}

/** The key of the output in a format. `outputKey` is that of the CSV. */
export function outputKeyOf (outputKey: string, format: OutputFormat): string {
  return format === 'csv' ? outputKey : withExtension(outputKey, format)
}

function changeOf ({ quarantine, warnings, takeoverMs }: BackendReconciled, last: Reconciled | undefined): LakeChange {
  return { warnings, takeoverMs, ignored: quarantine.ignored, newRejects: groupByCode(quarantine, findNewRejects(quarantine, last?.quarantine)) }
}

/** The records that were touched since the end of an earlier log; `undefined` if the later log does not reach it. */
function keysSince (earlier: ChangeLog, later: ChangeLog): string[] | undefined {
  const position = lastPosition(earlier)
  return hasPosition(later, position) ? keysBetween(later, findPosition(later, position)!, later.ends.length - 1) : undefined
}

/** The in-process engine, whose versions share their indexes. */
function openTables (indexes: IndexCache): OpenVersion {
  return ({ table, images }, timeZone, previous) => new TableVersion(table, timeZone, images, previous, indexes)
}

/** The key with another extension: output.parquet for output.csv. */
function withExtension (key: string, extension: string): string {
  return key.replace(/(?<=[^/])\.[^./]*$/, '') + `.${extension}`
}
