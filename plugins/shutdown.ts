import fp from 'fastify-plugin'
import { parseDuration } from '../lib/base/duration.js'
import { systemPause, type Pause } from '../lib/base/timer.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether the process has begun to shut down: `/readyz` is then 503, and every response closes its connection. */
    readonly isDraining: boolean
    /** Whether SHUTDOWN_DELAY is over, too: no work is begun any more, and connections are closed. */
    readonly isClosing: boolean
    /** The time of `performance.now()` from which the shutdown no longer waits for jobs and open requests; Infinity while `isClosing` is false. */
    readonly drainEndsAt: number
  }
}

export interface ShutdownOptions {
  /** Waits for SHUTDOWN_DELAY. Default: the pause of the system. */
  readonly shutdownPause?: Pause | undefined
}

/**
 * The first steps of a shutdown. For SHUTDOWN_DELAY everything is still served, so that balancers can notice that the process is not ready and send
 * requests to others. Fastify sends `Connection: close` in each response meanwhile, so clients that keep their connections open move as well. Needs:
 * config. Must be registered before every plugin that closes something, because its hook has to run first.
 */
export default fp<ShutdownOptions>(async (fastify, { shutdownPause = systemPause }) => {
  const delayMs = parseDuration(fastify.config.SHUTDOWN_DELAY)!
  const timeoutMs = parseDuration(fastify.config.SHUTDOWN_TIMEOUT)!
  let isDraining = false
  let drainEndsAt = Infinity
  fastify.decorate('isDraining', { getter: () => isDraining })
  fastify.decorate('isClosing', { getter: () => drainEndsAt !== Infinity })
  fastify.decorate('drainEndsAt', { getter: () => drainEndsAt })
  fastify.addHook('preClose', async () => {
    isDraining = true
    if (delayMs > 0 && fastify.server.listening) await shutdownPause(delayMs)
    drainEndsAt = performance.now() + timeoutMs
  })
}, { name: 'shutdown', dependencies: ['config'] })
