import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { parseDuration } from '../lib/base/duration.js'
import { parseDateOrInstant } from '../lib/base/instant.js'
import { compareUtf8 } from '../lib/base/utf8.js'
import { checkColumns, usesAge } from '../lib/query/check-columns.js'
import type { DataVersion } from '../lib/query/data-version.js'
import type { Changes } from '../lib/output/render-changes.js'
import { invalidParameter, Problem } from '../plugins/problems/problem.js'
import { readerOf, sendStream } from './http/body.js'
import { headersOnly } from './http/conditional.js'
import { EventStreams } from './http/event-streams.js'
import { ensureFresh } from './http/freshness.js'
import { columnsOf } from './http/columns.js'
import { listingParameters } from './http/listing-parameters.js'
import { integerParameter, textParameter } from './http/parameter.js'
import { formatParameter, mediaTypeOf } from './http/negotiation.js'
import { cursorParameter, otherQuery, unknownCursor } from './http/paging.js'
import { unknownColumn } from './http/parameters.js'
import { parametersSchema, toEntries, toQuery } from './http/query.js'
import { recordSchemas } from './http/record-schemas.js'
import { openText, sealText } from './http/sealed-text.js'
import { getChanges } from './openapi/changes.js'

const FORMATS = ['json', 'ndjson', 'events'] as const
type Format = (typeof FORMATS)[number]

const MEDIA_TYPES: Readonly<Record<Format, string>> = { json: 'application/json', ndjson: 'application/x-ndjson', events: 'text/event-stream' }

const Parameters = {
  since: textParameter({
    description: 'The position after which changes are reported: a `Data-Version`, or `next` of an earlier response. Default: the current position, so that the response has no changes, and its `next` is the first `since`.',
    accepted: 'a Data-Version, or the next of an earlier response',
    pattern: /^[\w-]{22}(~\d{1,9})?$/,
    hint: (text) => parseDateOrInstant(text) === undefined ? '' : ': changes are known by version, not by time; GET /changes has the current version in next, for a later request'
  }),
  limit: integerParameter({ minimum: 1, maximum: 10_000, description: 'The maximum number of changed and removed records in a page. Without it, the response has all changes.', example: 100 })
}

interface Query {
  readonly since?: string | undefined
  readonly limit?: number | undefined
  readonly columns?: readonly string[] | undefined
}
type ChangesRequest = FastifyRequest & { readonly query: unknown }
type RequestQuery = Query & { readonly cursor?: string | undefined, readonly format?: Format | undefined }

/** A page of changes: its parameters and, if it is not the first one, what its cursor adds. */
interface Page extends Query {
  /** The last position whose changes are reported. Default: the current one. */
  readonly until?: string
  /** The key of the last record of the page before. */
  readonly after?: string
}

