import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ensureFresh } from './http/freshness.js'
import { NoQuery } from './http/parameters.js'
import { listRejects } from './openapi/reports.js'
import { Quarantine } from './http/schemas.js'

/** GET /rejects: what is in the source and not in the data, and why. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const schema = { querystring: NoQuery, response: { 200: Quarantine } }

  fastify.get('/rejects', { config: { operation: listRejects }, preHandler: ensureFresh, schema }, async () => {
    const { rejects, orphans, ignored } = fastify.transformer.quarantine()
    return {
      counts: { rejects: rejects.length, orphans: orphans.length, ignored },
      rejects: [...rejects],
      orphans: [...orphans]
    }
  })
}

export default routes
