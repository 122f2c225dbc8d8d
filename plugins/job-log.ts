import type { FastifyBaseLogger } from 'fastify'
import type { JobListener } from '../lib/jobs.js'
import type { UpdateReport } from '../lib/transformer.js'
import { toWireResult } from './job-result.js'
import { warningLogger } from './lake-log.js'

/**
 * Returns a function that logs a job that has ended. If jobs keep failing with the same code, the first failure and the next success are
 * logged; the failures in between, and jobs that changed nothing, have the level debug. A wrong confirmation is a mistake of a client, and no failure. Only an internal error is logged with its stack.
 */
export function jobLogger (log: FastifyBaseLogger): JobListener {
  /** The data version that the last held job named. */
  let held: string | undefined
  /** The error code of the last job, if it failed, by `dryRun`. */
  const lastFailures = new Map<boolean, string>()
  const logWarnings = warningLogger(log)

  return ({ id, trigger, dryRun, trace, result: exact, error }, cause) => {
    const result = exact && { ...toWireResult(exact), phases: toPhases(exact.phases) }
    const job = { job: id, trigger, dry_run: dryRun, trace_id: trace?.traceId }
    const previous = lastFailures.get(dryRun)
    if (error?.code === 'confirmation_mismatch') {
      log.info({ ...job, error }, 'Nothing was published: the confirmation names another data version')
      return
    }
    if (error !== null) {
      lastFailures.set(dryRun, error.code)
      if (error.code === previous) log.debug({ ...job, error }, 'Job failed again')
      else if (error.code === 'internal_error') log.error({ ...job, error, err: cause }, 'Job failed')
      else log.warn({ ...job, error, cause: messageOf(cause) }, 'Job failed; further failures with this code have the level debug until a job ends otherwise')
      return
    }
    // All other warnings are logged after each reconcile; see lake-log.ts.
    if (!dryRun) logWarnings(result!.warnings.filter(({ code }) => code === 'unknown_output_column'))
    lastFailures.delete(dryRun)
    const { confirm, records, removed } = result!
    if (confirm !== undefined && !dryRun) {
      if (confirm === held) log.debug({ ...job, result }, 'Job held again')
      else log.warn({ ...job, confirm, records, removed }, 'Job held: the output would lose more records than MAX_LOSS allows; POST /data?confirm=<the value of `confirm`> publishes it')
      held = confirm
      return
    }
    if (!dryRun) held = undefined
    if (previous !== undefined) log.info({ ...job, result }, `Job succeeded; jobs no longer fail with ${previous}`)
    else log[result!.skipped && !dryRun ? 'debug' : 'info']({ ...job, result }, 'Job succeeded')
  }
}

/** The phases in whole milliseconds: fractions of them are noise in a log line. */
function toPhases (phases: UpdateReport['phases']): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(phases).map(([name, ms]) => [name.replace(/Ms$/, '_ms'), Math.round(ms)]))
}

function messageOf (cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
