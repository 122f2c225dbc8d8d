import fp from 'fastify-plugin'
import { unavailable } from './problems/problem.js'

declare module 'fastify' {
  interface FastifyInstance {
    readonly lakeWaits: LakeWaits
  }
}

export interface LakeWaitsOptions {
  /** The maximum number of requests that wait for the lake at the same time; further ones are 503. Default: 4096. */
  readonly maxLakeWaits?: number | undefined
}

/** Limits the requests that wait for the lake: each has a connection and some kilobytes, and a silent store can make them wait for half a minute. */
export class LakeWaits {
  readonly #max: number
  #count = 0

  constructor (max: number) {
    this.#max = max
  }

  /** Does work on the lake for a request. @throws {Problem} 503, before the work begins, if too many requests wait */
  async during<T> (work: () => Promise<T>): Promise<T> {
    if (this.#count >= this.#max) throw unavailable('overloaded', `${this.#max} requests wait for the lake, the most that are accepted; try again later`)
    this.#count++
    try {
      return await work()
    } finally {
      this.#count--
    }
  }
}

/** Decorates the instance with the limit of requests that wait for the lake. */
export default fp<LakeWaitsOptions>(async (fastify, { maxLakeWaits = 4096 }) => {
  fastify.decorate('lakeWaits', new LakeWaits(maxLakeWaits))
}, { name: 'lake-waits' })
