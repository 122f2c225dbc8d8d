import { setTimeout as sleep } from 'node:timers/promises'
import schedule from '@fastify/schedule'
import fp from 'fastify-plugin'
import { AsyncTask, SimpleIntervalJob } from 'toad-scheduler'
import { parseDuration } from '../lib/base/duration.js'

/** While there is no data yet: try again after so long, twice as long each time up to the most. */
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 4000

/** Posts an aggregation job when the server begins to listen, and at a fixed interval. Needs: config, transformer, jobs. */
export default fp(async (fastify) => {
  await fastify.register(schedule)
  const { config, jobs, transformer } = fastify
  const closing = new AbortController()

  /** Without data nobody is served, so the next interval would be too late. */
  const startUp = async () => {
    await jobs.enqueue('startup').ended
    const hasData = () => transformer.freshness().ageMs !== undefined
    if (hasData()) return
    for (let pause = FIRST_RETRY_MS; !hasData(); pause = Math.min(2 * pause, LAST_RETRY_MS)) {
      await transformer.ensureFresh({ fresh: true })
      await sleep(pause, undefined, { signal: closing.signal })
    }
    if (!fastify.isDraining) jobs.enqueue('startup')
  }

  fastify.addHook('onListen', async () => {
    startUp().catch(() => {}) // closing has interrupted it
    const task = new AsyncTask('aggregate', async () => {
      if (!fastify.isDraining) await jobs.enqueue('schedule').ended
    })
    fastify.scheduler.addSimpleIntervalJob(new SimpleIntervalJob({ milliseconds: parseDuration(config.AGGREGATE_INTERVAL)! }, task))
  })
  fastify.addHook('preClose', async () => {
    closing.abort()
    fastify.scheduler.stop()
  })
}, { name: 'scheduler', dependencies: ['config', 'transformer', 'jobs'] })
