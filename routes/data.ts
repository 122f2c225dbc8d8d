import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Format } from '../lib/output/render.js'
import { SORT_COLUMNS, type Sort } from '../lib/query/records.js'
import { Problem } from '../plugins/problems.js'
import { freshData } from './freshness.js'
import { answer, columnsOf, FilterParameters, filtersOf, instantOf, NoQuery, UserParams } from './query.js'
import { getUser, listUsers } from './openapi/users.js'
import { OneRecord, UserRecords } from './schemas.js'

const SORTS = SORT_COLUMNS.flatMap((column) => [column, `-${column}`])

const DataQuery = Type.Object({
  ...FilterParameters,
  columns: Type.Optional(Type.String({ minLength: 1, description: 'a comma-separated list of columns, in the order of the answer' })),
  sort: Type.Optional(Type.String({ enum: SORTS, description: `one of ${SORTS.join(', ')}` })),
  format: Type.Optional(Type.String({ enum: ['json', 'ndjson', 'csv'], description: 'json, ndjson or csv' }))
}, { additionalProperties: false })

const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present'
}

/** GET /data and GET /data/{user_id}: the records. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, clock } = fastify

  const list = { config: { operation: listUsers }, preHandler: freshData, schema: { querystring: DataQuery, response: { 200: UserRecords } } }
  fastify.get('/data', list, async (request, reply) => {
    const { query } = request
    const format = (query.format ?? negotiate(request.accepts().type(Object.keys(ACCEPTED)))) as Format
    const chunks = await answer(() => transformer.export({
      filters: filtersOf(query, instantOf(query, clock()), transformer),
      columns: columnsOf(query.columns),
      sort: query.sort as Sort | undefined,
      format
    }))
    return reply.type(MEDIA_TYPES[format]).headers({ vary: 'accept', 'x-content-type-options': 'nosniff' }).send(Readable.from(chunks))
  })

  const one = { config: { operation: getUser }, preHandler: freshData, schema: { params: UserParams, querystring: NoQuery, response: { 200: OneRecord } } }
  fastify.get('/data/:user_id', one, async (request, reply) => {
    const value = request.params.user_id
    const lines = await transformer.export({ filters: [{ column: 'user_id', op: 'equals', value }], format: 'ndjson' })
    const { value: line } = await lines.next()
    if (line === undefined) throw new Problem(404, 'user_not_found', `There is no user ${JSON.stringify(value)}`)
    return reply.type(MEDIA_TYPES.json).send(line)
  })
}

export default routes

/** The formats by the types in an Accept header, the preferred one first. */
const ACCEPTED: Readonly<Record<string, Format>> = {
  'application/json': 'json', 'application/x-ndjson': 'ndjson', 'application/ndjson': 'ndjson', 'text/csv': 'csv'
}

function negotiate (type: string | string[] | false): Format {
  if (typeof type === 'string') return ACCEPTED[type]!
  throw new Problem(406, 'not_acceptable', `The data comes as ${Object.keys(ACCEPTED).join(', ')}`, { headers: { vary: 'accept' } })
}
