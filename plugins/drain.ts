import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

const SWEEP_MS = 50

/**
 * Ends each connection with the last answer that it waits for once the server closes, and those over which nothing was ever
 * asked, as browsers open them in advance. Node ends what is idle at that moment and keeps all else until it times out.
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
  }
  fastify.addHook('preClose', async () => {
    if (!server.listening) return
    const sweeping = setInterval(sweep, SWEEP_MS)
    // The hooks for onClose come before the server has closed.
    server.once('close', () => clearInterval(sweeping))
  })
}, { name: 'drain', dependencies: ['jobs'] })
