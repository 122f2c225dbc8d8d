import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { changedObjects, NotificationError } from '../lib/transformer.js'
import { Problem, unavailable } from '../plugins/problems/problem.js'
import { NoQuery } from './http/parameters.js'
import { EventCounts } from './http/schemas.js'
import { receiveEvents } from './openapi/events.js'

/** The largest body, in bytes. Notifications of S3 have a few records, each of about a kilobyte. */
const MAX_BODY_BYTES = 1024 * 1024

/** POST /events/s3: notifications of the bucket. */
const routes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { transformer } = fastify
  fastify.removeContentTypeParser('text/plain')

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

function read (body: unknown): ReturnType<typeof changedObjects> {
  try {
    return changedObjects(body)
  } catch (error) {
    throw error instanceof NotificationError ? new Problem(400, 'invalid_event', error.message) : error
  }
}
