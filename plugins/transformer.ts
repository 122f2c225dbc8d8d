import fp from 'fastify-plugin'
import type { Clock } from '../lib/clock.js'
import { parseDuration } from '../lib/duration.js'
import { UserDataTransformer } from '../lib/transformer.js'
import { unescapeTab } from './config.js'

declare module 'fastify' {
  interface FastifyInstance {
    readonly transformer: UserDataTransformer
    /** The present, for all that answers with times. */
    readonly clock: Clock
  }
}

export interface TransformerPluginOptions {
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined
}

/** Decorates the instance with the transformer. Needs: config, object-store, etag-cache. */
export default fp<TransformerPluginOptions>(async (fastify, { clock = Date.now }) => {
  const { config } = fastify
  fastify.decorate('clock', clock)
  fastify.decorate('transformer', new UserDataTransformer({
    store: fastify.objectStore,
    cache: fastify.etagCache,
    clock,
    sourcePrefix: config.SOURCE_PREFIX,
    outputKey: config.OUTPUT_KEY,
    imageExtensions: config.IMAGE_EXTENSIONS.toLowerCase().split(','),
    inputDelimiter: unescapeTab(config.INPUT_DELIMITER),
    timeZone: config.AGE_TIME_ZONE,
    freshness: {
      maxStalenessMs: parseDuration(config.MAX_STALENESS)!,
      refreshWaitMs: parseDuration(config.REFRESH_WAIT)!,
      maxStaleIfErrorMs: parseDuration(config.MAX_STALE_IF_ERROR) ?? Infinity
    }
  }))
}, { name: 'transformer', dependencies: ['config', 'object-store', 'etag-cache'] })
