import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import fp from 'fastify-plugin'

/** The name of the response header. A request may have it as well. */
export const REQUEST_ID = 'request-id'

/** Distinguishes the ids of this process from those of all other processes. */
const PROCESS = randomBytes(6).toString('base64url')
let count = 0

/** Returns an id that is unique across requests and processes. */
export function newRequestId (): string {
  return `${PROCESS}-${(++count).toString(36)}`
}

/**
 * The id of a request: the value of its header `Request-Id` or, without that header, of `X-Request-Id`. A proxy may have set them. The result is a new id if both
 * headers are missing, or if the value has more than 128 characters or a character that is unsafe in a header or a log line.
 */
export function requestIdOf ({ headers }: IncomingMessage): string {
  const given = headers[REQUEST_ID] ?? headers['x-request-id']
  return typeof given === 'string' && /^[\w.:=/+-]{1,128}$/.test(given) ? given : newRequestId()
}

/** Sets `Request-Id` on every response. */
export default fp(async (fastify) => {
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header(REQUEST_ID, request.id)
    done()
  })
}, { name: 'request-id' })
