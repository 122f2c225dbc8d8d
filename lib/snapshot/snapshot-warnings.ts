import { describeFailure, toFailureCode } from '../base/failure-code.js'
import type { Warning } from '../base/warning.js'
import type { SnapshotFailure } from './snapshot-file.js'

/**
 * The warnings about the snapshot.
 *
 * @param failure why it could not be read at the start
 * @param error why it could not be written; `undefined` if it could
 */
export function snapshotWarnings (failure: SnapshotFailure | undefined, error: unknown): Warning[] {
  const warnings: Warning[] = []
  if (failure === 'damaged') warnings.push({ code: 'snapshot_damaged', detail: 'The snapshot is damaged: this start downloaded every info file, and the next snapshot replaces it' })
  // A snapshot of another release, schema or setting ('foreign') is no fault: it is expected after an upgrade, and replaced.
  else if (failure !== undefined && failure !== 'foreign') {
    warnings.push({ code: 'snapshot_not_readable', detail: `The snapshot could not be read: ${describeFailure(failure)}; every info file was downloaded` })
  }
  if (error !== undefined) warnings.push({ code: 'snapshot_not_writable', detail: `The snapshot could not be written: ${describeFailure(toFailureCode(error))}; the next start takes longer` })
  return warnings
}
