import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import { slices } from '../../lib/base/slices.js'
import { Problem } from '../../plugins/problems/problem.js'

export type Encoding = 'gzip' | 'identity'

/** What varies with the encoding that a client asks for. */
export const VARY_ENCODING = 'accept-encoding'

/** The encoding that the client prefers of those on offer. */
export function encodingOf (request: FastifyRequest): Encoding {
  if (request.headers['accept-encoding'] === undefined) return 'identity'
  const encoding = new Negotiator(request.raw).encoding(['gzip', 'identity'])
  if (encoding === 'gzip' || encoding === 'identity') return encoding
  throw new Problem(406, 'not_acceptable', 'The answer comes as gzip or identity', { headers: { vary: VARY_ENCODING } })
}

const zipped = new WeakMap<Buffer, ZippedBody>()

/** The text, compressed as it is read. What is compressed of a Buffer is kept with it: nobody has to wait twice. */
export function gzip (body: Buffer | AsyncIterable<string | Buffer>): Readable {
  if (!Buffer.isBuffer(body)) {
    const zip = createGzip()
    pipeline(body, zip).catch(() => {}) // whoever reads it hears of it
    return zip
  }
  let shared = zipped.get(body)
  if (shared === undefined) zipped.set(body, shared = new ZippedBody(body))
  return Readable.from(shared.chunks())
}

const SLICE_BYTES = 256 * 1024

/** A body that is being compressed for all who read it, each at a pace of their own. */
class ZippedBody {
  readonly #chunks: Buffer[] = []
  readonly #ended: Promise<void>
  #isEnded = false
  #grown = Promise.resolve()
  #grow = () => {}

  constructor (body: Buffer) {
    this.#waitForMore()
    this.#ended = this.#compress(body)
    this.#ended.catch(() => {}) // readers hear of it
  }

  async * chunks (): AsyncGenerator<Buffer> {
    for (let i = 0; ; i++) {
      while (i === this.#chunks.length && !this.#isEnded) await this.#grown
      if (i === this.#chunks.length) return await this.#ended
      yield this.#chunks[i]!
    }
  }

  async #compress (body: Buffer): Promise<void> {
    try {
      await pipeline(slices(body, SLICE_BYTES), createGzip(), async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) {
          this.#chunks.push(chunk)
          this.#grow()
          this.#waitForMore()
        }
      })
    } finally {
      this.#isEnded = true
      this.#grow()
    }
  }

  #waitForMore (): void {
    this.#grown = new Promise((resolve) => { this.#grow = resolve })
  }
}
