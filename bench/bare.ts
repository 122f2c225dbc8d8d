import Fastify, { LogController } from 'fastify'
import { serverOptions } from '../app.js'
import { StatsQuery } from '../routes/stats.js'
import { parseParameters } from '../routes/http/query.js'
import { Statistics } from '../routes/http/schemas.js'

// A bare Fastify route: the schema, the headers and the body of an answer of GET /stats, given as JSON, and nothing done for it.

const { headers, body } = JSON.parse(process.argv[2]!) as { headers: Record<string, string>, body: any }
const fastify = Fastify({ ...serverOptions, logger: { level: 'info' }, logController: new LogController({ disableRequestLogging: true }) })
fastify.setValidatorCompiler(parseParameters)
fastify.get('/stats', { schema: { querystring: StatsQuery, response: { 200: Statistics } } }, async (_request, reply) => {
  reply.headers(headers)
  return body
})
await fastify.listen({ port: 0, host: '127.0.0.1' })
