import type { Output } from '../output/output.js'
import type { SourceState } from '../source/source-state.js'
import { StoreError } from '../store/object-store.js'
import type { Precondition, Preconditions } from '../store/precondition.js'
import type { LakeBackend, OutputReport } from './lake-backend.js'

/** The state after a reconcile, and the preconditions of the outputs, which were read before its listing began. */
export interface Listing {
  readonly state: SourceState
  readonly preconditions: Preconditions
}

/** The outputs to update, and how to reconcile before that. */
export interface Update {
  readonly outputs: readonly Output[]
  /** Report what would change, and write nothing. */
  readonly dryRun: boolean
  /** Reconciles by a listing that begins after the call. */
  readonly refresh: () => Promise<Listing>
}

/** The maximum number of attempts to publish one output while other writers keep replacing it. */
const MAX_ATTEMPTS = 5

/**
 * Brings outputs up to date. Each PUT is conditional on the ETag that the output had before the listing began, so that an output never replaces
 * one from a newer listing.
 *
 * @throws StoreError `precondition_failed` if other writers won all attempts; any error of `refresh` or of the store
 */
export async function updateOutputs (backend: LakeBackend, { outputs, dryRun, refresh }: Update): Promise<OutputReport[]> {
  let listing = await refresh()
  const reports: OutputReport[] = []
  for (const output of outputs) {
    for (let attempt = 1; ; attempt++) {
      try {
        reports.push(await backend.publish(listing.state, { output, precondition: preconditionOf(output.key, listing.preconditions), dryRun }))
        break
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'precondition_failed' || attempt === MAX_ATTEMPTS) throw error
        listing = await refresh()
      }
    }
  }
  return reports
}

function preconditionOf (key: string, preconditions: Preconditions): Precondition {
  const precondition = preconditions.get(key)!
  if ('code' in precondition) throw new StoreError(precondition.code, precondition.message)
  return precondition
}
