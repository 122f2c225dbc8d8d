import type { TraceContext } from '../base/trace-context.js'
import type { Output } from '../output/output.js'
import type { PublishGuard } from '../output/publisher.js'
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
  /** Hold the outputs if the first one would lose many records. Default: nothing is held. */
  readonly guard?: (() => PublishGuard) | undefined
  /** The trace that the requests of publishing are part of. */
  readonly trace?: TraceContext | undefined
  /** Reconciles by a listing that begins after the call. */
  readonly refresh: () => Promise<Listing>
}

/** The maximum number of attempts to publish the outputs while other writers keep replacing one of them. */
const MAX_ATTEMPTS = 5

/**
 * Brings outputs up to date. Each PUT is conditional on the ETag that the output had before the listing began, so that an output never replaces
 * one from a newer listing. All outputs are made from one listing: after a conflict, all of them are published again from the next one. If the first
 * output is held, the others are not published either.
 *
 * @throws StoreError `precondition_failed` if other writers won all attempts; any error of `refresh` or of the store
 */
export async function updateOutputs (backend: LakeBackend, { outputs, dryRun, guard, trace, refresh }: Update): Promise<OutputReport[]> {
  /** The reports of the attempts that wrote an output: a later attempt finds it up to date and skips it. */
  const written = new Map<string, OutputReport>()
  for (let attempt = 1; ; attempt++) {
    const { state, preconditions } = await refresh()
    try {
      const reports: OutputReport[] = []
      for (const output of outputs) {
        const precondition = preconditionOf(output.key, preconditions)
        const report = await backend.publish(state, { output, precondition, dryRun, guard: reports.length === 0 ? guard?.() : undefined, trace })
        if (!report.skipped) written.set(output.key, report)
        reports.push(report.isHeld ? report : written.get(output.key) ?? report)
        if (report.isHeld && !dryRun) break
      }
      return reports
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'precondition_failed' || attempt === MAX_ATTEMPTS) throw error
    }
  }
}

function preconditionOf (key: string, preconditions: Preconditions): Precondition {
  const precondition = preconditions.get(key)!
  if ('code' in precondition) throw new StoreError(precondition.code, precondition.message)
  return precondition
}
