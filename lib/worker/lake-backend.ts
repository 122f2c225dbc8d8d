import type { Output } from '../output/output.js'
import type { Precondition, PublishReport } from '../output/publisher.js'
import type { EtagCache, SourceState } from '../source/etag-cache.js'
import type { ReconcileProgress, Reconciled } from '../source/reconcile.js'
import type { Table } from '../table/table.js'

/** How an output was brought up to date, and how many users it holds. */
export interface OutputReport extends PublishReport { readonly records: number }

/**
 * The work on the bucket that takes long: in this thread or in another one. It keeps nothing that would be missed; what it
 * takes and gives is plain data, large parts of it in shared memory. All of it fails with a StoreError where the store does.
 */
export interface LakeBackend {
  /** See `reconcile`. From `'snapshot'`: from what the snapshot tells, or from nothing where it is of no use. */
  reconcile (previous: EtagCache | 'snapshot', retryAll: boolean, onProgress: (progress: ReconcileProgress) => void): Promise<Reconciled>
  /** The precondition for an output, to be read before the listing begins that it is made from. */
  readPrecondition (key: string): Promise<Precondition>
  /** Brings an output up to date with a table. */
  publish (table: Table, output: Output, precondition: Precondition, dryRun: boolean): Promise<OutputReport>
  /** Writes the snapshot unless another process has written one since; then its own is of the same use. */
  saveSnapshot (state: SourceState): Promise<void>
  close (): Promise<void>
}
