import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { freshData } from './freshness.js'
import { FilterParameters, filtersOf, instantOf, unknownColumn } from './query.js'
import { getStatistics } from './openapi/reports.js'
import { headersOnly, isHeld, notModified } from './representation.js'
import { Statistics } from './schemas.js'

const DEFAULT_BIN_WIDTH = 10

export const StatsQuery = Type.Object({
  ...FilterParameters,
  bin_width: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,2}$', description: 'the width of the histogram\'s bins in years, 1 to 999' }))
}, { additionalProperties: false })

/** GET /stats: figures on the records that match. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, clock } = fastify

  fastify.route({
    url: '/stats',
    method: ['GET', 'HEAD'],
    config: { operation: getStatistics },
    preHandler: freshData,
    schema: { querystring: StatsQuery, response: { 200: Statistics } },
    handler: async (request, reply) => {
      const { query } = request
      const asOf = instantOf(query, clock())
      const filters = filtersOf(query, asOf, transformer)
      const binWidth = query.bin_width === undefined ? DEFAULT_BIN_WIDTH : Number(query.bin_width)
      try {
        transformer.check({ filters })
      } catch (error) {
        throw unknownColumn(error)
      }
      const validity = { shapedBy: [transformer.version, 'statistics', filters, asOf, binWidth], untilMinute: query.as_of === undefined }
      if (isHeld(request, reply, validity)) return notModified(reply)
      if (request.method === 'HEAD') return headersOnly(reply.type('application/json; charset=utf-8'))
      const statistics = await transformer.statistics({ filters, asOf, binWidth })
      return { ...statistics, age_histogram: [...statistics.age_histogram], as_of: new Date(asOf).toISOString() }
    }
  })
}

export default routes
