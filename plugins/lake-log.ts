import type { FastifyBaseLogger } from 'fastify'
import { toFailureCode } from '../lib/base/failure-code.js'
import type { Warning } from '../lib/base/warning.js'
import type { LakeChange, QuarantineCode } from '../lib/transformer.js'

/**
 * The codes of rejects whose column is a declared one. The names of others come from the file, and are values if it has no header. For the same reason, the log has neither the details nor
 * the hints of rejects.
 */
const CODES_OF_DECLARED_COLUMNS: readonly QuarantineCode[] = ['invalid_value', 'missing_column']

/** Functions that log the state of a lake; the transformer calls them. */
export interface LakeLog {
  /**
   * Logs the warnings that begin and end, the new rejects, and the ignored extensions that no earlier reconcile has found. If this replica takes over from one that has ended
   * unexpectedly, logs this as well.
   */
  readonly onReconciled: (change: LakeChange) => void
  /** Logs the first failure to write the snapshot and the next success. Receives `undefined` if the write succeeded. */
  readonly onSnapshotWritten: (error?: unknown) => void
}

/**
 * Logs what changes in a lake: each warning when it begins and when it ends, the codes of the rejects that a reconcile has not found before, and each extension of ignored objects once. After
 * one reconcile there is one line for each code of rejects, with one of them as an example, so that they do not hide other lines.
 */
export function lakeLogger (log: FastifyBaseLogger): LakeLog {
  const logWarnings = warningLogger(log)
  /** The extensions of ignored objects that have been logged. */
  const ignoredExtensions = new Set<string | null>()
  /** The failure of the last write; `undefined` if it succeeded. */
  let snapshotFailure: string | undefined

  return {
    onReconciled: ({ warnings, takeoverMs, newRejects, ignored }) => {
      logWarnings(warnings)
      if (takeoverMs !== undefined) {
        const seconds = Math.round(takeoverMs / 1000)
        log.info({ unwritten_s: seconds }, `The replica that listed the lake has not written the state object, which replicas share, for ${seconds} s: this replica lists the lake from now on`)
      }
      for (const { code, count, first } of newRejects) {
        const { key, line, column } = first()
        log.warn({ code, count, example: key, line, ...CODES_OF_DECLARED_COLUMNS.includes(code) && { column } }, 'Info files rejected; GET /rejects has all of them, with the reasons')
      }
      for (const { extension, count, example } of ignored) {
        if (ignoredExtensions.has(extension)) continue
        ignoredExtensions.add(extension)
        log.info({ extension, count, example }, `Objects ${extension === null ? 'without an extension, or with one beyond the first 100,' : 'with this extension'} are ignored`)
      }
    },
    onSnapshotWritten: (error) => {
      const failure = error === undefined ? undefined : toFailureCode(error)
      if (failure === snapshotFailure) return
      if (failure !== undefined) log.warn({ warning: 'snapshot_not_writable', error: failure, cause: (error as Error).message }, 'The snapshot could not be written: the next start takes longer')
      else log.info({ warning: 'snapshot_not_writable' }, 'The snapshot is written again')
      snapshotFailure = failure
    }
  }
}

/** Returns a function that logs which warnings are new since its previous call, and which no longer apply. */
export function warningLogger (log: FastifyBaseLogger): (warnings: readonly Warning[]) => void {
  let previous: readonly Warning[] = []
  return (warnings) => {
    for (const { code, detail, cause } of warnings) if (!hasCode(previous, code)) log.warn({ warning: code, cause }, detail)
    for (const { code } of previous) if (!hasCode(warnings, code)) log.info({ warning: code }, `The warning ${code} no longer applies`)
    previous = warnings
  }
}

function hasCode (warnings: readonly Warning[], code: string): boolean {
  return warnings.some((warning) => warning.code === code)
}
