import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import parseRange from 'range-parser'
import { countOf } from '../lib/base/count-of.js'
import { traceOf } from '../lib/base/trace-context.js'
import type { ByteRange, Image, OpenImage } from '../lib/transformer.js'
import { excerpt, Problem, unavailable } from '../plugins/problems/problem.js'
import { sendObject } from './http/body.js'
import { headersOnly, isNotModified } from './http/conditional.js'
import { ensureFresh, setCacheControl } from './http/freshness.js'
import { attachmentPath, NoQuery, recordPath } from './http/parameters.js'
import { getRecordAttachment, getRecordImage } from './openapi/records.js'
import { recordNotRead } from './http/record-not-found.js'
import { onResponseEnd } from './http/response-end.js'
import { ImageBody } from './http/schemas.js'
import { serverTiming } from './http/server-timing.js'

const UNSUPPORTED_IMAGE = 'The content of the file is not an image of a supported type; its first bytes must be those of PNG, JPEG, WebP or GIF, ' +
  'and the schema or IMAGE_EXTENSIONS must declare an extension of this type'

/** The maximum number of image requests in progress. Each of them takes a connection to the bucket; for more than these, the S3 client has none. */
const MAX_OPEN = 256

/** GET /data/{key}/image, which is the first image, and /data/{key}/attachments/{field}: streamed from the store. Without an image field there are no such routes. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { tableSchema: schema } = fastify
  const [firstImage] = schema.imageFields
  if (firstImage === undefined) return
  const record = recordPath(schema)
  const attachment = attachmentPath(schema)
  const route = { method: ['GET', 'HEAD'] as ['GET', 'HEAD'], preHandler: ensureFresh }

  fastify.route({
    ...route,
    url: `${record.url}/image`,
    config: { operation: getRecordImage, access: 'read' },
    schema: { params: record.params, querystring: NoQuery, response: { '2xx': ImageBody } },
    handler: async (request, reply) => await sendImage(request, reply, record.keyOf(request.params), firstImage.name)
  })

  fastify.route({
    ...route,
    url: attachment.url,
    config: { operation: getRecordAttachment, access: 'read' },
    schema: { params: attachment.params, querystring: NoQuery, response: { '2xx': ImageBody } },
    handler: async (request, reply) => await sendImage(request, reply, record.keyOf(request.params), attachment.fieldOf(request.params))
  })

  let open = 0

  async function sendImage (request: FastifyRequest, reply: FastifyReply, key: string, field: string): Promise<FastifyReply> {
    if (open >= MAX_OPEN) throw unavailable('overloaded', `${MAX_OPEN} requests for images are in progress, the most that are accepted; try again later`)
    open++
    onResponseEnd(reply, () => { open-- })
    let outcome: Outcome = { status: 200 }
    const openedAt = fastify.monotonic()
    const image = await fastify.transformer.openImage(request.dataVersion, key, (image) => {
      outcome = evaluate(request, image)
      if (outcome.status === 206) return outcome.range
      return outcome.status === 200 && request.method === 'GET' ? 'all' : 'nothing'
    }, { field, trace: traceOf(request.headers.traceparent) })
    if (image?.body !== undefined) {
      fastify.lakeFailures.succeeded()
      reply.header('server-timing', serverTiming({ store: fastify.monotonic() - openedAt }))
    }
    if (image === undefined) {
      const noImage = `There is no image of ${JSON.stringify(key)}` + (field === firstImage?.name ? '' : ` in ${field}`)
      throw recordNotRead(key, fastify.transformer) ?? new Problem(404, 'image_not_found', noImage)
    }
    if (outcome.status === 415) throw new Problem(415, 'unsupported_image', UNSUPPORTED_IMAGE)
    if (outcome.status === 416) {
      throw new Problem(416, 'range_not_satisfiable', `Range: got ${JSON.stringify(excerpt(String(request.headers.range)))}; the image has ${countOf(image.size, 'byte')}`, {
        headers: { 'content-range': `bytes */${image.size}` }
      })
    }
    setCacheControl(request, reply)
    reply.code(outcome.status).headers(headersOf(image, outcome))
    return await (image.body === undefined ? headersOnly(reply) : sendObject(reply, image.body))
  }
}

export default routes

type Outcome = { readonly status: 200 | 304 | 415 | 416 } | { readonly status: 206, readonly range: ByteRange }

/**
 * Evaluates the preconditions and the range of a request: RFC 9110, sections 13.2.2 and 14. The response to several ranges is the
 * whole image.
 */
function evaluate (request: FastifyRequest, image: Image): Outcome {
  if (image.type === undefined) return { status: 415 }
  if (isNotModified(request, { etag: image.entityTag, lastModified: image.lastModified })) return { status: 304 }
  const { range, 'if-range': ifRange } = request.headers
  if (request.method === 'HEAD' || range === undefined || (ifRange !== undefined && ifRange !== image.entityTag)) return { status: 200 }
  const ranges = parseRange(image.size, range)
  if (ranges === -1) return { status: isBackwards(range) ? 200 : 416 }
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return { status: 200 }
  return { status: 206, range: { first: ranges[0]!.start, last: ranges[0]!.end } }
}

/** A range that ends before it begins is invalid and ignored: RFC 9110, section 14.1.1. */
function isBackwards (range: string): boolean {
  const [, first, last] = /^\s*bytes\s*=\s*(\d+)-(\d+)\s*$/i.exec(range) ?? []
  return first !== undefined && Number(first) > Number(last)
}

function headersOf (image: OpenImage, outcome: Outcome): Record<string, string | number> {
  const validators = { ...image.entityTag !== undefined && { etag: image.entityTag }, 'last-modified': new Date(image.lastModified).toUTCString() }
  if (outcome.status === 304) return validators
  const { first, last } = outcome.status === 206 ? outcome.range : { first: 0, last: image.size - 1 }
  return {
    ...validators,
    'content-type': image.type!,
    'content-length': last - first + 1,
    ...outcome.status === 206 && { 'content-range': `bytes ${first}-${last}/${image.size}` },
    'accept-ranges': 'bytes'
  }
}
