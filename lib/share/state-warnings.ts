import { describeFailure, toFailureCode } from '../base/failure-code.js'
import type { Warning } from '../base/warning.js'

/** Why a replica does not share its listings at the moment. */
export interface StateProblems {
  /** The error of the last read; `undefined` if it succeeded. */
  readonly readError: unknown
  /** Whether the state was read but cannot be followed. */
  readonly isForeign: boolean
  /** The error of the last write; `undefined` if it succeeded. */
  readonly writeError: unknown
}

/** The warnings about the state that replicas share. */
export function stateWarnings ({ readError, isForeign, writeError }: StateProblems): Warning[] {
  const warnings: Warning[] = []
  if (readError !== undefined) warnings.push(notReadable(`could not be read: ${describeFailure(toFailureCode(readError))}`))
  else if (isForeign) warnings.push(notReadable('is damaged, or was written with other settings or by another release'))
  if (writeError !== undefined) {
    const reason = describeFailure(toFailureCode(writeError))
    warnings.push({ code: 'state_not_writable', detail: `The state object that replicas share could not be written: ${reason}; each replica lists the lake for itself`, ...writeError instanceof Error && { cause: writeError.message } })
  }
  return warnings
}

function notReadable (reason: string): Warning {
  return { code: 'state_not_readable', detail: `The state object that replicas share ${reason}; this replica lists the lake for itself` }
}
