import type { FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import type { Encoding } from '../../lib/output/exporter.js'
import type { Format } from '../../lib/output/render.js'
import { excerpt, Problem } from '../../plugins/problems/problem.js'
import { choiceParameter } from './parameter.js'

/**
 * The parameter that selects a format. Hidden in the OpenAPI document: generated clients handle only responses with one media type, so each other format of
 * records and of rejects is an operation of its own there.
 */
export function formatParameter<const F extends string> (formats: readonly F[]) {
  return { ...choiceParameter({ schema: { enum: formats }, description: 'The format of the response. Default: the one that `Accept` prefers.' }), isHidden: true }
}

/** The media types of the formats, the preferred one first. */
const FORMATS: Readonly<Record<string, Format>> = {
  'application/json': 'json', 'application/x-ndjson': 'ndjson', 'application/ndjson': 'ndjson', 'text/csv': 'csv'
}
const MEDIA_TYPES = Object.keys(FORMATS)

/** The one of `formats` that the Accept header prefers. @throws {Problem} 406 if it accepts none of them */
export function formatOf<F extends Format = Format> (request: FastifyRequest, formats: readonly F[] = Object.values(FORMATS) as F[]): F {
  return FORMATS[mediaTypeOf(request, MEDIA_TYPES.filter((type) => formats.includes(FORMATS[type] as F)), 'accept, accept-encoding')] as F
}

/**
 * The media type that the Accept header prefers; if it accepts several equally, the first one.
 *
 * @param vary the request headers that the response depends on
 * @throws {Problem} 406 if it accepts none of them
 */
export function mediaTypeOf<T extends string> ({ headers: { accept = '*/*' } }: FastifyRequest, types: readonly T[], vary: string): T {
  if (accept === '*/*') return types[0]!
  const type = new Negotiator({ headers: { accept: withoutParameters(accept) } }).mediaType([...types])
  if (type !== undefined) return type as T
  throw new Problem(406, 'not_acceptable', `Accept: got ${JSON.stringify(excerpt(accept))}; must accept one of ${types.join(', ')}`, { headers: { vary } })
}

/** The encoding that the Accept-Encoding header prefers. @throws {Problem} 406 if it accepts neither */
export function encodingOf ({ headers, raw }: FastifyRequest): Encoding {
  if (headers['accept-encoding'] === undefined) return 'identity'
  const encoding = new Negotiator(raw).encoding(['gzip', 'identity'])
  if (encoding === 'gzip' || encoding === 'identity') return encoding
  throw new Problem(406, 'not_acceptable', `Accept-Encoding: got ${JSON.stringify(excerpt(String(headers['accept-encoding'])))}; must accept gzip or identity`, { headers: { vary: 'accept-encoding' } })
}

/** An Accept header without parameters such as charset=utf-8, in which none of the media types differ. */
function withoutParameters (accept: string): string {
  return split(accept, /(?:"(?:\\.|[^"\\])*(?:"|$)|[^",])+/g).map((range) => {
    const [type, ...parameters] = split(range, /(?:"(?:\\.|[^"\\])*(?:"|$)|[^";])+/g)
    const quality = parameters.map((parameter) => parameter.trim()).find((parameter) => /^q=/i.test(parameter))
    return quality === undefined ? type : `${type};${quality}`
  }).join(',')
}

/** The parts of a header between separators that are not in quoted strings. */
function split (text: string, part: RegExp): readonly string[] {
  return text.match(part) ?? []
}
