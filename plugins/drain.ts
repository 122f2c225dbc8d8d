import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

/** Milliseconds between two checks for connections that can be closed. */
const SWEEP_MS = 50

/**
 * Closes connections when the server closes. A connection is closed as soon as its last response has been sent, or at once if it has never
 * carried a request (browsers open connections in advance). After SHUTDOWN_TIMEOUT all others are closed, such as those with an incomplete
 * request or with a response that the client does not read. Node itself closes only the connections that are idle when the server closes.
 * Needs: shutdown, jobs.
 */
export default fp(async (fastify) => {
  const { server } = fastify
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  const sweep = () => {
    server.closeIdleConnections()
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy()
    if (performance.now() > fastify.drainEndsAt) server.closeAllConnections()
  }
  // Runs after the hook of the jobs: reads continue while a job ends.
  fastify.addHook('preClose', async () => {
    if (!server.listening) return
    const sweeping = setInterval(sweep, SWEEP_MS)
    // The onClose hooks run before the server has closed.
    server.once('close', () => clearInterval(sweeping))
  })
}, { name: 'drain', dependencies: ['shutdown', 'jobs'] })
