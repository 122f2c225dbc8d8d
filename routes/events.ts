import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyError, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { changedObjects, NotificationError } from '../lib/transformer.js'
import { excerpt, httpProblem, Problem, unavailable } from '../plugins/problems/problem.js'
import { NoQuery } from './http/parameters.js'
import { EventCounts } from './http/schemas.js'
import { receiveEvents } from './openapi/events.js'

/** The largest body, in bytes: 1 MiB. Notifications of S3 have a few records, each of about a kilobyte. */
const MAX_BODY_BYTES = 1024 * 1024

/** POST /events/s3: notifications of the bucket. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer } = fastify
  fastify.removeContentTypeParser('text/plain')
  fastify.setErrorHandler<FastifyError>((error, request) => { throw bodyProblem(error, request) ?? error })

  const post = {
    bodyLimit: MAX_BODY_BYTES,
    config: { operation: receiveEvents, access: 'events' as const },
    schema: { querystring: NoQuery, response: { 202: EventCounts, 204: Type.Null() } }
  }
  fastify.post('/events/s3', post, async ({ body }, reply) => {
    const objects = read(body)
    if (fastify.isClosing) throw unavailable('draining', 'This process is shutting down; send the request to another one')
    if (objects.length === 0) return reply.code(204).send(null)
    return reply.code(202).send(transformer.noteChanged(objects))
  })
}

export default routes

/** The problem of a body that cannot be read as JSON; `undefined` for any other error. */
function bodyProblem ({ code }: FastifyError, { headers }: FastifyRequest): Problem | undefined {
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
      const type = headers['content-type']
      return httpProblem(415, `Content-Type: ${type === undefined ? 'is missing' : `got ${JSON.stringify(excerpt(type))}`}; must be application/json`)
    }
    case 'FST_ERR_CTP_BODY_TOO_LARGE': return httpProblem(413, `The body is larger than 1 MiB (${MAX_BODY_BYTES} bytes)`)
    case 'FST_ERR_CTP_EMPTY_JSON_BODY': return new Problem(400, 'invalid_event', 'The body is empty; must be a notification of a bucket as JSON')
    case 'FST_ERR_CTP_INVALID_JSON_BODY': return new Problem(400, 'invalid_event', 'The body is not valid JSON; must be a notification of a bucket as JSON')
    default: return undefined
  }
}

function read (body: unknown): ReturnType<typeof changedObjects> {
  try {
    return changedObjects(body)
  } catch (error) {
    throw error instanceof NotificationError ? new Problem(400, 'invalid_event', error.message) : error
  }
}
