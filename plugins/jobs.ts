import { randomUUID } from 'node:crypto'
import fp from 'fastify-plugin'
import { parseDelimiter } from '../lib/base/delimiter.js'
import { within, type Timer } from '../lib/base/timer.js'
import { Jobs } from '../lib/jobs.js'
import type { OutputOptions } from '../lib/transformer.js'
import { toColumns, toFormats } from './config.js'
import { jobLogger } from './job-log.js'

declare module 'fastify' {
  interface FastifyInstance {
    readonly jobs: Jobs
    /** The outputs that the jobs make, as the settings describe them. */
    readonly outputOptions: OutputOptions
  }
}

export interface JobsPluginOptions {
  /** Ends the wait for a silent store. Default: the system's timer. */
  readonly timer?: Timer | undefined
}

/** Decorates the instance with its jobs. Closing waits for running jobs and for the snapshot, for at most SHUTDOWN_TIMEOUT. Needs: config, transformer, shutdown. */
export default fp<JobsPluginOptions>(async (fastify, { timer }) => {
  const { config, transformer, clock, monotonic, log } = fastify
  const outputOptions: OutputOptions = {
    formats: toFormats(config.OUTPUT_FORMATS),
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
    timer
  })
  jobs.onEnd(jobLogger(log))
  fastify.decorate('jobs', jobs)
  fastify.decorate('outputOptions', outputOptions)
  fastify.addHook('preClose', async () => {
    const flush = async () => { if (config.PUBLISH) await transformer.flush() }
    await within(fastify.drainEndsAt - performance.now(), jobs.idle().then(flush))
  })
}, { name: 'jobs', dependencies: ['config', 'transformer', 'shutdown'] })
