import { setTimeout as sleep } from 'node:timers/promises'
import schedule from '@fastify/schedule'
import fp from 'fastify-plugin'
import { AsyncTask, SimpleIntervalJob, type ToadScheduler } from 'toad-scheduler'
import { parseDuration } from '../lib/base/duration.js'
import type { WarningCode } from '../lib/base/warning.js'
import { warningLogger } from './lake-log.js'
import { isAttempt, type Job, type JobTrigger } from '../lib/jobs.js'

/** Milliseconds between two attempts to read the lake while there is no data. The pause doubles after each attempt, up to the maximum. */
const FIRST_RETRY_MS = 250
const MAX_RETRY_MS = 4000
/** Milliseconds between a job with a problem and its first repetition. The pause doubles after each repetition. */
const FIRST_REPEAT_MS = 2000
/** The longest of these pauses while the lake cannot be read: such a job fails with its first requests, so that it costs little. */
const MAX_UNREADABLE_REPEAT_MS = 30_000

/** Problems with the state object of replicas, which the next job may find to be over. */
const STATE_WARNINGS: readonly WarningCode[] = ['state_not_readable', 'state_not_writable']

/** The timers of the scheduler. */
export interface Timers {
  /** Runs a task every `ms` milliseconds. Skips a run if the previous one has not ended. */
  every (ms: number, task: () => Promise<void>): void
  /** Waits for `ms` milliseconds. Rejects if the signal is aborted. */
  pause (ms: number, signal: AbortSignal): Promise<void>
}

export interface SchedulerOptions {
  /** Default: timers of toad-scheduler and Node. */
  readonly timers?: Timers | undefined
}

/**
 * Enqueues an aggregation job when the server begins to listen, and then every AGGREGATE_INTERVAL. With `PUBLISH=false` it only reads the
 * lake at these times. A job with a problem that may pass is repeated earlier. Needs: config, object-store, transformer, jobs.
 */
export default fp<SchedulerOptions>(async (fastify, options) => {
  await fastify.register(schedule)
  const timers = options.timers ?? systemTimers(fastify.scheduler)
  const { config, jobs, log, objectStore, outputOptions, transformer } = fastify
  const intervalMs = parseDuration(config.AGGREGATE_INTERVAL)!
  const closing = new AbortController()
  /** A folder has one writer, which holds its lock. */
  const isBucket = objectStore.url.startsWith('s3:')
  let areWritesKnown = false
  /** Whether conditional writes are to be checked when the lake has been listed: at the start, and at each job while the result is not known. */
  let isCheckDue = false

  const logRefusal = warningLogger(log)
  const checkWrites = async () => {
    const honoursConditions = await transformer.checkWrites()
    logRefusal(transformer.warnings().filter(({ code }) => code === 'output_not_writable'))
    if (honoursConditions === false && !areWritesKnown) {
      log.warn('This store does not honour the conditions of writes (If-Match, If-None-Match): only one process may publish (PUBLISH=false on the others), and replicas share no listings')
    }
    areWritesKnown = honoursConditions !== undefined
  }
  // Once the lake is listed, so that the check does not delay the first data; a job waits for it before it publishes.
  transformer.onReconcile(() => {
    if (!isCheckDue) return
    isCheckDue = false
    checkWrites()
  })

  /** Whether the last job had a problem, the pause before the next repetition, and whether that pause has begun. */
  let hasProblem = false
  let repeatMs = FIRST_REPEAT_MS
  let isPausing = false

  const update = async (trigger: JobTrigger) => {
    if (fastify.isDraining) return
    // If the last job of this replica had a problem, it is repeated even if another replica has brought the outputs up to date.
    if (trigger === 'schedule' && !hasProblem && await isDoneElsewhere()) return
    isCheckDue = config.PUBLISH && isBucket && !areWritesKnown
    if (config.PUBLISH) await jobs.enqueue(trigger).ended
    else await transformer.ensureFresh({ fresh: true })
  }

  /** Repeats a job with a problem after a pause, unless there is no data or the pause would be as long as the interval of scheduled jobs. Rejects only if a shutdown interrupts the pause. */
  const repeat = async ({ trigger, error }: Job) => {
    const isUnreadable = error !== null && transformer.freshness().staleReasons.some((code) => code === error.code)
    const ms = isUnreadable ? Math.min(repeatMs, MAX_UNREADABLE_REPEAT_MS) : repeatMs
    if (isPausing || !hasData() || ms >= intervalMs) return
    isPausing = true
    repeatMs = 2 * ms
    await timers.pause(ms, closing.signal)
    isPausing = false
    if (hasProblem) await update(trigger === 'startup' ? trigger : 'schedule')
  }

  const noteEnd = (job: Job) => {
    if (!isAttempt(job)) return
    hasProblem = job.error !== null || job.result!.warnings.some(({ code }) => STATE_WARNINGS.includes(code))
    if (hasProblem) repeat(job).catch(() => {})
    else repeatMs = FIRST_REPEAT_MS
  }

  /** Whether another replica has brought the same outputs up to date in this interval. The intervals of replicas begin at different times. */
  const isDoneElsewhere = async () => {
    const ageMs = await transformer.outputAgeMs(outputOptions)
    return ageMs !== undefined && ageMs < 0.9 * intervalMs
  }

  const hasData = () => transformer.freshness().ageMs !== undefined

  /** Retries until there is data. It does not wait for the next interval, because all requests for data fail until then. */
  const startUp = async () => {
    await update('startup')
    if (hasData()) return
    for (let ms = FIRST_RETRY_MS; !hasData(); ms = Math.min(2 * ms, MAX_RETRY_MS)) {
      await transformer.ensureFresh({ fresh: true })
      await timers.pause(ms, closing.signal)
    }
    await update('startup')
  }

  fastify.addHook('onListen', async () => {
    jobs.onEnd(noteEnd)
    startUp().catch(() => {}) // rejects only if a shutdown interrupts the pause
    timers.every(intervalMs, async () => { await update('schedule') })
  })
  fastify.addHook('preClose', async () => {
    closing.abort()
    fastify.scheduler.stop()
  })
}, { name: 'scheduler', dependencies: ['config', 'object-store', 'transformer', 'jobs'] })

function systemTimers (scheduler: ToadScheduler): Timers {
  return {
    every: (milliseconds, task) => scheduler.addSimpleIntervalJob(new SimpleIntervalJob({ milliseconds }, new AsyncTask('aggregate', task))),
    pause: (ms, signal) => sleep(ms, undefined, { signal })
  }
}
