import type { Clock, MonotonicClock } from '../base/clock.js'
import { EngineError, StoreError, VersionForgottenError } from '../base/errors.js'
import { Lazy } from '../base/lazy.js'
import { runSteps } from '../base/steps.js'
import type { Commits, Committed } from '../clickhouse/commits.js'
import type { Connection } from '../clickhouse/connection.js'
import type { LakeIngest, ListingSummary } from '../clickhouse/ingest.js'
import { streamOutput, type Output } from '../output/output.js'
import { Publisher } from '../output/publisher.js'
import { orderByNumber, type ColumnOrder, type StoredNumbers } from '../query/column-order.js'
import { compileSchema } from '../schema/schema.js'
import { lakeIdentity } from '../snapshot/snapshot-file.js'
import { findLakeWarnings } from '../source/lake-warnings.js'
import type { CodeGroup, Quarantine } from '../source/quarantine.js'
import { QUARANTINE_CODES } from '../source/reject.js'
import type { ReconcileProgress } from '../source/reconcile.js'
import { emptyState, nextStateName, type SourceState } from '../source/source-state.js'
import { checkConditionalWrites, checkWritesInParts } from '../store/check-writes.js'
import { MAX_PUT_BYTES } from '../store/s3/multipart.js'
import type { ObjectStore } from '../store/object-store.js'
import { tableFields, type TableField } from '../table/table-field.js'
import { Utf8Reader } from '../table/utf8-column.js'
import { isFollowed, type EngineRules } from './engine-rules.js'
import type { LakeRules } from './in-process-backend.js'
import type { BackendReconciled, LakeBackend, OutputReport, PublishRequest, ReconcileRequest } from './lake-backend.js'

/** The clocks of a backend. */
export interface EngineClocks {
  readonly clock: MonotonicClock
  /** The wall clock, which is compared with those of other processes. */
  readonly wallClock: Clock
}

/** What is opened when the cluster is first needed. */
interface Opened {
  readonly connection: Connection
  readonly commits: Commits
  readonly ingest: LakeIngest
  readonly modules: Awaited<ReturnType<typeof loadModules>>
}

/** What describes the rejects of a version, kept until another version or other ignored objects are read. */
interface StoredReport {
  readonly number: bigint
  /** `ListingSummary.ignored` as JSON. */
  readonly ignored: string
  readonly groups: readonly CodeGroup[]
  readonly quarantine: Quarantine
}

/** The maximum number of listings of one reconcile: another one follows if another process has committed first. */
const MAX_ATTEMPTS = 5

/** The minimum time between two attempts to remove what no version needs, in milliseconds. */
const FORGET_MS = 60_000

/**
 * Reconciles into a cluster that stores the records, and publishes from it. Any number of processes can share the cluster: one that has to refresh its data takes over what another one has just
 * listed, or lists by itself. A state has no records, but the number of their version in the cluster. The cluster is connected when it is first needed, and again after a failure.
 */
export class EngineBackend implements LakeBackend {
  readonly #store: ObjectStore
  readonly #rules: LakeRules
  readonly #engine: EngineRules
  readonly #clocks: EngineClocks
  readonly #fields: readonly TableField[]
  readonly #publisher: Publisher
  readonly #opened = new Lazy(() => this.#connect())
  #report: StoredReport | undefined
  /** The manifest that this process has written last. */
  #ownManifest: string | undefined
  #forgetting: Promise<void> = Promise.resolve()
  #forgotAt = -Infinity

  constructor (store: ObjectStore, rules: LakeRules, engine: EngineRules, clocks: EngineClocks) {
    this.#store = store
    this.#rules = rules
    this.#engine = engine
    this.#clocks = clocks
    this.#fields = tableFields(compileSchema(rules.schema))
    this.#publisher = new Publisher(store)
  }

