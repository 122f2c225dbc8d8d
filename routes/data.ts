import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import { UnknownVersionError } from '../lib/base/errors.js'
import { wholeMinute } from '../lib/base/instant.js'
import type { ExportQuery } from '../lib/output/exporter.js'
import type { Format } from '../lib/output/render.js'
import { Problem } from '../plugins/problems/problem.js'
import { sendBody } from './http/body.js'
import { encodingOf, type Encoding } from './http/compression.js'
import { ensureFresh } from './http/freshness.js'
import { nextHeaders, pageOf, PageParameters, versionGone, type Page } from './http/paging.js'
import { choiceParameter, listParameter } from './http/parameter.js'
import { checkColumns, FilterParameters, filtersOf, NoQuery, unknownColumn, UserParams } from './http/parameters.js'
import { parametersSchema, type Values } from './http/query.js'
import type { Operation } from './openapi/operation.js'
import { exportRecordsCsv, exportRecordsNdjson, getRecord, listRecords } from './openapi/records.js'
import { PlanCache, type CacheEpoch } from './http/plan-cache.js'
import { entityTag, isHeld, notModified, type Validators } from './http/conditional.js'
import { OneRecord, RecordArray, RecordSort } from './http/schemas.js'

const ListingParameters = {
  ...FilterParameters,
  columns: listParameter({
    description: 'The columns of the response, in this order: separated by commas, repeated, or both. Default: the five columns of a Record.',
    example: ['user_id', 'last_name'],
    separator: ',',
    accepted: 'a list of columns, separated by commas or repeated'
  }),
  sort: choiceParameter({ schema: RecordSort, description: 'The order of the records.' })
}

const FORMATS = { enum: ['json', 'ndjson', 'csv'] } as const

/**
 * The parameters of /data. `format` is not in the document: a response with one media type is what generated clients can
 * handle, so the other formats are operations of their own there.
 */
const DataParameters = {
  ...ListingParameters,
  format: { ...choiceParameter({ schema: FORMATS, description: 'The format of the response. Default: the one that `Accept` prefers.' }), isHidden: true }
}

type ListingQuery = Values<typeof ListingParameters> & { readonly format?: Format | undefined }

/** What a request asks for. */
interface RequestPlan extends Validators {
  readonly page: Page<ListingQuery>
  readonly query: ExportQuery
  readonly encoding: Encoding
  readonly version: string
}

const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present'
}

