import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from 'typebox'
import { wholeMinute } from '../lib/base/instant.js'
import type { Filter } from '../lib/query/filter.js'
import type { StatisticsQuery } from '../lib/query/data-version.js'
import { ensureFresh } from './http/freshness.js'
import { integerParameter } from './http/parameter.js'
import { FilterParameters, filtersOf, instantOf, unknownColumn } from './http/parameters.js'
import { parametersSchema } from './http/query.js'
import { getStatistics } from './openapi/reports.js'
import { PlanCache, type CacheEpoch } from './http/plan-cache.js'
import { entityTag, headersOnly, isHeld, notModified, type Validators } from './http/conditional.js'
import { Statistics } from './http/schemas.js'

interface StatsPlan extends Validators {
  readonly version: string
  readonly query: StatisticsQuery
  figures?: Static<typeof Statistics>
}

export const StatsQuery = parametersSchema({
  ...FilterParameters,
  bin_width: integerParameter({ minimum: 1, maximum: 999, default: 10, description: 'The width of the bins of the histogram in years.', example: 5 })
})

/** GET /stats: figures on the records that match. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, clock } = fastify
  const recent = new PlanCache<StatsPlan>()

  fastify.route({
    url: '/stats',
    method: ['GET', 'HEAD'],
    config: { operation: getStatistics },
    preHandler: ensureFresh,
    schema: { querystring: StatsQuery, response: { 200: Statistics } },
    handler: async (request, reply) => {
      const answer = answerTo(request)
      reply.header('data-version', answer.version)
      if (isHeld(request, reply, answer)) return notModified(reply)
      if (request.method === 'HEAD') return headersOnly(reply.type('application/json; charset=utf-8'))
      answer.figures ??= await figuresOf(answer.query)
      return answer.figures
    }
  })

  function answerTo ({ url, query }: { url: string, query: Static<typeof StatsQuery> }): StatsPlan {
    const now = { version: transformer.version, minute: wholeMinute(clock()) }
    return recent.get(url, now) ?? recent.set(url, now, plan(query, now))
  }

  function plan (query: Static<typeof StatsQuery>, { version, minute }: CacheEpoch): StatsPlan {
    const asOf = instantOf(query, minute)
    const filters = filtersOf(query, asOf, transformer)
    check(filters)
    const binWidth = query.bin_width
    const tag = entityTag(fastify, ['statistics', version, filters, asOf, binWidth])
    return { version, query: { filters, asOf, binWidth }, tag, expiresWithMinute: query.as_of === undefined }
  }

  function check (filters: readonly Filter[]): void {
    try {
      transformer.check({ filters })
    } catch (error) {
      throw unknownColumn(error)
    }
  }

  async function figuresOf (query: StatisticsQuery): Promise<Static<typeof Statistics>> {
    const statistics = await transformer.statistics(query)
    return { ...statistics, age_histogram: [...statistics.age_histogram], as_of: new Date(query.asOf).toISOString() }
  }
}

export default routes
