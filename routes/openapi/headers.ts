import { FAILURE_CODES } from '../../lib/base/failure-code.js'

/** A header of a response. */
export interface Header {
  readonly description: string
  readonly required: boolean
  readonly schema: object
}

/** The headers of responses, by their names in the document. */
export const headerComponents = new Map<string, Header>()

/** Defines a header. `name` is its name in the document: that of the header, or a longer one if there are several of that name. */
function define (name: string, description: string, schema: object, required = true): Header {
  const header = { description, required, schema }
  headerComponents.set(name, header)
  return header
}

const string = (example: string, rules: object = {}) => ({ type: 'string', ...rules, examples: [example] })
const integer = (minimum: number) => ({ type: 'integer', format: 'int32', minimum })

/** The headers of every response. A response may have another `Cache-Control` instead. */
export const universal = {
  'Cache-Control': define('Cache-Control-None', 'The response must not be cached', string('no-store', { enum: ['no-store'] })),
  'Cross-Origin-Resource-Policy': define('Cross-Origin-Resource-Policy', 'Pages of other origins cannot embed the response', string('same-origin')),
  'X-Content-Type-Options': define('X-Content-Type-Options', 'The body is of the type that `Content-Type` names', string('nosniff')),
  'Request-Id': define('Request-Id', 'The id of the request in the log and in problems: the `Request-Id` or `X-Request-Id` of the request if it has a valid one ' +
    '(at most 128 of the characters of this pattern), otherwise a new one', string('kX3v9QzA-1f', { pattern: '^[\\w.:=/+-]+$' }))
}

const AGE = 'The seconds since the start of the last complete listing of the lake'
const VERSION = 'The name of the data version, the state of all records that the response is from. It is computed from all records: equal data has the same name on every replica'
const versionSchema = string('Qm3cVxq0mXbZ0vTjS3hU4w', { pattern: '^[\\w-]{22}$' })
const dataStale = define('Data-Stale', 'Why the data may be outdated: one or more reasons, separated by commas; absent if no reason is known. The reasons are ' +
  `${FAILURE_CODES.map((code) => `\`${code}\``).join(', ')}; more may be added. The \`details\` of \`GET /readyz\` have each of them in words`, string('unreachable, download_failed', { pattern: '^[a-z_]+(, [a-z_]+)*$' }), false)

const lastGood = define('Data-Last-Good', 'The number of records in the response, or in its statistics, that are an earlier version because the current info file is rejected; ' +
  'absent if the number is 0', integer(1), false)

/** The header of responses that contain records, or statistics of them. */
export const lastGoodRecords = { 'Data-Last-Good': lastGood }

/** The headers of every response that is computed from the data. */
export const freshness = { Age: define('Age', AGE, integer(0)), 'Data-Stale': dataStale, 'Data-Version': define('Data-Version', VERSION, versionSchema) }

/** The same headers in problems, where they are optional because there may be no data yet. */
export const optionalFreshness = {
  Age: define('Age-If-Known', `${AGE}; absent if no listing has been completed yet`, integer(0), false),
  'Data-Stale': dataStale,
  'Data-Version': define('Data-Version-If-Known', `${VERSION}; absent if there is no data yet`, versionSchema, false)
}

const maxAge = { 'Cache-Control': define('Cache-Control', 'How long the response may be cached, in seconds', string('private, max-age=1', { pattern: '^private, max-age=\\d+$' })) }

/** The headers of responses that clients may cache. */
export const caching = {
  ...maxAge,
  ETag: define('ETag', 'The entity tag of the response. If a later request has it in `If-None-Match` and the content is still the same, the response is 304', string('"5u0bY2rBJf3d6cQm1xKZ8g"', { pattern: '^"[\\w-]{22}"$' }))
}

const VARY = 'The request headers that the response depends on'
export const varyRepresentation = { Vary: define('Vary', VARY, string('accept, accept-encoding')) }
export const varyEncoding = { Vary: define('Vary-Encoding', VARY, string('accept-encoding')) }

export const varyAccept = { Vary: define('Vary-Accept', VARY, string('accept')) }

export const contentEncoding = { 'Content-Encoding': define('Content-Encoding', 'How the body is compressed; absent if it is not', string('gzip'), false) }
export const paging = {
  'X-Total-Count': define('X-Total-Count', 'The number of records or entries that match, on all pages together', integer(0)),
  'Next-Cursor': define('Next-Cursor', 'The `cursor` of the next page; absent on the last page', string('WyJRbTNj...'), false),
  Link: define('Link', 'The URL of the next page; absent on the last page', string('</data?limit=100&cursor=WyJRbTNj...>; rel="next"', { pattern: '^<[^>]+>; rel="next"$' }), false)
}

