import { setTimeout as sleep } from 'node:timers/promises'
import schedule from '@fastify/schedule'
import fp from 'fastify-plugin'
import { AsyncTask, SimpleIntervalJob } from 'toad-scheduler'
import { parseDuration } from '../lib/base/duration.js'
import type { JobTrigger } from '../lib/jobs.js'

/** While there is no data, the pause before the next attempt, in milliseconds: it doubles from the first to the last. */
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 4000

/**
 * Posts an aggregation job when the server begins to listen, and at a fixed interval. With `PUBLISH=false` it only reads the lake at these
 * times. Needs: config, transformer, jobs.
 */
export default fp(async (fastify) => {
  await fastify.register(schedule)
  const { config, jobs, transformer } = fastify
  const closing = new AbortController()

  const update = async (trigger: JobTrigger) => {
    if (fastify.isDraining) return
    if (config.PUBLISH) await jobs.enqueue(trigger).ended
    else await transformer.ensureFresh({ fresh: true })
  }

  /** Tries until there is data: without data every request fails, and the next interval would be too late. */
  const startUp = async () => {
    await update('startup')
    const hasData = () => transformer.freshness().ageMs !== undefined
    if (hasData()) return
    for (let pause = FIRST_RETRY_MS; !hasData(); pause = Math.min(2 * pause, LAST_RETRY_MS)) {
      await transformer.ensureFresh({ fresh: true })
      await sleep(pause, undefined, { signal: closing.signal })
    }
    await update('startup')
  }

  fastify.addHook('onListen', async () => {
    startUp().catch(() => {}) // a shutdown interrupts it
    const task = new AsyncTask('aggregate', () => update('schedule'))
    fastify.scheduler.addSimpleIntervalJob(new SimpleIntervalJob({ milliseconds: parseDuration(config.AGGREGATE_INTERVAL)! }, task))
  })
  fastify.addHook('preClose', async () => {
    closing.abort()
    fastify.scheduler.stop()
  })
}, { name: 'scheduler', dependencies: ['config', 'transformer', 'jobs'] })
