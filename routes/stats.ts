import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { BoundedCache } from '../lib/bounded-cache.js'
import type { Filter } from '../lib/query/filter.js'
import type { StatisticsQuery } from '../lib/query/records.js'
import { freshData } from './freshness.js'
import { FilterParameters, filtersOf, instantOf, unknownColumn } from './query.js'
import { getStatistics } from './openapi/reports.js'
import { headersOnly, isHeld, notModified } from './representation.js'
import { Statistics } from './schemas.js'

const DEFAULT_BIN_WIDTH = 10

/** Bytes of recent answers that are kept, and about those of one, whoever it is of. */
const KEPT_BYTES = 8 * 1024 * 1024
const ANSWER_BYTES = 512
const BIN_BYTES = 64

export const StatsQuery = Type.Object({
  ...FilterParameters,
  bin_width: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,2}$', description: 'the width of the histogram\'s bins in years, 1 to 999' }))
}, { additionalProperties: false })

/** GET /stats: figures on the records that match. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, clock } = fastify
  const kept = new BoundedCache<Static<typeof Statistics>>(KEPT_BYTES)

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
      check(filters)
      const name = JSON.stringify([transformer.version, 'statistics', filters, asOf, binWidth])
      if (isHeld(request, reply, { name, untilMinute: query.as_of === undefined })) return notModified(reply)
      if (request.method === 'HEAD') return headersOnly(reply.type('application/json; charset=utf-8'))
      const answer = kept.get(name) ?? await figures({ filters, asOf, binWidth })
      kept.set(name, answer, ANSWER_BYTES + BIN_BYTES * answer.age_histogram.length)
      return answer
    }
  })

  function check (filters: readonly Filter[]): void {
    try {
      transformer.check({ filters })
    } catch (error) {
      throw unknownColumn(error)
    }
  }

  async function figures (query: StatisticsQuery): Promise<Static<typeof Statistics>> {
    const statistics = await transformer.statistics(query)
    return { ...statistics, age_histogram: [...statistics.age_histogram], as_of: new Date(query.asOf).toISOString() }
  }
}

export default routes
