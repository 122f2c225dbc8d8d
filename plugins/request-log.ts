import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/** How many bytes of a connection belong to requests that are logged already. */
const logged = new WeakMap<Socket, number>()

/** Logs the request in one line when its response has ended, or when its client has left. `LOG_REQUESTS=false` turns it off. */
export function logRequest ({ config, log }: FastifyInstance, id: string, { method, url, socket }: IncomingMessage, response: ServerResponse): void {
  if (!config.LOG_REQUESTS) return
  const began = performance.now()
  response.once('close', () => {
    const sent = socket.bytesWritten
    const bytes = sent - (logged.get(socket) ?? 0)
    logged.set(socket, sent)
    const ms = Math.round((performance.now() - began) * 100) / 100
    // A response that never began has no status.
    const status = response.headersSent ? response.statusCode : undefined
    const line = { request_id: id, method, path: pathOf(url!), status, ms, bytes }
    if (response.writableFinished) log.info(line, 'Request')
    else log.info({ ...line, aborted: true }, 'Request aborted by the client')
  })
}

/** A query may contain names and other personal data, so it is not logged. */
function pathOf (url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

/** Logs every request that reaches the router. Comes before hooks that may reject a request. Needs: config. */
export default fp(async (fastify) => {
  fastify.addHook('onRequest', (request, reply, done) => {
    logRequest(fastify, request.id, request.raw, reply.raw)
    done()
  })
}, { name: 'request-log', dependencies: ['config'] })