/** GET /data and GET /data/{user_id}: the records. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, clock } = fastify
  const recent = new PlanCache<RequestPlan>()

  listing('/data', DataParameters, { operation: listRecords, vary: 'accept, accept-encoding' })
  listing('/data.csv', ListingParameters, { operation: exportRecordsCsv, vary: 'accept-encoding', format: 'csv' })
  listing('/data.ndjson', ListingParameters, { operation: exportRecordsNdjson, vary: 'accept-encoding', format: 'ndjson' })

  function listing (url: string, parameters: typeof ListingParameters, { operation, vary, format }: { operation: Operation, vary: string, format?: Format }): void {
    fastify.route({
      url,
      method: ['GET', 'HEAD'],
      config: { operation },
      preHandler: ensureFresh,
      schema: { querystring: parametersSchema({ ...parameters, ...PageParameters }), response: { 200: RecordArray } },
      handler: async (request, reply) => {
        const plan = planOf(request, (now) => pageOf(url, parameters, request.query, now), format)
        const { page, query, encoding, version } = plan
        reply.headers({ vary, 'data-version': version })
        if (isHeld(request, reply, plan)) return notModified(reply)
        reply.type(MEDIA_TYPES[query.format])
        // The response to HEAD has the count and no body.
        const { count, next, body, release } = request.method === 'HEAD'
          ? { ...await transformer.select(query, version), body: undefined, release: undefined }
          : await transformer.export(query, version)
        reply.header('x-total-count', count)
        if (next !== undefined) {
          transformer.retainVersion(version)
          reply.headers(nextHeaders(page, version, next))
        }
        return await sendBody(reply, body, { encoding, hold: (end) => transformer.acquireVersion(version, end), ...release && { release } })
      }
    })
  }

  fastify.route({
    url: '/data/:user_id',
    method: ['GET', 'HEAD'],
    config: { operation: getRecord },
    preHandler: ensureFresh,
    schema: { params: UserParams, querystring: NoQuery, response: { 200: OneRecord } },
    handler: async (request, reply) => {
      const value = request.params.user_id
      const { count, body } = await transformer.export({ filters: [{ column: 'user_id', op: 'equals', value }], format: 'ndjson' })
      if (count === 0) throw new Problem(404, 'record_not_found', `There is no user ${JSON.stringify(value)}`)
      const tag = entityTag(fastify, ['user', transformer.version, value])
      if (isHeld(request, reply, { tag, expiresWithMinute: false })) return notModified(reply)
      return await sendBody(reply.type(MEDIA_TYPES.json), request.method === 'HEAD' ? undefined : body, { encoding: 'identity' })
    }
  })

  function planOf (request: FastifyRequest, pageAt: (now: number) => Page<ListingQuery>, format: Format | undefined): RequestPlan {
    const { url, headers } = request
    const said = `${url}\n${headers.accept}\n${headers['accept-encoding']}`
    const now = { version: transformer.version, minute: wholeMinute(clock()) }
    const known = recent.get(said, now)
    if (known !== undefined) return known
    const made = plan(request, pageAt(now.minute), now, format)
    // A version of the past may be gone the next time.
    return made.page.version === undefined ? recent.set(said, now, made) : made
  }

  function plan (request: FastifyRequest, page: Page<ListingQuery>, now: CacheEpoch, format: Format | undefined): RequestPlan {
    const query = queryOf(request, page, format)
    const encoding = encodingOf(request)
    const version = page.version ?? now.version
    check(() => transformer.check(query, page.version), page)
    return { page, query, encoding, version, tag: entityTag(fastify, ['data', version, query, encoding]), expiresWithMinute: usesPresent(page) }
  }

  function queryOf (request: FastifyRequest, { parameters, asOf, limit, after }: Page<ListingQuery>, format: Format | undefined): ExportQuery {
    checkColumns(parameters.columns)
    return {
      filters: filtersOf(parameters, asOf, transformer),
      columns: parameters.columns,
      sort: parameters.sort,
      format: format ?? parameters.format ?? negotiate(request),
      limit,
      after
    }
  }
}

export default routes

/** Whether ages of the present minute decide who matches. */
function usesPresent ({ parameters, version }: Page<ListingQuery>): boolean {
  const hasAges = parameters.min_age !== undefined || parameters.max_age !== undefined
  return hasAges && parameters.as_of === undefined && version === undefined
}

/** Tells of errors in a query in the terms of HTTP. */
function check (query: () => void, page: Page<ListingQuery>): void {
  try {
    query()
  } catch (error) {
    throw error instanceof UnknownVersionError ? versionGone(page) : unknownColumn(error)
  }
}

/** The formats by the types in an Accept header, the preferred one first. */
const ACCEPTED: Readonly<Record<string, Format>> = {
  'application/json': 'json', 'application/x-ndjson': 'ndjson', 'application/ndjson': 'ndjson', 'text/csv': 'csv'
}
const TYPES = Object.keys(ACCEPTED)

function negotiate (request: FastifyRequest): Format {
  const { accept = '*/*' } = request.headers
  if (accept === '*/*') return 'json'
  // Parameters such as charset=utf-8 tell no two of the types apart.
  const type = new Negotiator({ headers: { accept: accept.replace(/;\s*(?!q\s*=)[^;,]*/gi, '') } }).mediaType(TYPES)
  if (typeof type === 'string') return ACCEPTED[type]!
  throw new Problem(406, 'not_acceptable', `The data comes as ${TYPES.join(', ')}`, { headers: { vary: 'accept, accept-encoding' } })
}
