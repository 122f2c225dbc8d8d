import { setTimeout as sleep } from 'node:timers/promises'
import schedule from '@fastify/schedule'
import fp from 'fastify-plugin'
import { AsyncTask, SimpleIntervalJob, type ToadScheduler } from 'toad-scheduler'
import { parseDuration } from '../lib/base/duration.js'
import type { JobTrigger } from '../lib/jobs.js'

/** Milliseconds between two attempts to read the lake while there is no data. The pause doubles after each attempt, up to the maximum. */
const FIRST_RETRY_MS = 250
const MAX_RETRY_MS = 4000
/** Milliseconds between the first job and its first repetition, if it failed although there is data. The pause doubles after each repetition. */
const FIRST_REPEAT_MS = 2000

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
 * lake at these times. Needs: config, object-store, transformer, jobs.
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

  const checkWrites = async () => {
    const honoursConditions = await transformer.checkWrites()
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

  /** Returns whether a job has failed. */
  const update = async (trigger: JobTrigger) => {
    if (fastify.isDraining) return false
    if (trigger === 'schedule' && await isDoneElsewhere()) return false
    isCheckDue = config.PUBLISH && isBucket && !areWritesKnown
    if (config.PUBLISH) return (await jobs.enqueue(trigger).ended).state === 'failed'
    await transformer.ensureFresh({ fresh: true })
    return false
  }

  /** Whether another replica has brought the same outputs up to date in this interval. The intervals of replicas begin at different times. */
  const isDoneElsewhere = async () => {
    const ageMs = await transformer.outputAgeMs(outputOptions)
    return ageMs !== undefined && ageMs < 0.9 * intervalMs
  }

  const hasData = () => transformer.freshness().ageMs !== undefined

  /**
   * Retries until there is data. It does not wait for the next interval, because all requests for data fail until then. Then the job is repeated until it
   * succeeds, or until the scheduled jobs come as soon as the next repetition.
   */
  const startUp = async () => {
    let hasFailed = await update('startup')
    if (!hasData()) {
      for (let ms = FIRST_RETRY_MS; !hasData(); ms = Math.min(2 * ms, MAX_RETRY_MS)) {
        await transformer.ensureFresh({ fresh: true })
        await timers.pause(ms, closing.signal)
      }
      hasFailed = await update('startup')
    }
    for (let ms = FIRST_REPEAT_MS; hasFailed && ms < intervalMs; ms *= 2) {
      await timers.pause(ms, closing.signal)
      hasFailed = await update('startup')
    }
  }

  fastify.addHook('onListen', async () => {
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
