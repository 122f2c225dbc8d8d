import type { FastifyBaseLogger } from 'fastify'
import { toFailureCode } from '../lib/base/failure-code.js'
import type { Warning } from '../lib/base/warning.js'
import type { LakeChange } from '../lib/transformer.js'

/** The most rejects that are logged one by one after a reconcile. */
const MAX_REJECT_LINES = 20

export interface LakeLog {
  /** Logs what a reconcile has found and an earlier one has not. */
  readonly onReconciled: (change: LakeChange) => void
  /** Logs a failure to write the snapshot when it begins and when it has ended. */
  readonly onSnapshotWritten: (error?: unknown) => void
}

/** Logs the warnings, the rejected files and the ignored objects of a lake, each of them once. */
export function lakeLogger (log: FastifyBaseLogger): LakeLog {
  const logWarnings = warningLogger(log)
  /** The extensions of ignored objects that have been logged. */
  const ignoredExtensions = new Set<string | null>()
  let snapshotFailure: string | undefined

  return {
    onReconciled: ({ warnings, newRejects, newRejectCount, ignored }) => {
      logWarnings(warnings)
      for (const { key, code, detail, hint, line, column } of newRejects(MAX_REJECT_LINES)) log.warn({ key, code, detail, hint, line, column }, 'Info file rejected')
      if (newRejectCount > MAX_REJECT_LINES) log.warn({ count: newRejectCount - MAX_REJECT_LINES }, 'More info files are rejected; GET /rejects lists all of them')
      for (const { extension, count, example } of ignored) {
        if (ignoredExtensions.has(extension)) continue
        ignoredExtensions.add(extension)
        log.info({ extension, count, example }, 'Objects with this extension are ignored')
      }
    },
    onSnapshotWritten: (error) => {
      const failure = error === undefined ? undefined : toFailureCode(error)
      if (failure === snapshotFailure) return
      if (failure !== undefined) log.warn({ error: failure, cause: (error as Error).message }, 'The snapshot could not be written: the next start takes longer')
      else log.info('The snapshot is written again')
      snapshotFailure = failure
    }
  }
}

/** Returns a function that logs the warnings that the previous call did not have, and those that are gone. */
export function warningLogger (log: FastifyBaseLogger): (warnings: readonly Warning[]) => void {
  let known: readonly Warning[] = []
  return (warnings) => {
    for (const { code, detail } of warnings) if (!hasCode(known, code)) log.warn({ warning: code }, detail)
    for (const { code } of known) if (!hasCode(warnings, code)) log.info({ warning: code }, `The warning ${code} no longer applies`)
    known = warnings
  }
}

function hasCode (warnings: readonly Warning[], code: string): boolean {
  return warnings.some((warning) => warning.code === code)
}
