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
 * Returns the id in `Request-Id` or `X-Request-Id`, which a proxy may have set. Returns a new id if there is none, or if it has more than 128
 * characters or a character that is unsafe in a header or a log line.
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
