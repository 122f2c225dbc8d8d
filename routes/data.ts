import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { wholeMinute } from '../lib/base/instant.js'
import type { Encoding } from '../lib/output/exporter.js'
import type { Format } from '../lib/output/render.js'
import { withFilters, type RequestPlan } from '../lib/output/request-plan.js'
import { usesAge } from '../lib/query/check-columns.js'
import type { DataVersion } from '../lib/query/data-version.js'
import { toExtensions } from '../plugins/config.js'
import { readerOf, sendExport } from './http/body.js'
import { CsvParameters, HiddenCsvParameters } from './http/csv-parameters.js'
import { entityTag, isNotModified, notModified } from './http/conditional.js'
import { ensureFresh, setCacheControl, setLastGood } from './http/freshness.js'
import { encodingOf, formatOf, formatParameter } from './http/negotiation.js'
import { columnsOf, isPositionIn } from './http/columns.js'
import { expiredCursor, listingOf, nextHeaders, PageParameters, planListing, planQuery, versionGone, type DataQuery as ListingQuery, type Listing } from './http/paging.js'
import { listingParameters, recordParameters, type RecordQuery } from './http/listing-parameters.js'
import { instantOf, recordPath } from './http/parameters.js'
import { parametersSchema, type Parameters } from './http/query.js'
import { recordSchemas } from './http/record-schemas.js'
import type { Operation } from './openapi/operation.js'
import { recordOperations } from './openapi/records.js'
import { PlanCache } from './http/plan-cache.js'
import { recordNotFound } from './http/record-not-found.js'
import { onResponseEnd } from './http/response-end.js'

type DataQuery = ListingQuery & { readonly format?: Format | undefined }

/** What a request asks for, and how the response is sent. */
interface ResponsePlan extends RequestPlan {
  readonly encoding: Encoding
  /** Whether the response depends on the current minute. */
  readonly expiresWithMinute: boolean
}

interface DataPlan extends ResponsePlan {
  readonly listing: Listing<DataQuery>
  readonly etag: string
}

/** A plan, and the data version that it is for. */
interface PlannedListing { readonly plan: DataPlan, readonly version: DataVersion }

interface ListingRoute {
  readonly operation: Operation
  readonly vary: string
  /** Absent: the parameter `format` or the Accept header selects the format. */
  readonly format?: Format
}

const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present'
}