/** GET /changes: the changes of the records since a data version. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer, config, tableSchema: schema } = fastify
  const parameters = { ...Parameters, columns: listingParameters(schema)['columns']! }
  const streams = new EventStreams({
    refresh: () => { transformer.ensureFresh().catch(() => {}) },
    refreshMs: Math.max(1000, parseDuration(config.MAX_STALENESS)!)
  })
  fastify.addHook('preClose', async () => streams.end())

  fastify.route({
    url: '/changes',
    method: ['GET', 'HEAD'],
    config: { operation: getChanges(schema), access: 'read' },
    preHandler: ensureFresh,
    schema: {
      querystring: parametersSchema({ ...parameters, cursor: cursorParameter(' All pages are of one data version.'), format: formatParameter(FORMATS) }),
      response: { 200: recordSchemas(schema).bodies.ChangesBody }
    },
    handler: async (request, reply) => {
      const { format = formatOf(request) } = request.query as RequestQuery
      return await (format === 'events' ? listen(request, reply) : sendPage(request, reply, format))
    }
  })

  async function sendPage (request: ChangesRequest, reply: FastifyReply, format: 'json' | 'ndjson'): Promise<FastifyReply> {
    const page = pageOf(request.query as RequestQuery)
    const changes = await transformer.findChanges(page.since, page.until)
    if (changes === undefined) throw gone(page.until === undefined ? '/data' : urlOf(page))
    const columns = columnsIn(page.columns, changes.version)
    const { after, limit = Infinity } = page
    const keys = after === undefined ? changes.keys : changes.keys.filter((key) => compareUtf8(key, after) > 0)
    const hasMore = keys.length > limit
    reply.headers({ vary: 'accept', 'data-version': changes.version.version })
    if (hasMore) {
      const cursor = sealText(['changes', entriesOf(page), changes.since, changes.next, keys[limit - 1]])
      reply.headers({ link: `</changes?cursor=${cursor}>; rel="next"`, 'next-cursor': cursor })
    }
    reply.type(`${MEDIA_TYPES[format]}; charset=utf-8`)
    if (request.method === 'HEAD') return headersOnly(reply)
    const shown: Changes = { ...changes, keys: hasMore ? keys.slice(0, limit) : keys, next: hasMore ? null : changes.next }
    return sendStream(reply, Readable.from(transformer.renderChanges(shown, format, columns, readerOf(reply))))
  }

  /** Sends each change as an event until the client leaves. */
  async function listen (request: ChangesRequest, reply: FastifyReply): Promise<FastifyReply> {
    const query = request.query as RequestQuery
    for (const name of ['limit', 'cursor'] as const) if (query[name] !== undefined) throw invalidParameter(name, 'does not apply to an event stream, which has no pages')
    columnsIn(query.columns, request.dataVersion)
    const { 'last-event-id': lastId } = request.headers
    // An id that this service has not sent is an unknown position, after which the first event is `reset`.
    let position = lastId === undefined || lastId === '' ? query.since ?? transformer.changesSince(undefined)!.next : String(lastId)
    reply.header('vary', 'accept').type(MEDIA_TYPES.events)
    if (request.method === 'HEAD') return headersOnly(reply)
    let isSending = false
    const report = async () => {
      if (isSending) return
      isSending = true
      try {
        // Until nothing is left, because calls of `report` while an event is rendered do nothing.
        let reported: string | undefined
        while (position !== reported && stream.isReady()) {
          if (!await fastify.isStillAllowed(request)) {
            request.log.info({ client: request.client?.name }, 'Event stream ended: its credentials are no longer valid')
            stop()
            return stream.end()
          }
          reported = position
          position = await sendEvent()
        }
      } catch {
        stream.body.destroy()
      } finally {
        isSending = false
      }
    }
    /** Sends what has changed, and returns the position after it. */
    const sendEvent = async (): Promise<string> => {
      const changes = await transformer.findChanges(position)
      if (changes === undefined) {
        const { next } = transformer.changesSince(undefined)!
        stream.send({ name: 'reset', id: next, data: JSON.stringify({ restart: '/data' }) })
        return next
      }
      if (changes.keys.length > 0) {
        const text: string[] = []
        for await (const piece of transformer.renderChanges(changes, 'json', columnsOf(query.columns, changes.version), readerOf(reply))) text.push(piece)
        stream.send({ name: 'changes', id: changes.next, data: text.join('') })
      }
      return changes.next
    }
    const stream = streams.open(() => { report().catch(() => {}) })
    const stop = transformer.onReconcile(() => { report().catch(() => {}) })
    stream.body.once('close', stop)
    await report()
    return sendStream(reply, stream.body)
  }

  /** The page that a request asks for. @throws {Problem} */
  function pageOf ({ cursor, since, limit, columns }: RequestQuery): Page {
    const given = { since, limit, columns }
    if (cursor === undefined) return given
    const page = readCursor(cursor)
    if (page === undefined) throw unknownCursor()
    for (const name of ['since', 'columns'] as const) {
      if (given[name] === undefined || JSON.stringify(given[name]) === JSON.stringify(page[name])) continue
      throw otherQuery()
    }
    return { ...page, limit: limit ?? page.limit }
  }

  /** The page of a cursor. Its content is validated like the parameters of a request; `undefined` if it is not valid. */
  function readCursor (text: string): Page | undefined {
    try {
      const [kind, entries, since, until, after] = openText(text) as [unknown, [string, string][], string, string, string]
      const isPosition = (value: string) => Parameters.since.parse(value) !== undefined
      if (kind !== 'changes' || !isPosition(since) || !isPosition(until) || typeof after !== 'string') return undefined
      return { ...parametersSchema(parameters).parse(toQuery(entries)), since, until, after }
    } catch {
      return undefined
    }
  }

  /** The limit and the columns, as they are written in a URL. */
  function entriesOf ({ limit, columns }: Query): [name: string, text: string][] {
    return toEntries(parameters, { limit, columns })
  }

  /** The URL of the first page of all changes since the position of a page. */
  function urlOf ({ since, ...query }: Page): string {
    return `/changes?${new URLSearchParams([['since', since!], ...entriesOf(query)])}`
  }
}

export default routes

function formatOf (request: FastifyRequest): Format {
  const type = mediaTypeOf(request, Object.values(MEDIA_TYPES), 'accept')
  return FORMATS.find((format) => MEDIA_TYPES[format] === type)!
}

/** The columns that a query asks for. @throws {Problem} */
function columnsIn (names: readonly string[] | undefined, version: DataVersion): readonly string[] | undefined {
  const columns = columnsOf(names, version)
  try {
    checkColumns(version, { columns })
  } catch (error) {
    throw unknownColumn(error, version)
  }
  if (usesAge(version, { columns })) throw invalidParameter('columns', 'names the column age, which changes with time and is not available in /changes')
  return columns
}

function gone (restart: string): Problem {
  return new Problem(410, 'version_gone', 'since: the change log of this process does not contain this data version; read all records again', { members: { restart } })
}
