import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { freshData } from './freshness.js'
import { answer, FilterParameters, filtersOf, instantOf } from './query.js'
import { getStatistics } from './openapi/reports.js'
import { Statistics } from './schemas.js'

const DEFAULT_BIN_WIDTH = 10

const StatsQuery = Type.Object({
  ...FilterParameters,
  bin_width: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,2}$', description: 'the width of the histogram\'s bins in years, 1 to 999' }))
}, { additionalProperties: false })

/** GET /stats: figures on the records that match. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, clock } = fastify

  const options = { config: { operation: getStatistics }, preHandler: freshData, schema: { querystring: StatsQuery, response: { 200: Statistics } } }
  fastify.get('/stats', options, async ({ query }) => {
    const asOf = instantOf(query, clock())
    const filters = filtersOf(query, asOf, transformer)
    const binWidth = query.bin_width === undefined ? DEFAULT_BIN_WIDTH : Number(query.bin_width)
    const statistics = await answer(() => transformer.statistics({ filters, asOf, binWidth }))
    return { ...statistics, age_histogram: [...statistics.age_histogram], as_of: new Date(asOf).toISOString() }
  })
}

export default routes
