import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { version } from '../lib/base/package-info.js'
import { NoQuery } from './http/parameters.js'
import { Version } from './http/schemas.js'
import { getVersion } from './openapi/reports.js'

/** GET /version: which program responds. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { config, clock } = fastify
  const facts = { version, build: config.BUILD || null, node: process.versions.node, started_at: new Date(clock()).toISOString() }
  const schema = { querystring: NoQuery, response: { 200: Version } }
  fastify.get('/version', { config: { operation: getVersion }, schema }, async () => facts)
}

export default routes
