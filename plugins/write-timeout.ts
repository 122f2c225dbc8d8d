import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

/** A connection with unsent bytes is closed after this many consecutive periods of `connectionTimeout` without progress. */
const MAX_PERIODS = 6

/** Consecutive periods without progress. */
interface Stall {
  readonly periods: number
  /** The end of the last period, in milliseconds of `performance.now()`. */
  readonly at: number
}

/**
 * Closes connections whose client does not read its response. A response that waits for a job or for the lake has no unsent bytes, so its
 * connection stays open.
 *
 * Node emits `timeout` for a socket after a period in which nothing was read or written. If the kernel still accepted bytes of an earlier
 * write in that period, Node emits it one period later. Several short periods are therefore counted instead of waiting for a single long one.
 */
export default fp(async (fastify) => {
  const { connectionTimeout: periodMs = 0 } = fastify.initialConfig
  const stalls = new WeakMap<Socket, Stall>()

  // Because of this listener, Node does not close the connection itself.
  fastify.server.on('timeout', (socket: Socket): void => {
    // Between two requests, Node sets the socket's timeout to the keep-alive timeout: this is an idle connection.
    if (socket.timeout !== periodMs) {
      socket.destroy()
      return
    }
    if (socket.writableLength === 0) return
    const now = performance.now()
    const last = stalls.get(socket)
    const periods = last !== undefined && now - last.at < 1.5 * periodMs ? last.periods + 1 : 1
    if (periods < MAX_PERIODS) {
      stalls.set(socket, { periods, at: now })
      socket.setTimeout(periodMs)
    } else socket.destroy()
  })
}, { name: 'write-timeout' })
