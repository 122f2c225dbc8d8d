import fp from 'fastify-plugin'
import { EtagCache } from '../lib/source/etag-cache.js'

declare module 'fastify' {
  interface FastifyInstance {
    readonly etagCache: EtagCache
  }
}

/** Decorates the instance with the cache that detects which objects have changed. */
export default fp(async (fastify) => {
  fastify.decorate('etagCache', new EtagCache())
}, { name: 'etag-cache' })
