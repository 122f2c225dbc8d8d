import type { Output } from '../output/output.js'
import type { PublishReport } from '../output/publisher.js'
import type { SnapshotFailure } from '../snapshot/snapshot-file.js'
import type { Quarantine } from '../source/quarantine.js'
import type { ReconcileProgress, Reconciled } from '../source/reconcile.js'
import type { SourceState } from '../source/source-state.js'
import type { Precondition } from '../store/precondition.js'

/** What became of an output, and how many records it holds. */
export interface OutputReport extends PublishReport { readonly records: number }

export interface ReconcileRequest {
  /** Also retry downloads that timed out and whose pause is not over. */
  readonly retryAll: boolean
  /** Outputs whose preconditions are read before the listing begins. */
  readonly outputKeys: readonly string[]
}

export interface PublishRequest {
  readonly output: Output
  /** Read before the listing that the state was made from. */
  readonly precondition: Precondition
  /** Report what would change, and write nothing. */
  readonly dryRun: boolean
}

/** The outcome of a reconcile. `snapshotFailure`: why the first one could not start from the snapshot. */
export interface BackendReconciled<State = SourceState, Quarantines = Quarantine> extends Reconciled<State, Quarantines> {
  readonly snapshotFailure?: SnapshotFailure | undefined
}

/**
 * The long-running work on a lake, in this thread or in another one. Arguments and results are plain data, most of it in shared
 * memory. All methods fail with a StoreError if the store does.
 */
export interface LakeBackend {
  /** See `reconcile`. Without a previous state it starts from the snapshot, or from nothing if there is no usable snapshot. */
  reconcile (previous: SourceState | undefined, request: ReconcileRequest, onProgress: (progress: ReconcileProgress) => void): Promise<BackendReconciled>
  /** Brings an output up to date with the records of a state. */
  publish (state: SourceState, request: PublishRequest): Promise<OutputReport>
  /** Writes the snapshot, unless it holds this state already or another process has written one in the meantime. */
  saveSnapshot (state: SourceState): Promise<void>
  close (): Promise<void>
}