const FILE_NAME = 'The name under which browsers save the response'
export const csvFile = { 'Content-Disposition': define('Content-Disposition-CSV', FILE_NAME, string('attachment; filename="data.csv"')) }
export const ndjsonFile = { 'Content-Disposition': define('Content-Disposition-NDJSON', FILE_NAME, string('attachment; filename="data.ndjson"')) }

/** The headers of pages of which the total number of entries is not counted. */
export const nextPage = { 'Next-Cursor': paging['Next-Cursor'], Link: paging.Link }

export const currentEtag = { ETag: define('ETag-Current', 'The entity tag of the current response; absent if it has none', string('"5u0bY2rBJf3d6cQm1xKZ8g"', { pattern: '^"[^"]+"$' }), false) }
export const retryAfter = { 'Retry-After': define('Retry-After', 'The number of seconds to wait before the next request', integer(1)) }

export const authenticate = {
  'WWW-Authenticate': define('WWW-Authenticate', 'What credentials are needed, and what is wrong with those of the request; absent if it was denied for another reason',
    string('Bearer realm="userlake", error="insufficient_scope", scope="read"'), false)
}

const locationSchema = string('/jobs/5e2f8a10-1', { format: 'uri-reference' })
export const jobLocation = { Location: define('Location', 'The URL of the job', locationSchema) }
export const optionalJobLocation = { Location: define('Location-If-Known', 'The URL of the job; absent if the error occurred before the job was created', locationSchema, false) }
export const jobTiming = { 'Server-Timing': define('Server-Timing', 'How long each phase of the job took, in milliseconds; `build` is that of the table of records; if another replica has listed the lake for this job, only `publish` is present', string('list;dur=12.3, download;dur=4.0, build;dur=1.2, publish;dur=20.5')) }
export const storeTiming = { 'Server-Timing': define('Server-Timing-Store', 'How long the store took until the first byte of the image, in milliseconds; absent in responses to HEAD', string('store;dur=12.3'), false) }
export const preferenceApplied = { 'Preference-Applied': define('Preference-Applied', 'The preference of `Prefer` that was applied', string('respond-async')) }

export const validators = {
  ...maxAge,
  ETag: define('Image-ETag', 'The entity tag of the image; absent if the store has none', string('"9b2cf535f27731c974343645a3985328"', { pattern: '^"[^"]+"$' }), false),
  'Last-Modified': define('Last-Modified', 'When the image was uploaded', string('Sun, 15 Jun 2025 12:15:30 GMT'))
}
export const acceptRanges = { 'Accept-Ranges': define('Accept-Ranges', 'The unit of ranges that can be requested', string('bytes')) }
export const contentRange = { 'Content-Range': define('Content-Range', 'The range of the body, and the size of the image', string('bytes 0-99/1180', { pattern: '^bytes \\d+-\\d+/\\d+$' })) }
export const contentSize = { 'Content-Range': define('Content-Range-Unsatisfied', 'The size of the image', string('bytes */1180', { pattern: '^bytes \\*/\\d+$' })) }

/** Headers of requests, which are all optional. */
const text = (description: string, example: string) => ({ type: 'string', description, examples: [example] })

export const cacheControl = { 'Cache-Control': text('`no-cache`: the response waits for a listing of the lake that starts after the request. If that listing fails, `Data-Stale` contains the reason.', 'no-cache') }
export const ifNoneMatch = { 'If-None-Match': text('The entity tags that the client has. If the current response has one of them, the status is 304, without a body.', '"5u0bY2rBJf3d6cQm1xKZ8g"') }
export const ifMatch = { 'If-Match': text('The entity tags of the versions that the client accepts. If the current response has none of them, the status is 412.', '"5u0bY2rBJf3d6cQm1xKZ8g"') }
export const lastEventId = { 'Last-Event-ID': text('The `id` of the last event that the client has received from the event stream. It takes precedence over `since`.', 'Qm3cVxq0mXbZ0vTjS3hU4w') }
export const dates = {
  'If-Modified-Since': text('The `Last-Modified` of the version that the client has. If the image has not been replaced since, the status is 304, without a body. ' +
    'Ignored if there is an `If-None-Match`.', 'Sun, 15 Jun 2025 12:15:30 GMT'),
  'If-Unmodified-Since': text('If the image was uploaded after this time, the status is 412. Ignored if there is an `If-Match`.', 'Sun, 15 Jun 2025 12:15:30 GMT')
}
export const prefer = { Prefer: text('`respond-async`: the response is 202 at once, and the job runs in the background.', 'respond-async') }
export const ranges = {
  Range: text('One range of bytes. If there are several, the response is the whole image.', 'bytes=0-99'),
  'If-Range': text('The entity tag that `Range` applies to. If the image has another one, the response is the whole image.', '"9b2cf535f27731c974343645a3985328"')
}