  async reconcile (previous: SourceState | undefined, { isRequired, outputKeys }: ReconcileRequest, onProgress: (progress: ReconcileProgress) => void): Promise<BackendReconciled> {
    const { clock } = this.#clocks
    const opened = await this.#opened.get()
    await this.#forgetting
    for (let attempt = 1; ; attempt++) {
      const checkedAt = clock()
      const base = await opened.commits.current()
      if (!isRequired && base !== undefined && this.#isFollowed(base)) return await this.#follow(opened, base, previous, checkedAt)
      try {
        const { committed, touched, summary, ...result } = await opened.ingest.reconcile(base, { isRequired, outputKeys, publishedKey: this.#rules.outputKey, onProgress })
        this.#ownManifest = committed.manifest.id
        this.#forgetting = this.#forget(opened)
        return { ...result, ...await this.#viewOf(opened, committed, previous), removedSince: 0, hasOutdatedImages: true }
      } catch (error) {
        if (!(error instanceof opened.modules.CommitConflictError)) throw error
        if (attempt === MAX_ATTEMPTS) throw new StoreError('precondition_failed', error.message)
      }
    }
  }

  /** The outcome of taking over a version that another process has committed. That process may have ended since. */
  async #follow (opened: Opened, base: Committed, previous: SourceState | undefined, checkedAt: number): Promise<BackendReconciled> {
    const view = await this.#viewOf(opened, base, previous)
    const keys = new Utf8Reader(view.quarantine.keys)
    const failed = [...view.quarantine.codes].flatMap((code, row) => code === DOWNLOAD_FAILED ? [keys.at(row)] : [])
    return {
      ...view,
      checkedAt,
      isLed: true,
      listedAt: base.summary.listedAt,
      listingMs: this.#clocks.clock() - checkedAt,
      requests: 0,
      failed,
      coverage: listingOf(base).coverage,
      removedSince: 0,
      hasOutdatedImages: true,
      preconditions: new Map()
    }
  }

  /** Whether this process takes over the last listing. It does not if that one is its own: `planRefresh` has decided that the next listing is due. */
  #isFollowed (base: Committed): boolean {
    if (base.manifest.id === this.#ownManifest) return false
    const now = this.#clocks.clock()
    return isFollowed({ ageMs: now - base.summary.listedAt, storedMs: now - base.manifest.writtenAt, listingMs: listingOf(base).listingMs }, this.#engine.maxStalenessMs)
  }

  /** The state of a committed version, the quarantine and the warnings. */
  async #viewOf (opened: Opened, committed: Committed, previous: SourceState | undefined): Promise<Pick<BackendReconciled, 'state' | 'quarantine' | 'warnings'>> {
    const listing = listingOf(committed)
    const { groups, quarantine } = await this.#reportOf(opened, committed, listing)
    const { counts, ignored } = quarantine
    const warnings = findLakeWarnings({ ...listing, prefix: this.#rules.prefix, records: committed.records, counts, ignored, groups })
    return { state: await this.#stateOf(opened, committed, previous), quarantine, warnings }
  }

  async #reportOf ({ connection, modules }: Opened, { number }: Committed, { ignored }: ListingSummary): Promise<StoredReport> {
    const last = this.#report
    const text = JSON.stringify(ignored)
    if (last?.number === number && last.ignored === text) return last
    const groups = await modules.readGroups(connection, number)
    const quarantine = await modules.readQuarantine(connection, number, ignored, groups)
    // The same object if it is equal, so that only its name is posted to the main thread.
    this.#report = { number, ignored: text, groups, quarantine: quarantine.name === last?.quarantine.name ? last.quarantine : quarantine }
    return this.#report
  }

  async #stateOf ({ connection, modules }: Opened, { number, name, records, undeclared, summary }: Committed, previous: SourceState | undefined): Promise<SourceState> {
    if (previous?.stored?.number === number) return previous
    const since = previous?.stored && { number: previous.stored.number, changes: previous.changes }
    const changes = await modules.changesUntil(connection, this.#fields, { number, name }, since)
    const empty = emptyState(this.#fields)
    return { ...empty, name: nextStateName(previous ?? empty, summary.listedAt), changes, stored: { number, name, records, undeclared } }
  }

  /** Re-checks nothing: events make a listing due. */
  async recheck (): Promise<undefined> {}

  async publish ({ stored }: SourceState, { output, precondition, dryRun, guard, trace }: PublishRequest): Promise<OutputReport> {
    const { connection, modules: { ClickHouseVersion } } = await this.#opened.get()
    const version = new ClickHouseVersion(connection, { ...stored!, fields: this.#fields, timeZone: this.#rules.timeZone })
    try {
      const rendered = await streamOutput(version, output)
      const { maxPutBytes = MAX_PUT_BYTES } = this.#engine
      const inParts = rendered.body.length > maxPutBytes
      if (inParts && !dryRun) await this.#checkParts(output.key, maxPutBytes)
      return { ...await this.#publisher.publish({ key: output.key, inParts, precondition, dryRun, guard, trace, ...rendered }), records: rendered.records }
    } catch (error) {
      if (!(error instanceof VersionForgottenError)) throw error
      throw new EngineError('engine_timeout', `${output.key}: publishing took so long that the data version of the output was removed, because it was replaced more than VERSIONS_MAX_AGE ago; set VERSIONS_MAX_AGE to a longer time`, { cause: error })
    }
  }

  /** @throws StoreError `too_large` unless the store honours the condition of a write in parts: an older output could replace a newer one; `access_denied` if it refuses such a write */
  async #checkParts (key: string, maxPutBytes: number): Promise<void> {
    if (await checkWritesInParts(this.#store, this.#rules.probeKey) === true) return
    throw new StoreError('too_large', `${this.#store.url}/${key}: the output would have more than ${maxPutBytes} bytes, and it is not certain that the store honours the condition of a multipart upload`)
  }

  /** The cluster has what a snapshot would have. */
  async saveSnapshot (): Promise<true> {
    return true
  }

  async orderNumbers (column: StoredNumbers): Promise<ColumnOrder> {
    return await runSteps(orderByNumber(column))
  }

  async outputAgeMs (_outputs: readonly Output[]): Promise<undefined> {}

  async checkWrites (): Promise<boolean | undefined> {
    return await checkConditionalWrites(this.#store, this.#rules.probeKey)
  }

  async close (): Promise<void> {
    await this.#forgetting
    const opened = await this.#opened.begun?.catch(() => undefined)
    await opened?.connection.close()
  }

  async #connect (): Promise<Opened> {
    const modules = await loadModules()
    const { schema, hidden, timeZone, maxLoss } = this.#rules
    const { clock, wallClock } = this.#clocks
    const connection = await modules.Connection.open(this.#engine.options)
    try {
      // The schema and the time zone are compared on their own: see `Identity`.
      const withoutSchema = { ...this.#rules, schema: NO_SCHEMA, hidden: hidden && { ...hidden, schema: NO_SCHEMA }, timeZone: 'UTC' }
      const identity = { lake: lakeIdentity(this.#store.url, withoutSchema), schema: hidden?.schema ?? schema }
      const commits = await modules.Commits.open({ store: this.#store, key: this.#engine.manifestKey, connection, fields: this.#fields, timeZone, identity, clock, wallClock })
      const ingest = new modules.LakeIngest(this.#store, { connection, commits, rules: this.#rules, clock, maxLoss })
      return { connection, commits, ingest, modules }
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  /** Removes what no version needs. Never rejects: what remains is removed the next time. */
  async #forget ({ commits }: Opened): Promise<void> {
    const { clock } = this.#clocks
    if (clock() - this.#forgotAt < Math.min(FORGET_MS, this.#engine.versionsMaxAgeMs)) return
    this.#forgotAt = clock()
    await commits.forget(this.#engine.versionsMaxAgeMs).catch(() => {})
  }
}

const DOWNLOAD_FAILED = QUARANTINE_CODES.indexOf('download_failed')
const NO_SCHEMA = { fields: [] }

function listingOf ({ summary }: Committed): ListingSummary {
  return summary.source as ListingSummary
}

/** Loads the modules of the engine, dynamically so that a process without a cluster does not load them. */
async function loadModules () {
  const [{ Connection }, { Commits, CommitConflictError }, { LakeIngest }, { ClickHouseVersion }, quarantine, { changesUntil }] = await Promise.all([
    import('../clickhouse/connection.js'),
    import('../clickhouse/commits.js'),
    import('../clickhouse/ingest.js'),
    import('../clickhouse/clickhouse-version.js'),
    import('../clickhouse/stored-quarantine.js'),
    import('../clickhouse/stored-changes.js')
  ])
  return { Connection, Commits, CommitConflictError, LakeIngest, ClickHouseVersion, ...quarantine, changesUntil }
}
