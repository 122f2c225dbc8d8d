import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Registry } from 'prom-client'
import { headersOnly } from './http/conditional.js'
import { NoQuery } from './http/parameters.js'
import { getMetrics } from './openapi/reports.js'

/** GET /metrics: what Prometheus scrapes. prom-client is loaded at the first scrape, because a start should not take longer for it. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  let registry: Registry | undefined

  fastify.route({
    url: '/metrics',
    method: ['GET', 'HEAD'],
    config: { operation: getMetrics, access: 'metrics' },
    schema: { querystring: NoQuery },
    handler: async (request, reply) => {
      if (registry === undefined) {
        const { createRegistry } = await import('../plugins/metrics/registry.js')
        registry ??= createRegistry(fastify)
      }
      reply.type(registry.contentType)
      return request.method === 'HEAD' ? headersOnly(reply) : reply.send(await registry.metrics())
    }
  })
}

export default routes
