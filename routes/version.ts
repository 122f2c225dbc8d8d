import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { version } from '../lib/base/package-info.js'
import { NoQuery } from './http/parameters.js'
import { Version } from './http/schemas.js'
import { getVersion } from './openapi/reports.js'

/** GET /version: the version of the program, which does not change while it runs. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { config, clock } = fastify
  const body = { version, build: config.BUILD || null, node: process.versions.node, started_at: new Date(clock()).toISOString() }
  const schema = { querystring: NoQuery, response: { 200: Version } }
  fastify.get('/version', { config: { operation: getVersion, access: 'read' }, schema }, async () => body)
}

export default routes
