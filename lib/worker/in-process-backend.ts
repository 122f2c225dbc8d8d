import type { MonotonicClock } from '../base/clock.js'
import { renderOutput } from '../output/output.js'
import { Publisher } from '../output/publisher.js'
import { runSteps } from '../base/steps.js'
import { orderByNumber, type ColumnOrder, type StoredNumbers } from '../query/column-order.js'
import { TableVersion } from '../query/table-version.js'
import { SnapshotFile, type LoadedSnapshot } from '../snapshot/snapshot-file.js'
import { LossGuard } from '../source/loss-guard.js'
import { recheck, type Rechecked } from '../source/recheck.js'
import { reconcile, type Reconciled, type ReconcileOptions, type ReconcileProgress } from '../source/reconcile.js'
import type { SourceRules } from '../source/rules.js'
import { compileSchema } from '../schema/schema.js'
import { emptyState, type SourceState } from '../source/source-state.js'
import { VanishedRows } from '../source/vanished-rows.js'
import { tableFields } from '../table/table-field.js'
import { checkConditionalWrites } from '../store/check-writes.js'
import type { ObjectStore } from '../store/object-store.js'
import { tracedStore } from '../store/traced-store.js'
import type { BackendReconciled, LakeBackend, OutputReport, PublishRequest, ReconcileRequest } from './lake-backend.js'
import type { EngineRules } from './engine-rules.js'
import type { SharingRules } from './sharing-backend.js'

/** The settings of reconciles, outputs and the snapshot. Plain data. */
export interface LakeRules extends SourceRules {
  /** The object key of the snapshot. */
  readonly snapshotKey: string
  /** The key of the CSV output. */
  readonly outputKey: string
  /** The key of the object with which conditional writes are checked. */
  readonly probeKey: string
  /** The greatest share of the records that a listing may lose without being confirmed, from 0 to 1; see `isLargeLoss`. */
  readonly maxLoss: number
  /** The cluster that stores the records. Absent: this process does. */
  readonly engine?: EngineRules | undefined
  /** Absent: replicas do not share their listings. */
  readonly sharing?: SharingRules | undefined
}

/** Reconciles and publishes in the calling thread. The caller closes the store. */
export class InProcessBackend implements LakeBackend {
  readonly #store: ObjectStore
  readonly #clock: MonotonicClock
  readonly #rules: LakeRules
  readonly #publisher: Publisher
  readonly #snapshot: SnapshotFile
  readonly #lossGuard: LossGuard
  readonly #vanished: VanishedRows
  #last: Reconciled | undefined
  #preloaded: Promise<LoadedSnapshot> | undefined

  constructor (store: ObjectStore, clock: MonotonicClock, rules: LakeRules) {
    this.#store = store
    this.#clock = clock
    this.#rules = rules
    this.#publisher = new Publisher(store)
    this.#lossGuard = new LossGuard(rules.maxLoss)
    this.#vanished = new VanishedRows(clock)
    this.#snapshot = new SnapshotFile(store, rules.snapshotKey, rules)
  }

  /** Starts to read the snapshot, which the first reconcile needs. */
  preload (): void {
    this.#preloaded = this.#snapshot.load()
  }

  async reconcile (previous: SourceState | undefined, { trace, ...request }: ReconcileRequest, onProgress: (progress: ReconcileProgress) => void): Promise<BackendReconciled> {
    const reconciled = await this.#reconcile(tracedStore(this.#store, trace), previous, { rules: this.#rules, ...request, lossGuard: this.#lossGuard, publishedKey: this.#rules.outputKey, vanished: this.#vanished, onProgress })
    this.#last = reconciled
    return reconciled
  }

  async #reconcile (store: ObjectStore, previous: SourceState | undefined, options: ReconcileOptions): Promise<BackendReconciled> {
    if (previous !== undefined) {
      const quarantine = this.#last?.state === previous ? this.#last.quarantine : undefined
      return await reconcile(store, previous, this.#clock, { ...options, quarantine })
    }
    // The snapshot is read while the listing runs.
    const snapshot = this.#preloaded ?? this.#snapshot.load()
    this.#preloaded = undefined
    const first = snapshot.then(({ state }) => state ?? emptyState(tableFields(compileSchema(this.#rules.schema))))
    const reconciled = await reconcile(store, first, this.#clock, options)
    return { ...reconciled, snapshotFailure: (await snapshot).failure }
  }

  async recheck (previous: SourceState, objectKeys: readonly string[]): Promise<Rechecked | undefined> {
    const last = this.#last
    if (last?.state !== previous) return undefined
    const found = await recheck(this.#store, last, objectKeys, this.#clock, this.#rules)
    if (found !== undefined) this.#last = { ...last, ...found }
    return found
  }

  async publish ({ table }: SourceState, { output, precondition, dryRun, guard, trace }: PublishRequest): Promise<OutputReport> {
    const rendered = await renderOutput(new TableVersion(table, this.#rules.timeZone), output)
    return { ...await this.#publisher.publish({ key: output.key, precondition, dryRun, guard, trace, ...rendered }), records: rendered.records }
  }

  async saveSnapshot (state: SourceState): Promise<true> {
    await this.#snapshot.save(state)
    return true
  }

  async orderNumbers (column: StoredNumbers): Promise<ColumnOrder> {
    return await runSteps(orderByNumber(column))
  }

  async outputAgeMs (): Promise<undefined> {}

  async checkWrites (): Promise<boolean | undefined> {
    return await checkConditionalWrites(this.#store, this.#rules.probeKey)
  }

  async close (): Promise<void> {}
}
