import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { BoundedCache } from '../lib/bounded-cache.js'
import type { Filter } from '../lib/query/filter.js'
import type { StatisticsQuery } from '../lib/query/records.js'
import { freshData } from './freshness.js'
import { FilterParameters, filtersOf, instantOf, unknownColumn } from './query.js'
import { getStatistics } from './openapi/reports.js'
import { entityTag, headersOnly, isHeld, notModified } from './representation.js'
import { Statistics } from './schemas.js'

const DEFAULT_BIN_WIDTH = 10

/**
 * Bytes of recent answers that are kept, and about those of one. Few: an answer takes hardly longer to work out than the
 * rest of its request, and what lives for long costs the garbage collector more than it saves.
 */
const KEPT_BYTES = 256 * 1024
const ANSWER_BYTES = 1024

interface Answer {
  readonly version: string
  readonly query: StatisticsQuery
  readonly tag: string
  figures?: Static<typeof Statistics>
}

export const StatsQuery = Type.Object({
  ...FilterParameters,
  bin_width: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,2}$', description: 'the width of the histogram\'s bins in years, 1 to 999' }))
}, { additionalProperties: false })

/** GET /stats: figures on the records that match. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, clock } = fastify
  const kept = new BoundedCache<Answer>(KEPT_BYTES)

  fastify.route({
    url: '/stats',
    method: ['GET', 'HEAD'],
    config: { operation: getStatistics },
    preHandler: freshData,
    schema: { querystring: StatsQuery, response: { 200: Statistics } },
    handler: async (request, reply) => {
      const answer = answerTo(request)
      reply.header('data-version', answer.version)
      if (isHeld(request, reply, { tag: answer.tag, untilMinute: request.query.as_of === undefined })) return notModified(reply)
      if (request.method === 'HEAD') return headersOnly(reply.type('application/json; charset=utf-8'))
      answer.figures ??= await figuresOf(answer.query)
      return answer.figures
    }
  })

  /** The answer to a URL: one that is kept, where neither the data nor the minute has changed since. */
  function answerTo ({ url, query }: { url: string, query: Static<typeof StatsQuery> }): Answer {
    const { version } = transformer
    const known = kept.get(url)
    const asOf = known === undefined || query.as_of === undefined ? instantOf(query, clock()) : known.query.asOf
    if (known?.version === version && known.query.asOf === asOf) return known
    const filters = filtersOf(query, asOf, transformer)
    check(filters)
    const binWidth = query.bin_width === undefined ? DEFAULT_BIN_WIDTH : Number(query.bin_width)
    const answer = { version, query: { filters, asOf, binWidth }, tag: entityTag(fastify, ['statistics', version, filters, asOf, binWidth]) }
    kept.set(url, answer, ANSWER_BYTES)
    return answer
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
