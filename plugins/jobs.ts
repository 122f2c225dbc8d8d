import { randomUUID } from 'node:crypto'
import fp from 'fastify-plugin'
import { parseDelimiter } from '../lib/base/delimiter.js'
import { parseDuration } from '../lib/base/duration.js'
import { within } from '../lib/base/timer.js'
import { Jobs } from '../lib/jobs.js'
import type { OutputFormat } from '../lib/output/output.js'
import type { OutputOptions } from '../lib/transformer.js'
import { toColumns } from './config.js'
import { jobLogger } from './job-log.js'

declare module 'fastify' {
  interface FastifyInstance {
    readonly jobs: Jobs
    /** The outputs that the jobs make, as the settings describe them. */
    readonly outputOptions: OutputOptions
    /** Whether the process has begun to shut down. */
    readonly isDraining: boolean
    /** The time of `performance.now()` from which the shutdown no longer waits for jobs and open requests; Infinity before the shutdown. */
    readonly drainEndsAt: number
  }
}

/** Decorates the instance with its jobs. Closing waits for running jobs and for the snapshot, for at most SHUTDOWN_TIMEOUT. Needs: config, transformer. */
export default fp(async (fastify) => {
  const { config, transformer, clock, monotonic, log } = fastify
  const outputOptions: OutputOptions = {
    formats: config.OUTPUT_FORMATS.split(',') as OutputFormat[],
    columns: toColumns(config.OUTPUT_COLUMNS),
    delimiter: parseDelimiter(config.OUTPUT_DELIMITER),
    emptyValue: config.OUTPUT_EMPTY_VALUE,
    escapeFormulas: config.OUTPUT_ESCAPE_FORMULAS
  }
  const jobs = new Jobs({
    work: (options) => transformer.updateOutput({ ...outputOptions, ...options }),
    instance: randomUUID().slice(0, 8),
    clock,
    monotonic,
    onEnd: jobLogger(log)
  })
  const timeoutMs = parseDuration(config.SHUTDOWN_TIMEOUT)!
  let drainEndsAt = Infinity
  fastify.decorate('jobs', jobs)
  fastify.decorate('outputOptions', outputOptions)
  fastify.decorate('isDraining', { getter: () => drainEndsAt !== Infinity })
  fastify.decorate('drainEndsAt', { getter: () => drainEndsAt })
  fastify.addHook('preClose', async () => {
    drainEndsAt = performance.now() + timeoutMs
    const flush = async () => { if (config.PUBLISH) await transformer.flush() }
    await within(timeoutMs, jobs.idle().then(flush))
  })
}, { name: 'jobs', dependencies: ['config', 'transformer'] })
