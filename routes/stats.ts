import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { wholeMinute } from '../lib/base/instant.js'
import { gzipBuffer } from '../lib/output/compress.js'
import type { Encoding } from '../lib/output/exporter.js'
import { nameFilters } from '../lib/output/request-plan.js'
import { checkColumns, usesAge } from '../lib/query/check-columns.js'
import type { DataVersion, StatisticsQuery } from '../lib/query/data-version.js'
import { withEmptyBins } from '../lib/query/age-figures.js'
import type { Filter } from '../lib/query/filter.js'
import { MIN_RECORDS, suppressFew } from '../lib/query/suppress-few.js'
import type { AgeBin, ColumnStatistics, Statistics } from '../lib/query/statistics.js'
import type { Schema } from '../lib/schema/schema.js'
import { hasScope } from '../plugins/access.js'
import { insufficientScope } from '../plugins/access/problems.js'
import { invalidParameter, Problem } from '../plugins/problems/problem.js'
import { readerOf } from './http/body.js'
import { columnQueryOf, columnStatisticsParameters, MAX_AGE_BINS, type ColumnStatisticsQuery } from './http/column-statistics.js'
import { ensureFresh, setCacheControl, setLastGood } from './http/freshness.js'
import { encodingOf } from './http/negotiation.js'
import { integerParameter } from './http/parameter.js'
import { filterParameters, filtersOf, instantOf, unknownColumn, type FilterQuery } from './http/parameters.js'
import { parametersSchema, type Values } from './http/query.js'
import { getStatistics } from './openapi/reports.js'
import { PlanCache } from './http/plan-cache.js'
import { entityTag, headersOnly, isNotModified, notModified } from './http/conditional.js'
import { recordSchemas } from './http/record-schemas.js'

interface StatsPlan extends StatisticsQuery {
  readonly etag: string
  /** Whether the response depends on the current minute. */
  readonly expiresWithMinute: boolean
  readonly encoding: Encoding
  /** Whether the credentials allow statistics only, without anything about fewer than MIN_RECORDS records. */
  readonly isSuppressed: boolean
  /** Whether the histogram of ages includes empty bins. */
  readonly hasEmptyBins: boolean
  /**
   * The response body; absent until it is computed. A Buffer if it is compressed, otherwise a string, which Node sends together with
   * the headers in one write.
   */
  body?: Buffer | string
}

const DEFAULT_BIN_WIDTH = 10
const BinParameters = {
  bin_width: integerParameter({ minimum: 1, maximum: 999, default: DEFAULT_BIN_WIDTH, description: 'The width of the bins of the histogram in years.', example: 5 })
}

type StatsQuery = FilterQuery & ColumnStatisticsQuery & Partial<Values<typeof BinParameters>>

