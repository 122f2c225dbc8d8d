import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { gzipBuffer } from '../lib/output/compress.js'
import { renderQuarantine } from '../lib/output/render-quarantine.js'
import type { Cell } from '../lib/schema/record.js'
import { QUARANTINE_CODES, type QuarantineCode } from '../lib/transformer.js'
import { entityTag, headersOnly, isNotModified, notModified } from './http/conditional.js'
import { csvOptionsOf, CsvParameters, HiddenCsvParameters } from './http/csv-parameters.js'
import { ensureFresh, setCacheControl } from './http/freshness.js'
import { encodingOf, formatOf, formatParameter } from './http/negotiation.js'
import { integerParameter, listParameter } from './http/parameter.js'
import { exampleOf } from './http/parameters.js'
import { cursorParameter, otherQuery, unknownCursor } from './http/paging.js'
import { parametersSchema, toEntries, toQuery, type Values } from './http/query.js'
import { keyMember } from './http/key-names.js'
import { recordSchemas } from './http/record-schemas.js'
import { openText, sealText } from './http/sealed-text.js'
import { exportRejectsCsv, listRejects } from './openapi/reports.js'

const FORMATS = ['json', 'csv'] as const
const MEDIA_TYPES = { json: 'application/json; charset=utf-8', csv: 'text/csv; charset=utf-8; header=present' }

const DEFAULT_LIMIT = 1000

const idParameter = (example: Cell) => listParameter({
  description: 'Selects the entries with this id, compared byte for byte. May be repeated to select several ids.',
  ...example !== null && { example: [example] }
})

/** The parameters as a cursor contains them. In URLs, `user_id` has the name that `keyMember` returns. */
const ListingParameters = {
  user_id: idParameter(null),
  code: listParameter({
    description: 'Selects the entries with this code. May be repeated to select several codes.',
    example: ['invalid_value'],
    accepted: `one of ${QUARANTINE_CODES.join(', ')}`,
    pattern: new RegExp(`^(${QUARANTINE_CODES.join('|')})$`)
  }),
  ...CsvParameters
}

const PageParameters = {
  limit: integerParameter({ minimum: 1, maximum: 10_000, description: `The maximum number of entries in a page. Default: ${DEFAULT_LIMIT}.`, example: 100 }),
  cursor: cursorParameter()
}

type Format = (typeof FORMATS)[number]

/** GET /rejects and /rejects.csv: the objects of the lake that are not part of a record, and why. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { tableSchema: schema } = fastify
  const idName = keyMember(schema)
  const { QuarantineBody } = recordSchemas(schema).bodies
  const parameters = { [idName]: idParameter(exampleOf(schema.key)), code: ListingParameters.code, ...PageParameters }

  fastify.route({
    url: '/rejects',
    method: ['GET', 'HEAD'],
    config: { operation: listRejects(schema), access: 'read' },
    preHandler: ensureFresh,
    schema: { querystring: parametersSchema({ ...parameters, ...HiddenCsvParameters, format: formatParameter(FORMATS) }), response: { 200: QuarantineBody } },
    handler: async (request, reply) => await sendPage(request, reply.header('vary', 'accept, accept-encoding'), (request.query as { format?: Format }).format ?? formatOf(request, FORMATS))
  })

  fastify.route({
    url: '/rejects.csv',
    method: ['GET', 'HEAD'],
    config: { operation: exportRejectsCsv, access: 'read' },
    preHandler: ensureFresh,
    schema: { querystring: parametersSchema({ ...parameters, ...CsvParameters }), response: { 200: QuarantineBody } },
    handler: async (request, reply) => await sendPage(request, reply.header('vary', 'accept-encoding'), 'csv')
  })

  async function sendPage (request: FastifyRequest & { readonly query: unknown }, reply: FastifyReply, format: Format): Promise<FastifyReply> {
    const given = request.query as RequestQuery
    const requested = requestedPage({ ...given, user_id: given[idName as 'user_id'] })
    const { listing, limit, after } = requested
    const csvOptions = csvOptionsOf(listing, format)
    const encoding = encodingOf(request)
    const page = fastify.transformer.quarantine({ ids: listing.user_id, codes: listing.code as readonly QuarantineCode[] | undefined, limit, after })
    const etag = entityTag(fastify, 'rejects', page.name, JSON.stringify(requested), format, encoding)
    reply.header('etag', etag)
    setCacheControl(request, reply)
    if (isNotModified(request, { etag })) return notModified(reply)
    reply.type(MEDIA_TYPES[format]).header('x-total-count', page.count)
    if (page.next !== undefined) reply.headers(nextHeaders(format, listing, limit, page.next))
    if (encoding === 'gzip') reply.header('content-encoding', 'gzip')
    if (request.method === 'HEAD') return headersOnly(reply)
    const body = Buffer.from(renderQuarantine(page, format, idName, csvOptions))
    return reply.send(encoding === 'gzip' ? await gzipBuffer(body) : body)
  }
}

export default routes

type Listing = Values<typeof ListingParameters>
type RequestQuery = Listing & Values<typeof PageParameters>

/** A page of a listing: at most `limit` entries, after the one with the key `after`. */
interface RequestedPage { readonly listing: Listing, readonly limit: number, readonly after?: string }

/** The page of a request. Each page is read from the current quarantine and begins after the last key of the previous page. @throws {Problem} */
function requestedPage ({ cursor, limit, ...values }: RequestQuery): RequestedPage {
  const entries = toEntries(ListingParameters, values)
  if (cursor === undefined) return { listing: values, limit: limit ?? DEFAULT_LIMIT }
  const continued = readCursor(cursor)
  if (entries.length > 0 && JSON.stringify(entries) !== JSON.stringify(toEntries(ListingParameters, continued.listing))) {
    throw otherQuery()
  }
  return { ...continued, limit: limit ?? continued.limit }
}

/** Reads a cursor and validates its content like the parameters of a request, as any client can forge it. @throws {Problem} */
function readCursor (text: string): RequestedPage {
  try {
    const [kind, entries, after] = openText(text) as [unknown, [string, string][], unknown]
    if (kind !== 'rejects' || typeof after !== 'string') throw new Error('not a cursor of this listing')
    const { limit, ...listing } = parametersSchema({ ...ListingParameters, limit: PageParameters.limit }).parse(toQuery(entries))
    return { listing, limit: limit ?? DEFAULT_LIMIT, after }
  } catch {
    throw unknownCursor()
  }
}

/** The link leads to the same format, however the request has asked for it. */
function nextHeaders (format: Format, listing: Listing, limit: number, after: string): { readonly link: string, readonly 'next-cursor': string } {
  const entries = toEntries({ ...ListingParameters, limit: PageParameters.limit }, { ...listing, limit })
  const cursor = sealText(['rejects', entries, after])
  return { link: `<${format === 'csv' ? '/rejects.csv' : '/rejects'}?limit=${limit}&cursor=${cursor}>; rel="next"`, 'next-cursor': cursor }
}
