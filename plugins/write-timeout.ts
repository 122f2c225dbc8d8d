import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

/** A connection is closed after this many periods of `connectionTimeout` without progress while it has unsent bytes. */
const PERIODS = 6

/** Periods without progress in a row, until `at` (milliseconds of `performance.now()`). */
interface Stall {
  readonly periods: number
  readonly at: number
}

/**
 * Closes connections whose client does not read its response. A response that waits for a job or for the lake has nothing to send and may
 * take longer.
 *
 * Node reports a socket after a period in which nothing was read or written. While the kernel still accepts bytes of an earlier write, it
 * reports it one period later, so that periods are short and counted.
 */
export default fp(async (fastify) => {
  const { connectionTimeout: periodMs = 0 } = fastify.initialConfig
  const stalls = new WeakMap<Socket, Stall>()

  // Without a listener, Node would close the connection.
  fastify.server.on('timeout', (socket: Socket): void => {
    // Between two requests, the timeout of the socket is that of idle connections.
    if (socket.timeout !== periodMs) {
      socket.destroy()
      return
    }
    if (socket.writableLength === 0) return
    const now = performance.now()
    const last = stalls.get(socket)
    const periods = last !== undefined && now - last.at < 1.5 * periodMs ? last.periods + 1 : 1
    if (periods < PERIODS) {
      stalls.set(socket, { periods, at: now })
      socket.setTimeout(periodMs)
    } else socket.destroy()
  })
}, { name: 'write-timeout' })
