import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { gzipBuffer } from '../lib/output/compress.js'
import { toExtensions } from '../plugins/config.js'
import { entityTag, headersOnly, isNotModified, notModified } from './http/conditional.js'
import { ensureFresh, setCacheControl } from './http/freshness.js'
import { encodingOf } from './http/negotiation.js'
import { NoQuery } from './http/parameters.js'
import { schemaInForce } from './http/schema-in-force.js'
import { TableSchemaBody } from './http/schemas.js'
import { getSchema } from './openapi/reports.js'

/** GET /schema: the declared columns, and the undeclared columns of the files. The response can be used as a schema file. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const inForce = schemaInForce(fastify.tableSchema, toExtensions(fastify.config.IMAGE_EXTENSIONS))

  fastify.route({
    url: '/schema',
    method: ['GET', 'HEAD'],
    config: { operation: getSchema, access: 'read' },
    preHandler: ensureFresh,
    schema: { querystring: NoQuery, response: { 200: TableSchemaBody } },
    handler: async (request, reply) => {
      const { dataVersion } = request
      const encoding = encodingOf(request)
      const etag = entityTag(fastify, 'schema', dataVersion.version, JSON.stringify(inForce), encoding)
      reply.headers({ vary: 'accept-encoding', etag })
      setCacheControl(request, reply)
      if (isNotModified(request, { etag })) return notModified(reply)
      reply.type('application/json; charset=utf-8')
      if (encoding === 'gzip') reply.header('content-encoding', 'gzip')
      if (request.method === 'HEAD') return headersOnly(reply)
      const body = JSON.stringify({ ...inForce, undeclared_columns: await dataVersion.undeclared() })
      return reply.send(encoding === 'gzip' ? await gzipBuffer(Buffer.from(body)) : body)
    }
  })
}

export default routes
