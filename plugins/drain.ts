import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { parseDuration } from '../lib/duration.js'

const SWEEP_MS = 50
/** In which a request that has begun to arrive may go on to do so. */
const GRACE_MS = 1000

/**
 * Ends each connection with the last answer that it waits for once the server closes; those over which nothing is asked, as
 * browsers open them in advance, or only half of something, after a moment; and all after SHUTDOWN_TIMEOUT, whatever their
 * clients do. Node ends what is idle at that moment and keeps all else until the client goes.
 */
export default fp(async (fastify) => {
  const { server } = fastify
  const connections = new Set<Socket>()
  /** The last answer over each connection. */
  const answers = new WeakMap<Socket, ServerResponse>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  server.on('request', ({ socket }, answer) => answers.set(socket, answer))
  const isAnswering = (socket: Socket) => answers.get(socket)?.writableFinished === false

  const sweep = (elapsedMs: number) => {
    server.closeIdleConnections()
    if (elapsedMs > parseDuration(fastify.config.SHUTDOWN_TIMEOUT)!) server.closeAllConnections()
    else if (elapsedMs > GRACE_MS) for (const socket of connections) if (!isAnswering(socket)) socket.destroy()
  }
  fastify.addHook('preClose', async () => {
    if (!server.listening) return
    const began = performance.now()
    const sweeping = setInterval(() => sweep(performance.now() - began), SWEEP_MS)
    // The hooks for onClose come before the server has closed.
    server.once('close', () => clearInterval(sweeping))
  })
}, { name: 'drain', dependencies: ['config', 'jobs'] })
