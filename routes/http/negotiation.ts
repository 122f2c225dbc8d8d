import type { FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import type { Encoding } from '../../lib/output/exporter.js'
import type { Format } from '../../lib/output/render.js'
import { excerpt, Problem } from '../../plugins/problems/problem.js'

/** The media types of the formats; if a client accepts several equally, the first one is used. */
const FORMATS: Readonly<Record<string, Format>> = {
  'application/json': 'json', 'application/x-ndjson': 'ndjson', 'application/ndjson': 'ndjson', 'text/csv': 'csv'
}
const MEDIA_TYPES = Object.keys(FORMATS)

/** The one of `formats` that the Accept header prefers. @throws {Problem} 406 if it accepts none of them */
export function formatOf<F extends Format = Format> ({ headers: { accept = '*/*' } }: FastifyRequest, formats: readonly F[] = Object.values(FORMATS) as F[]): F {
  if (accept === '*/*') return 'json' as F
  const types = MEDIA_TYPES.filter((type) => formats.includes(FORMATS[type] as F))
  const type = new Negotiator({ headers: { accept: withoutParameters(accept) } }).mediaType(types)
  if (type !== undefined) return FORMATS[type] as F
  throw new Problem(406, 'not_acceptable', `Accept: got ${JSON.stringify(excerpt(accept))}; must accept one of ${types.join(', ')}`, { headers: { vary: 'accept, accept-encoding' } })
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
