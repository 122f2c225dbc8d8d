import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { excerpt, Problem } from '../../plugins/problems/problem.js'

/** Part of each entity tag. Must be increased when the bytes that are written for the same records change. */
const FORMAT_REVISION = 2

/** What identifies a version of a response. */
export interface Validators {
  /** A strong entity tag with its quotes; `undefined` if the response has no entity tag. */
  readonly etag: string | undefined
  /** Milliseconds since 1970-01-01 UTC; `undefined` if the response has no date of its own. */
  readonly lastModified?: number
}

/** The strong entity tag of a response. `origin`: the kind of response, then everything that its bytes depend on except settings. */
export function entityTag ({ config }: FastifyInstance, ...origin: readonly string[]): string {
  const name = [FORMAT_REVISION, config.AGE_TIME_ZONE, ...origin].join('\n')
  return `"${hash('sha256', name, 'base64url').slice(0, 22)}"`
}

/**
 * Evaluates the preconditions of a GET or HEAD as in RFC 9110, section 13.2.2. Returns whether the client has this version, so
 * that the response is 304.
 *
 * @throws {Problem} 412 if the request is for another version
 */
export function isNotModified ({ headers }: FastifyRequest, { etag, lastModified }: Validators): boolean {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers
  const ifUnmodifiedSince = headers['if-unmodified-since']
  if (ifMatch !== undefined) {
    if (!includesTag(ifMatch, etag, 'strong')) throw conditionNotMet(etag, `If-Match: got ${excerpt(ifMatch)}; must ${etag === undefined ? 'be *, because the current response has no ETag' : `contain the current ETag, ${etag}`}`)
  } else if (isModifiedSince(lastModified, ifUnmodifiedSince) === true) {
    throw conditionNotMet(etag, `If-Unmodified-Since: got ${excerpt(ifUnmodifiedSince!)}; must not be before the current Last-Modified, ${new Date(lastModified!).toUTCString()}`)
  }
  if (ifNoneMatch !== undefined) return includesTag(ifNoneMatch, etag, 'weak')
  return isModifiedSince(lastModified, headers['if-modified-since']) === false
}

function conditionNotMet (etag: string | undefined, detail: string): Problem {
  return new Problem(412, 'condition_not_met', detail, { headers: etag === undefined ? {} : { etag } })
}

export function notModified (reply: FastifyReply): FastifyReply {
  return reply.code(304).send()
}

/** Sends the response to HEAD. */
export function headersOnly (reply: FastifyReply): FastifyReply {
  return reply.send()
}

/** Whether a list of entity tags, or `*`, includes a tag. The strong comparison ignores tags that are marked as weak. */
function includesTag (list: string, etag: string | undefined, comparison: 'strong' | 'weak'): boolean {
  if (list === etag || list.trim() === '*') return true
  const tags = list.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some((tag) => (comparison === 'weak' ? tag.replace(/^W\//, '') : tag) === etag)
}

/** Returns `undefined` if the dates cannot be compared: the request or the response has no date, or that of the request is malformed. */
function isModifiedSince (lastModified: number | undefined, date: string | undefined): boolean | undefined {
  if (lastModified === undefined || date === undefined) return undefined
  const since = parseHttpDate(date)
  // HTTP dates have no fractions of a second.
  return since === undefined ? undefined : Math.floor(lastModified / 1000) * 1000 > since
}

/** Reads the three forms of an HTTP date, of which the oldest has no time zone. Milliseconds since 1970-01-01 UTC. */
function parseHttpDate (text: string): number | undefined {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(text)) return undefined
  const time = Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`)
  return Number.isNaN(time) ? undefined : time
}
