import type { TraceContext } from '../base/trace-context.js'
import type { Output } from '../output/output.js'
import type { PublishGuard, PublishReport } from '../output/publisher.js'
import type { ColumnOrder, StoredNumbers } from '../query/column-order.js'
import type { SnapshotFailure } from '../snapshot/snapshot-file.js'
import type { Quarantine } from '../source/quarantine.js'
import type { Rechecked } from '../source/recheck.js'
import type { ReconcileProgress, Reconciled } from '../source/reconcile.js'
import type { SourceState } from '../source/source-state.js'
import type { Precondition } from '../store/precondition.js'

/** The outcome of publishing an output, and the number of its records. */
export interface OutputReport extends PublishReport { readonly records: number }

/** Options of a reconcile. */
export interface ReconcileRequest {
  /** Whether a caller requires a listing that begins after its request. Files that could not be read are then tried again earlier: see `isPaused`. */
  readonly isRequired: boolean
  /** Outputs whose preconditions are read before the listing begins. */
  readonly outputKeys: readonly string[]
  /** The trace that the requests of the reconcile are part of. */
  readonly trace?: TraceContext | undefined
}

/** An output to publish. */
export interface PublishRequest {
  readonly output: Output
  /** The precondition of the output, read before the listing that the state was made from. */
  readonly precondition: Precondition
  /** Report what would change, and write nothing. */
  readonly dryRun: boolean
  /** Hold the publish if it would lose many records. Absent: nothing is held. */
  readonly guard?: PublishGuard | undefined
  /** The trace that the requests are part of. */
  readonly trace?: TraceContext | undefined
}

/** The outcome of a reconcile. */
export interface BackendReconciled<State = SourceState, Quarantines = Quarantine> extends Reconciled<State, Quarantines> {
  /** Without a listing: when this replica began to read the state object of the leader, or the manifest of the engine, in milliseconds of the monotonic clock. Absent after a listing. */
  readonly checkedAt?: number
  /** Whether another replica lists the lake, so that the next reconcile will probably be taken from its state. */
  readonly isLed?: boolean
  /** If this replica leads from now on because the one that led seems to have ended unexpectedly: for how many milliseconds that one had not written the state object. */
  readonly takeoverMs?: number | undefined
  /** Why the first reconcile could not start from the snapshot. */
  readonly snapshotFailure?: SnapshotFailure | undefined
}

/**
 * Reconciles and publishes, in this thread or in another one. Arguments and results are plain data, most of it in shared memory. All methods
 * except `checkWrites` reject with a StoreError if the store fails, and with an EngineError if the cluster fails.
 */
export interface LakeBackend {
  /** See `reconcile` in lib/source. Without a previous state it starts from the snapshot or, if that is missing or not usable, from an empty state. */
  reconcile (previous: SourceState | undefined, request: ReconcileRequest, onProgress: (progress: ReconcileProgress) => void): Promise<BackendReconciled>
  /** See `recheck` in lib/source. Also returns `undefined` if the backend does not have the result that belongs to this state. Must not run at the same time as `reconcile`. */
  recheck (previous: SourceState, objectKeys: readonly string[]): Promise<Rechecked | undefined>
  /** Brings an output up to date with the records of a state. Rejects with `read_only` if only another process may write, even if the output is up to date. */
  publish (state: SourceState, request: PublishRequest): Promise<OutputReport>
  /**
   * Writes the snapshot, unless it contains this state already or another process has written one in the meantime. Returns `false`, without having
   * written anything, if another replica leads: the leader writes the snapshot.
   */
  saveSnapshot (state: SourceState): Promise<boolean>
  /** Orders the rows of a column of numbers, for queries. */
  orderNumbers (column: StoredNumbers): Promise<ColumnOrder>
  /**
   * How old outputs are that another replica has made with the same settings: the time since the beginning of its listing, in milliseconds;
   * `undefined` if it has not made all of them, or if this is not known.
   */
  outputAgeMs (outputs: readonly Output[]): Promise<number | undefined>
  /**
   * Checks whether the store honours the conditions of writes: see `checkConditionalWrites`. If it does not, this replica shares nothing from then on. Returns
   * `undefined` if that is not known, for example because writing fails.
   */
  checkWrites (): Promise<boolean | undefined>
  /** Releases the resources of the backend. No other method may be called afterwards. */
  close (): Promise<void>
}
