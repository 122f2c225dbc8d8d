import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import type { MonotonicClock } from '../lib/base/clock.js'
import { toFailureCode, type FailureCode } from '../lib/base/failure-code.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Logs failures of the lake during requests. */
    readonly lakeFailures: LakeFailures
  }
}

/** A failure of one kind ends with the first success after this number of milliseconds without it: a single object that cannot be read fails again and again between successes. */
const QUIET_MS = 60_000

/** Logs the failures of the lake during requests, which are those for images: for each code, when they begin and when they have ended. */
export class LakeFailures {
  readonly #log: FastifyBaseLogger
  readonly #clock: MonotonicClock
  readonly #failing = new Map<FailureCode, { count: number, lastAt: number }>()

  constructor (log: FastifyBaseLogger, clock: MonotonicClock) {
    this.#log = log
    this.#clock = clock
  }

  /** Must be called when the lake has failed during a request. @param log the log of the request, for failures after the first one, which have the level debug */
  failed (error: Error, message: string, log: FastifyBaseLogger): void {
    const code = toFailureCode(error)
    const failing = this.#failing.get(code)
    this.#failing.set(code, { count: (failing?.count ?? 0) + 1, lastAt: this.#clock() })
    const line = { code, cause: error.message }
    if (failing === undefined) log.warn(line, `${message}; further failures with this code have the level debug until they have ended`)
    else log.debug(line, message)
  }

  /** Must be called when a request has read an object of the lake. */
  succeeded (): void {
    for (const [code, { count, lastAt }] of this.#failing) {
      if (this.#clock() - lastAt < QUIET_MS) continue
      this.#failing.delete(code)
      this.#log.info({ code, failures: count }, `Requests no longer fail with ${code}`)
    }
  }
}

/** Decorates the instance with the log of failures of the lake during requests. Needs: transformer, for its clock. */
export default fp(async (fastify) => {
  fastify.decorate('lakeFailures', new LakeFailures(fastify.log, fastify.monotonic))
}, { name: 'lake-failures', dependencies: ['transformer'] })