/** GET /data, /data.csv, /data.ndjson and /data/{key}: the records. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, clock, config, tableSchema: schema } = fastify
  const { listRecords, exportRecordsCsv, exportRecordsNdjson, getRecord } = recordOperations(schema)
  const { RecordArray, OneRecord } = recordSchemas(schema).bodies
  const parameters = listingParameters(schema)
  const plans = new PlanCache<DataPlan>()
  const recordPlans = new PlanCache<ResponsePlan>()

  addListing('/data', { ...parameters, ...HiddenCsvParameters, format: formatParameter(['json', 'ndjson', 'csv']) }, { operation: listRecords, vary: 'accept, accept-encoding' })
  addListing('/data.csv', { ...parameters, ...CsvParameters }, { operation: exportRecordsCsv, vary: 'accept-encoding', format: 'csv' })
  addListing('/data.ndjson', parameters, { operation: exportRecordsNdjson, vary: 'accept-encoding', format: 'ndjson' })

  function addListing (path: string, definitions: Parameters, { operation, vary, format }: ListingRoute): void {
    const listing = { path, definitions }
    fastify.route({
      url: path,
      method: ['GET', 'HEAD'],
      config: { operation, access: 'read' },
      preHandler: ensureFresh,
      schema: { querystring: parametersSchema({ ...definitions, ...PageParameters }), response: { 200: RecordArray } },
      handler: async (request, reply) => {
        const { plan, version } = findPlan(request, (now) => listingOf(listing, request.query as DataQuery, now), format)
        reply.headers({ vary, 'data-version': plan.version, etag: plan.etag })
        setCacheControl(request, reply, plan.expiresWithMinute)
        const counting = setLastGood(reply, version, plan)
        if (counting !== undefined) await counting
        if (isNotModified(request, plan)) return notModified(reply)
        reply.type(MEDIA_TYPES[plan.format])
        const result = request.method === 'HEAD'
          ? await transformer.exportHead(version, plan, plan.encoding, readerOf(reply))
          : await transformer.export(version, plan, plan.encoding, readerOf(reply))
        reply.header('x-total-count', result.count)
        if (plan.format !== 'json') reply.header('content-disposition', `attachment; filename="data.${plan.format}"`)
        if (result.next !== undefined) reply.headers(nextHeaders(plan.listing, plan.version, result.next))
        return await sendExport(reply, result, plan.encoding)
      }
    })
  }

  const { url, params, keyOf } = recordPath(schema)
  fastify.route({
    url,
    method: ['GET', 'HEAD'],
    config: { operation: getRecord, access: 'read' },
    preHandler: ensureFresh,
    schema: { params, querystring: parametersSchema(recordParameters(schema)), response: { 200: OneRecord } },
    handler: async (request, reply) => {
      const { dataVersion: version } = request
      const id = keyOf(request.params)
      const recordPlan = recordPlanOf(request)
      const { encoding, expiresWithMinute } = recordPlan
      const plan = withFilters(recordPlan, [{ column: schema.key.name, op: 'equals', value: id }])
      const result = await transformer.export(version, plan, encoding)
      if (result.release !== undefined) onResponseEnd(reply, result.release)
      if (result.count === 0) throw await recordNotFound(id, version, transformer, schema, toExtensions(config.IMAGE_EXTENSIONS))
      const etag = entityTag(fastify, 'record', plan.version, plan.key, encoding)
      reply.headers({ vary: 'accept-encoding', etag })
      setCacheControl(request, reply, expiresWithMinute)
      const counting = setLastGood(reply, version, plan)
      if (counting !== undefined) await counting
      if (isNotModified(request, { etag })) return notModified(reply)
      reply.type(MEDIA_TYPES.json)
      return await sendExport(reply, { body: result.body, byteLength: result.byteLength }, encoding)
    }
  })

  /** The plan of a request for one record, without the filter by its key, so that requests for other records share it. */
  function recordPlanOf (request: FastifyRequest): ResponsePlan {
    const { headers, dataVersion: version } = request
    const query = request.query as RecordQuery
    const input = { version: version.version, minute: wholeMinute(clock()), encoding: headers['accept-encoding'] }
    const cached = recordPlans.get(query, input)
    if (cached !== undefined) return cached
    const plan = planQuery(version, { columns: columnsOf(query.columns, version), asOf: instantOf(query, input.minute), format: 'ndjson' })
    return recordPlans.set(query, input, { ...plan, encoding: encodingOf(request), expiresWithMinute: query.as_of === undefined && usesAge(version, plan) })
  }

  /** Plans a request for a listing, or takes the plan from the cache. */
  function findPlan (request: FastifyRequest, listingAt: (now: number) => Listing<DataQuery>, format: Format | undefined): PlannedListing {
    const { headers, dataVersion } = request
    const query = request.query as object
    const input = {
      version: dataVersion.version,
      minute: wholeMinute(clock()),
      accept: format === undefined ? headers.accept : undefined,
      encoding: headers['accept-encoding']
    }
    const cached = plans.get(query, input)
    if (cached !== undefined) return { plan: cached, version: dataVersion }
    const listing = listingAt(input.minute)
    const version = versionOf(listing, dataVersion)
    const plan = makePlan(request, listing, version, format)
    // A plan for the version of a cursor is not cached: the next request has to check again that this version is retained.
    return { plan: listing.version === undefined ? plans.set(query, input, plan) : plan, version }
  }

  function makePlan (request: FastifyRequest, listing: Listing<DataQuery>, version: DataVersion, format: Format | undefined): DataPlan {
    const { parameters, asOf, page } = listing
    const responseFormat = format ?? parameters.format ?? formatOf(request)
    const plan = planListing(parameters, { schema, format: responseFormat, page, asOf, timeZone: config.AGE_TIME_ZONE }, version)
    if (page?.after !== undefined && !isPositionIn(page.after, plan.sort!, version)) throw expiredCursor()
    const encoding = encodingOf(request)
    const etag = entityTag(fastify, 'data', plan.version, plan.key, encoding)
    return { ...plan, listing, encoding, etag, expiresWithMinute: dependsOnMinute(listing, plan, version) }
  }

  /** The data version of a listing: that of its cursor, or the current one. @throws {Problem} if it is no longer retained */
  function versionOf (listing: Listing<unknown>, current: DataVersion): DataVersion {
    if (listing.version === undefined || listing.version === current.version) return current
    const version = transformer.findVersion(listing.version)
    if (version === undefined) throw versionGone(listing)
    return version
  }
}

export default routes

/** Whether the response depends on the current minute. */
function dependsOnMinute ({ parameters, version: pinned }: Listing<DataQuery>, plan: RequestPlan, version: DataVersion): boolean {
  if (parameters.as_of !== undefined || pinned !== undefined) return false
  return parameters.min_age !== undefined || parameters.max_age !== undefined || usesAge(version, plan)
}
