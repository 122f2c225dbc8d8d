import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from 'typebox'
import { wholeMinute } from '../lib/base/instant.js'
import type { Filter } from '../lib/query/filter.js'
import { checkColumns } from '../lib/query/check-columns.js'
import type { DataVersion, StatisticsQuery } from '../lib/query/data-version.js'
import type { Statistics as LibStatistics } from '../lib/query/statistics.js'
import { ensureFresh, setCacheControl } from './http/freshness.js'
import { integerParameter } from './http/parameter.js'
import { FilterParameters, filtersOf, instantOf, unknownColumn } from './http/parameters.js'
import { parametersSchema } from './http/query.js'
import { getStatistics } from './openapi/reports.js'
import { PlanCache } from './http/plan-cache.js'
import { entityTag, headersOnly, isNotModified, notModified } from './http/conditional.js'
import { Statistics } from './http/schemas.js'

interface StatsPlan extends StatisticsQuery {
  readonly etag: string
  /** Whether the response depends on the current minute. */
  readonly expiresWithMinute: boolean
  /** Once they have been computed. */
  statistics?: Static<typeof Statistics>
}

export const StatsQuery = parametersSchema({
  ...FilterParameters,
  bin_width: integerParameter({ minimum: 1, maximum: 999, default: 10, description: 'The width of the bins of the histogram in years.', example: 5 })
})

/** GET /stats: statistics of the records that match. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { clock, config } = fastify
  const plans = new PlanCache<StatsPlan>()

  fastify.route({
    url: '/stats',
    method: ['GET', 'HEAD'],
    config: { operation: getStatistics },
    preHandler: ensureFresh,
    schema: { querystring: StatsQuery, response: { 200: Statistics } },
    handler: async (request, reply) => {
      const plan = planOf(request)
      reply.header('etag', plan.etag)
      setCacheControl(request, reply, plan.expiresWithMinute)
      if (isNotModified(request, plan)) return notModified(reply)
      if (request.method === 'HEAD') return headersOnly(reply.type('application/json; charset=utf-8'))
      plan.statistics ??= toWire(await request.dataVersion.statistics(plan), plan.asOf)
      return plan.statistics
    }
  })

  function planOf ({ url, query, dataVersion }: StatsRequest): StatsPlan {
    const epoch = { version: dataVersion.version, minute: wholeMinute(clock()) }
    return plans.get(url, epoch) ?? plans.set(url, epoch, makePlan(query, dataVersion, epoch.minute))
  }

  function makePlan (query: StatsRequest['query'], version: DataVersion, minute: number): StatsPlan {
    const asOf = instantOf(query, minute)
    const binWidth = query.bin_width
    const filters = filtersOf(query, asOf, config.AGE_TIME_ZONE)
    checkFilters(version, filters)
    const filterKey = JSON.stringify(filters)
    const etag = entityTag(fastify, 'statistics', version.version, filterKey, String(asOf), String(binWidth))
    return { filters, filterKey, asOf, binWidth, etag, expiresWithMinute: query.as_of === undefined }
  }
}

export default routes

interface StatsRequest { readonly url: string, readonly query: Static<typeof StatsQuery>, readonly dataVersion: DataVersion }

function checkFilters (version: DataVersion, filters: readonly Filter[]): void {
  try {
    checkColumns(version.columns, { filters })
  } catch (error) {
    throw unknownColumn(error)
  }
}

function toWire (statistics: LibStatistics, asOf: number): Static<typeof Statistics> {
  return { ...statistics, age_histogram: [...statistics.age_histogram], as_of: new Date(asOf).toISOString() }
}
