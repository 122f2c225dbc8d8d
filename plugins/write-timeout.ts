import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

/**
 * Closes connections whose client does not read its response. Node reports a socket on which nothing was read or written for
 * `connectionTimeout`, for any reason; a response that waits for a job or for the lake has nothing to send and may take longer.
 */
export default fp(async (fastify) => {
  fastify.addHook('onRequest', (_request, reply, done) => {
    reply.raw.on('timeout', closeIfUnsent)
    done()
  })
}, { name: 'write-timeout' })

function closeIfUnsent (this: ServerResponse, socket: Socket): void {
  if (socket.writableLength > 0) socket.destroy()
}
