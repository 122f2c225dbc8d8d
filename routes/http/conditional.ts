import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** Part of each entity tag: to be changed with the way in which answers are written. */
const FORMAT_REVISION = 1

export interface Validators {
  readonly tag: string
  /** Whether its ages are those of the present minute. */
  readonly expiresWithMinute: boolean
}

/** Sets ETag and Cache-Control. Answers whether the client holds the answer, so that 304 says it all. */
export function isHeld (request: FastifyRequest, reply: FastifyReply, { tag, expiresWithMinute }: Validators): boolean {
  reply.header('etag', tag)
  reply.header('cache-control', `private, max-age=${Math.floor(freshForMs(request, expiresWithMinute) / 1000)}`)
  return matches(request.headers['if-none-match'], tag)
}

export function notModified (reply: FastifyReply): FastifyReply {
  return reply.code(304).send()
}

/** The answer to HEAD. */
export function headersOnly (reply: FastifyReply): FastifyReply {
  return reply.send()
}

/** The strong entity tag of a response. `origin`: what its bytes depend on, besides the settings, beginning with the kind of response. */
export function entityTag ({ config }: FastifyInstance, ...origin: readonly string[]): string {
  const name = [FORMAT_REVISION, config.AGE_TIME_ZONE, ...origin].join('\n')
  return `"${hash('sha256', name, 'base64').slice(0, 22).replaceAll('+', '-').replaceAll('/', '_')}"`
}

/** See RFC 9110, section 13.1.2: tags are compared weakly, and `*` is any answer. */
function matches (ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch === tag || ifNoneMatch.split(',').some((held) => ['*', tag].includes(held.trim().replace(/^W\//, '')))
}

const MINUTE_MS = 60_000

function freshForMs ({ server: { transformer, clock } }: FastifyRequest, untilMinute: boolean): number {
  const ms = transformer.freshness().freshForMs
  return untilMinute ? Math.min(ms, MINUTE_MS - clock() % MINUTE_MS) : ms
}
