import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { parseDuration } from '../lib/base/duration.js'

const SWEEP_MS = 50

/**
 * Ends each connection with the last answer that it waits for once the server closes, those over which nothing was ever asked,
 * as browsers open them in advance, at once, and what is left after SHUTDOWN_TIMEOUT: half a request, or an answer that nobody
 * reads. Node ends what is idle at that moment and keeps all else until the client goes.
 */
export default fp(async (fastify) => {
  const { server } = fastify
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  const timeoutMs = parseDuration(fastify.config.SHUTDOWN_TIMEOUT)!
  const sweep = (elapsedMs: number) => {
    server.closeIdleConnections()
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy()
    if (elapsedMs > timeoutMs) server.closeAllConnections()
  }
  // After that of the jobs: reads go on while a job ends.
  fastify.addHook('preClose', async () => {
    if (!server.listening) return
    const began = performance.now()
    const sweeping = setInterval(() => sweep(performance.now() - began), SWEEP_MS)
    // The hooks for onClose come before the server has closed.
    server.once('close', () => clearInterval(sweeping))
  })
}, { name: 'drain', dependencies: ['config', 'jobs'] })
