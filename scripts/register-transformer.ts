import type { FastifyInstance } from 'fastify'
import etagCache from '../plugins/etag-cache.js'
import exchanges from '../plugins/exchanges.js'
import metrics from '../plugins/metrics.js'
import objectStore from '../plugins/object-store.js'
import transformer from '../plugins/transformer.js'

/** Registers the transformer, with what it needs besides the settings and the schema, for a command that writes nothing to the lake. */
export async function registerTransformer (fastify: FastifyInstance): Promise<void> {
  await fastify.register(exchanges)
  await fastify.register(metrics)
  await fastify.register(objectStore)
  await fastify.register(etagCache)
  await fastify.register(transformer, { share: false })
}
