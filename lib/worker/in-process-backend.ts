import type { MonotonicClock } from '../base/clock.js'
import { renderOutput, type Output } from '../output/output.js'
import { Publisher, type Precondition } from '../output/publisher.js'
import { TableVersion } from '../query/table-version.js'
import { SnapshotFile } from '../snapshot/snapshot-file.js'
import { EtagCache, type SourceState } from '../source/etag-cache.js'
import { reconcile, type ReconcileProgress, type Reconciled } from '../source/reconcile.js'
import type { SourceRules } from '../source/rules.js'
import type { ObjectStore } from '../store/object-store.js'
import type { Table } from '../table/table.js'
import type { LakeBackend, OutputReport } from './lake-backend.js'

/** What the work on a bucket depends on. Plain data. */
export interface LakeRules extends SourceRules {
  /** Where the snapshot lies. */
  readonly snapshotKey: string
}

/** The work on the bucket in this thread. The store stays the caller's. */
export class InProcessBackend implements LakeBackend {
  readonly #store: ObjectStore
  readonly #clock: MonotonicClock
  readonly #rules: LakeRules
  readonly #publisher: Publisher
  readonly #snapshot: SnapshotFile
  #preloaded: Promise<SourceState | undefined> | undefined

  constructor (store: ObjectStore, clock: MonotonicClock, rules: LakeRules) {
    this.#store = store
    this.#clock = clock
    this.#rules = rules
    this.#publisher = new Publisher(store)
    this.#snapshot = new SnapshotFile(store, rules.snapshotKey, rules)
  }

  /** Begins to read the snapshot, before the first reconcile asks for it. */
  preload (): void {
    this.#preloaded = this.#snapshot.load()
  }

  async reconcile (previous: EtagCache | 'snapshot', retryAll: boolean, onProgress: (progress: ReconcileProgress) => void): Promise<Reconciled> {
    // The listing goes on while the snapshot is read.
    const known = previous === 'snapshot' ? this.#loadSnapshot() : previous
    return await reconcile(this.#store, known, this.#clock, { rules: this.#rules, retryAll, onProgress })
  }

  async #loadSnapshot (): Promise<EtagCache> {
    const loading = this.#preloaded ?? this.#snapshot.load()
    this.#preloaded = undefined
    return new EtagCache(await loading)
  }

  async readPrecondition (key: string): Promise<Precondition> {
    return await this.#publisher.readPrecondition(key)
  }

  async publish (table: Table, output: Output, precondition: Precondition, dryRun: boolean): Promise<OutputReport> {
    const { records, ...rendered } = await renderOutput(new TableVersion(table, this.#rules.timeZone), output)
    return { ...await this.#publisher.publish({ key: output.key, precondition, dryRun, ...rendered }), records }
  }

  async saveSnapshot (state: SourceState): Promise<void> {
    await this.#snapshot.save(state)
  }

  async close (): Promise<void> {}
}
