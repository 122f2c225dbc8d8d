import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import parseRange from 'range-parser'
import type { ByteRange, Image, OpenImage } from '../lib/transformer.js'
import { Problem } from '../plugins/problems/problem.js'
import { sendStream } from './http/body.js'
import { headersOnly } from './http/conditional.js'
import { ensureFresh } from './http/freshness.js'
import { NoQuery, UserParams } from './http/parameters.js'
import { getRecordImage } from './openapi/records.js'
import { ImageBody } from './http/schemas.js'

/** GET /data/{user_id}/image: the picture, piped from the store. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    url: '/data/:user_id/image',
    method: ['GET', 'HEAD'],
    config: { operation: getRecordImage },
    preHandler: ensureFresh,
    schema: { params: UserParams, querystring: NoQuery, response: { '2xx': ImageBody } },
    handler: async (request, reply) => {
      const { user_id: userId } = request.params
      let answer: ImageResponse = { status: 200 }
      const image = await fastify.transformer.openImage(request.dataVersion, userId, (image) => {
        answer = plan(image, request)
        if (answer.status === 206) return answer.range
        return answer.status === 200 && request.method === 'GET' ? 'all' : 'nothing'
      })
      if (image === undefined) throw new Problem(404, 'image_not_found', `There is no image of ${JSON.stringify(userId)}`)
      if (answer.status === 415) throw new Problem(415, 'unsupported_image', 'The file is not an image of a type that is served')
      if (answer.status === 416) {
        throw new Problem(416, 'range_not_satisfiable', `The image has ${image.size} bytes`, { headers: { 'content-range': `bytes */${image.size}` } })
      }
      reply.code(answer.status).headers(headersOf(image, answer))
      return await (image.body === undefined ? headersOnly(reply) : sendStream(reply, image.body))
    }
  })
}

export default routes

type ImageResponse = { readonly status: 200 | 304 | 415 | 416 } | { readonly status: 206, readonly range: ByteRange }

/** What RFC 9110 says to answer: its sections 13.2.2 (preconditions) and 14 (ranges; several are answered by the whole). */
function plan (image: Image, { headers, method }: FastifyRequest): ImageResponse {
  if (image.type === undefined) return { status: 415 }
  if (matches(headers['if-none-match'], image)) return { status: 304 }
  const ifRange = headers['if-range']
  const isWhole = method === 'HEAD' || headers.range === undefined || (ifRange !== undefined && ifRange !== image.entityTag)
  if (isWhole) return { status: 200 }
  const ranges = parseRange(image.size, headers.range!)
  if (ranges === -1) return { status: isBackwards(headers.range!) ? 200 : 416 }
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return { status: 200 }
  return { status: 206, range: { first: ranges[0]!.start, last: ranges[0]!.end } }
}

/** A range that ends before it begins is none, and goes unheeded: RFC 9110, section 14.1.1. */
function isBackwards (range: string): boolean {
  const [, first, last] = /^\s*bytes\s*=\s*(\d+)-(\d+)\s*$/i.exec(range) ?? []
  return first !== undefined && Number(first) > Number(last)
}

function headersOf (image: OpenImage, answer: ImageResponse): Record<string, string | number> {
  const validators = { ...image.entityTag !== undefined && { etag: image.entityTag }, 'last-modified': new Date(image.lastModified).toUTCString() }
  if (answer.status === 304) return validators
  const { first, last } = answer.status === 206 ? answer.range : { first: 0, last: image.size - 1 }
  return {
    ...validators,
    'content-type': image.type!,
    'content-length': last - first + 1,
    ...answer.status === 206 && { 'content-range': `bytes ${first}-${last}/${image.size}` },
    'accept-ranges': 'bytes'
  }
}

function matches (ifNoneMatch: string | undefined, { entityTag }: Image): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((tag) => ['*', entityTag].includes(tag.trim().replace(/^W\//, '')))
}
