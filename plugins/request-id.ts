import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import fp from 'fastify-plugin'

/** The name of the response header; a request may carry it, too. */
export const REQUEST_ID = 'request-id'

/** Distinguishes the ids of this process from those of every other one. */
const PROCESS = randomBytes(6).toString('base64url')
let count = 0

/** An id that no other request has. */
export function newRequestId (): string {
  return `${PROCESS}-${(++count).toString(36)}`
}

/** The id that a proxy has given the request, in `Request-Id` or `X-Request-Id`, if it is safe to repeat; otherwise a new one. */
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
