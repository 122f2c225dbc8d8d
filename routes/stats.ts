import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { wholeMinute } from '../lib/base/instant.js'
import { gzipBuffer } from '../lib/output/compress.js'
import type { Encoding } from '../lib/output/exporter.js'
import type { Filter } from '../lib/query/filter.js'
import { checkColumns } from '../lib/query/check-columns.js'
import type { DataVersion, StatisticsQuery } from '../lib/query/data-version.js'
import type { Statistics as StatisticsOfRecords } from '../lib/query/statistics.js'
import { readerOf } from './http/body.js'
import { ensureFresh, setCacheControl, setLastGood } from './http/freshness.js'
import { encodingOf } from './http/negotiation.js'
import { integerParameter } from './http/parameter.js'
import { FilterParameters, filtersOf, instantOf, unknownColumn } from './http/parameters.js'
import { parametersSchema } from './http/query.js'
import { getStatistics } from './openapi/reports.js'
import { PlanCache } from './http/plan-cache.js'
import { entityTag, headersOnly, isNotModified, notModified } from './http/conditional.js'
import { StatisticsBody, type Statistics } from './http/schemas.js'

interface StatsPlan extends StatisticsQuery {
  readonly etag: string
  /** Whether the response depends on the current minute. */
  readonly expiresWithMinute: boolean
  readonly encoding: Encoding
  /** Once it has been made. Text is sent in one piece with the headers, which saves time. */
  body?: Buffer | string
}

export const StatsQuery = parametersSchema({
  ...FilterParameters,
  bin_width: integerParameter({ minimum: 1, maximum: 999, default: 10, description: 'The width of the bins of the histogram in years.', example: 5 })
})

/** GET /stats: statistics of the records that match. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, clock, config } = fastify
  const plans = new PlanCache<StatsPlan>()

  fastify.route({
    url: '/stats',
    method: ['GET', 'HEAD'],
    config: { operation: getStatistics },
    preHandler: ensureFresh,
    schema: { querystring: StatsQuery, response: { 200: StatisticsBody } },
    handler: async (request, reply) => {
      const plan = planOf(request)
      reply.headers({ vary: 'accept-encoding', etag: plan.etag })
      setCacheControl(request, reply, plan.expiresWithMinute)
      await setLastGood(reply, request.dataVersion, plan)
      if (isNotModified(request, plan)) return notModified(reply)
      reply.type('application/json; charset=utf-8')
      if (plan.encoding === 'gzip') reply.header('content-encoding', 'gzip')
      if (request.method === 'HEAD') return headersOnly(reply)
      plan.body ??= await makeBody(plan, await transformer.computeStatistics(request.dataVersion, plan, readerOf(reply)))
      return reply.send(plan.body)
    }
  })

  function planOf (request: StatsRequest): StatsPlan {
    const { query, headers, dataVersion } = request
    const input = { version: dataVersion.version, minute: wholeMinute(clock()), encoding: headers['accept-encoding'] }
    return plans.get(query, input) ?? plans.set(query, input, makePlan(request, input.minute))
  }

  function makePlan (request: StatsRequest, minute: number): StatsPlan {
    const { query, dataVersion: version } = request
    const asOf = instantOf(query, minute)
    const binWidth = query.bin_width
    const filters = filtersOf(query, asOf, config.AGE_TIME_ZONE)
    checkFilters(version, filters)
    const filterKey = JSON.stringify(filters)
    const encoding = encodingOf(request)
    const etag = entityTag(fastify, 'statistics', version.version, filterKey, String(asOf), String(binWidth), encoding)
    return { filters, filterKey, asOf, binWidth, encoding, etag, expiresWithMinute: query.as_of === undefined }
  }
}

export default routes

type StatsRequest = FastifyRequest & { readonly query: Static<typeof StatsQuery> }

function checkFilters (version: DataVersion, filters: readonly Filter[]): void {
  try {
    checkColumns(version.columns, { filters })
  } catch (error) {
    throw unknownColumn(error)
  }
}

async function makeBody (plan: StatsPlan, { age_histogram: histogram, ...statistics }: StatisticsOfRecords): Promise<Buffer | string> {
  const content: Static<typeof Statistics> = { ...statistics, age_histogram: [...histogram], as_of: new Date(plan.asOf).toISOString() }
  const body = JSON.stringify(content)
  return plan.encoding === 'gzip' ? await gzipBuffer(Buffer.from(body)) : body
}