/** GET /stats: statistics of the records that match. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, clock, config, tableSchema: schema } = fastify
  const plans = new PlanCache<StatsPlan>()
  const suppressedPlans = new PlanCache<StatsPlan>()

  fastify.route({
    url: '/stats',
    method: ['GET', 'HEAD'],
    config: { operation: getStatistics(schema), access: 'stats' },
    preHandler: ensureFresh,
    schema: {
      querystring: parametersSchema({ ...filterParameters(schema), ...schema.birth && BinParameters, ...columnStatisticsParameters(schema) }),
      response: { 200: recordSchemas(schema).bodies.StatisticsBody }
    },
    handler: async (request, reply) => {
      const plan = planOf(request)
      reply.headers({ vary: request.client === undefined ? 'accept-encoding' : 'accept-encoding, authorization', etag: plan.etag })
      setCacheControl(request, reply, plan.expiresWithMinute)
      const counting = plan.isSuppressed ? undefined : setLastGood(reply, request.dataVersion, plan)
      if (counting !== undefined) await counting
      const render = async () => (plan.body ??= await renderBody(schema, plan, await transformer.computeStatistics(request.dataVersion, plan, readerOf(reply))))
      // Too few records are a 403, even for a conditional request, and only the statistics have their number.
      if (plan.isSuppressed) await render()
      if (isNotModified(request, plan)) return notModified(reply)
      reply.type('application/json; charset=utf-8')
      if (plan.encoding === 'gzip') reply.header('content-encoding', 'gzip')
      if (request.method === 'HEAD') {
        if (plan.body !== undefined) reply.header('content-length', Buffer.byteLength(plan.body))
        return headersOnly(reply)
      }
      return reply.send(await render())
    }
  })

  function planOf (request: FastifyRequest): StatsPlan {
    const { headers, dataVersion } = request
    const query = request.query as StatsQuery
    const input = { version: dataVersion.version, minute: wholeMinute(clock()), encoding: headers['accept-encoding'] }
    const cache = hasScope(request, 'read') ? plans : suppressedPlans
    return cache.get(query, input) ?? cache.set(query, input, makePlan(request, query, input.minute))
  }

  function makePlan (request: FastifyRequest, query: StatsQuery, minute: number): StatsPlan {
    const { dataVersion: version } = request
    const asOf = instantOf(query, minute)
    const binWidth = query.bin_width ?? DEFAULT_BIN_WIDTH
    const filters = filtersOf(schema, query, asOf, config.AGE_TIME_ZONE, version)
    const columnQuery = columnQueryOf(query, version)
    checkQuery(version, { filters, ...columnQuery })
    const isSuppressed = !hasScope(request, 'read')
    if (isSuppressed && usesKey(schema, { filters, ...columnQuery })) {
      throw insufficientScope('read', `to filter or group by ${schema.key.name}, by the key of an image, or by q`)
    }
    const filterKey = nameFilters(filters, usesAge(version, { filters }) ? asOf : undefined)
    const encoding = encodingOf(request)
    const ages = schema.birth === undefined ? [] : [String(asOf), String(binWidth)]
    const { empty_bins: hasEmptyBins = false } = query
    const shape = JSON.stringify({ ...columnQuery, ...hasEmptyBins && { hasEmptyBins } })
    const parts = [filterKey, ...ages, ...shape === '{}' ? [] : [shape], ...isSuppressed ? ['suppressed'] : []]
    const etag = entityTag(fastify, 'statistics', version.version, ...parts, encoding)
    return { ...columnQuery, filters, filterKey, asOf, binWidth, isSuppressed, hasEmptyBins, encoding, etag, expiresWithMinute: schema.birth !== undefined && query.as_of === undefined }
  }
}

export default routes

function checkQuery (version: DataVersion, query: Pick<StatisticsQuery, 'filters' | 'columns' | 'groupBy'>): void {
  try {
    checkColumns(version, query)
  } catch (error) {
    throw unknownColumn(error, version)
  }
}

/** Whether a query names the key of a record, or that of an image, which contains it. `q` finds words in the key. */
function usesKey (
  { key, imageFields }: Schema, { filters, columns = [], groupBy }: Pick<StatisticsQuery, 'columns' | 'groupBy'> & { readonly filters: readonly Filter[] }
): boolean {
  const names = [key, ...imageFields].map(({ name }) => name)
  const isByKey = (filter: Filter): boolean => {
    switch (filter.op) {
      case 'any': return filter.filters.some(isByKey)
      case 'not': return isByKey(filter.filter)
      case 'words': return true
      case 'born': case 'exists': return false
      default: return names.includes(filter.column)
    }
  }
  return filters.some(isByKey) || [...columns, ...groupBy === undefined ? [] : [groupBy]].some((column) => names.includes(column))
}

/** Renders the response. Members about ages need a birth field in the schema, and `with_image` needs an image field. */
async function renderBody ({ birth, imageFields }: Schema, plan: StatsPlan, all: Statistics & ColumnStatistics): Promise<Buffer | string> {
  const statistics = plan.isSuppressed ? suppressFew(all) : all
  if (statistics === undefined) throw new Problem(403, 'too_few', `Fewer than ${MIN_RECORDS} records match; the credentials must have the scope read for statistics of few records`)
  const { count, average_age, median_age, youngest_age, oldest_age, with_image, columns, groups, other } = statistics
  const body = JSON.stringify({
    count,
    ...birth && { average_age, median_age, youngest_age, oldest_age },
    ...imageFields.length > 0 && { with_image },
    ...birth && { age_histogram: histogramOf(plan, statistics), as_of: new Date(plan.asOf).toISOString() },
    columns,
    group_by: plan.groupBy,
    groups,
    other
  })
  return plan.encoding === 'gzip' ? await gzipBuffer(Buffer.from(body)) : body
}

function histogramOf ({ hasEmptyBins, binWidth }: StatsPlan, { age_histogram: bins }: Statistics): readonly AgeBin[] {
  if (!hasEmptyBins) return bins
  const all = withEmptyBins(bins, binWidth, MAX_AGE_BINS)
  if (all === undefined) {
    const ages = `ages from ${bins[0]!.min_age} to ${bins.at(-1)!.max_age}`
    throw invalidParameter('empty_bins', `${ages} would have more than ${MAX_AGE_BINS} bins; must be false, or be used with a greater bin_width`)
  }
  return all
}
