import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import type { MonotonicClock } from '../lib/base/clock.js'
import { toFailureCode, type FailureCode } from '../lib/base/failure-code.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Logs failures of the lake and of the engine during requests. */
    readonly lakeFailures: LakeFailures
  }
}

/** Failures with one code have ended when there were none for this number of milliseconds: a single object that cannot be read fails again and again between successes. */
const QUIET_MS = 60_000

/**
 * Logs the failures of the lake during requests for images, and those of the engine during any request: for each code, when they begin and, once an image has been read
 * after their end, that they have ended.
 */
export class LakeFailures {
  readonly #log: FastifyBaseLogger
  readonly #clock: MonotonicClock
  readonly #failing = new Map<FailureCode, { count: number, lastAt: number }>()

  constructor (log: FastifyBaseLogger, clock: MonotonicClock) {
    this.#log = log
    this.#clock = clock
  }

  /** Must be called when the lake or the engine has failed during a request. @param log the log of the request. Failures after the first one have the level debug */
  failed (error: Error, message: string, log: FastifyBaseLogger): void {
    const code = toFailureCode(error)
    const now = this.#clock()
    const previous = this.#failing.get(code)
    // Without a request for an image, no success shows that earlier failures have ended.
    const isFirst = previous === undefined || now - previous.lastAt >= QUIET_MS
    this.#failing.set(code, { count: isFirst ? 1 : previous.count + 1, lastAt: now })
    const line = { code, cause: error.message }
    if (isFirst) log.warn(line, `${message}; further failures with this code have the level debug until they have ended`)
    else log.debug(line, message)
  }

  /** Must be called when a request has read an image of the lake. */
  succeeded (): void {
    for (const [code, { count, lastAt }] of this.#failing) {
      if (this.#clock() - lastAt < QUIET_MS) continue
      this.#failing.delete(code)
      this.#log.info({ code, failures: count }, `Requests no longer fail with ${code}`)
    }
  }
}

/** Decorates the instance with the log of failures of the lake and of the engine during requests. Needs: transformer, for its clock. */
export default fp(async (fastify) => {
  fastify.decorate('lakeFailures', new LakeFailures(fastify.log, fastify.monotonic))
}, { name: 'lake-failures', dependencies: ['transformer'] })
