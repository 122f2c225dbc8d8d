import { FAILURE_CODES } from '../../lib/base/failure-code.js'

/** A header of an answer. */
export interface Header {
  readonly description: string
  readonly required: boolean
  readonly schema: object
}

const header = (description: string, schema: object, required = true): Header => ({ description, required, schema })

const AGE = 'Seconds since the start of the last complete listing of the bucket'

const dataStale = header(`Why the data may not be the bucket's; absent where it is. One of ${FAILURE_CODES.map((reason) => `\`${reason}\``).join(', ')}; more may come`, { type: 'string', pattern: '^[a-z_]+$', examples: ['unreachable'] }, false)

const dataVersion = (required: boolean) => header('Names the data: equal records have the equal name, on every replica', { type: 'string', pattern: '^[\\w-]{22}$' }, required)

/** On every response. */
export const requestId = { 'Request-Id': header('Names the request in the log and in problems: that of the request, or of its `X-Request-Id`, if it has one; otherwise a new one', { type: 'string', pattern: '^[\\w.:=/+-]+$', examples: ['kX3v9QzA-1f'] }) }

/** Of every answer from the data. */
export const freshness = { Age: header(AGE, { type: 'integer', minimum: 0 }), 'Data-Stale': dataStale, 'Data-Version': dataVersion(true) }

/** Of errors, which may come before the data has been looked at. */
export const perhapsFreshness = { Age: header(AGE, { type: 'integer', minimum: 0 }, false), 'Data-Stale': dataStale, 'Data-Version': dataVersion(false) }

/** Of answers that clients may keep. */
export const caching = {
  ETag: header('Names the answer: send it in `If-None-Match`, and 304 says that it is still the same', { type: 'string', pattern: '^"[\\w-]{22}"$' }),
  'Cache-Control': header('How long the answer stays true, as far as that is known', { type: 'string', pattern: '^private, max-age=\\d+$', examples: ['private, max-age=1'] })
}

const vary = (names: string) => ({ Vary: header('The request headers that the response depends on', { type: 'string', examples: [names] }) })
export const varyRepresentation = vary('accept, accept-encoding')
export const varyEncoding = vary('accept-encoding')

export const contentEncoding = { 'Content-Encoding': header('How the response is compressed; absent if it is not', { type: 'string', examples: ['gzip'] }, false) }
export const paging = {
  'X-Total-Count': header('How many users match, whatever the limit', { type: 'integer', minimum: 0 }),
  'Next-Cursor': header('The `cursor` of the next page; absent if this page is the last one', { type: 'string', examples: ['WyJ...'] }, false),
  Link: header('The next page, where there are more users than the limit', { type: 'string', pattern: '^<[^>]+>; rel="next"$', examples: ['</data?limit=100&cursor=WyJ...>; rel="next"'] }, false)
}

export const noSniff = { 'X-Content-Type-Options': header('The type is what it says', { type: 'string', examples: ['nosniff'] }) }
export const retryAfter = { 'Retry-After': header('Seconds to wait before the next try', { type: 'integer', minimum: 1 }) }

const location = (required: boolean) => header('The job', { type: 'string', format: 'uri-reference', examples: ['/jobs/5e2f8a10-1'] }, required)
export const jobLocation = { Location: location(true) }
export const perhapsJobLocation = { Location: location(false) }
export const preferenceApplied = { 'Preference-Applied': header('What was done of Prefer', { type: 'string', examples: ['respond-async'] }) }

export const validators = {
  ETag: header('The version of the picture; absent where the store tells none', { type: 'string', pattern: '^"[^"]+"$' }, false),
  'Last-Modified': header('When the picture was uploaded', { type: 'string', examples: ['Sun, 15 Jun 2025 12:15:30 GMT'] })
}
export const acceptRanges = { 'Accept-Ranges': header('Parts can be asked for', { type: 'string', examples: ['bytes'] }) }
export const contentRange = { 'Content-Range': header('The part, and the size of the whole', { type: 'string', pattern: '^bytes \\d+-\\d+/\\d+$' }) }
export const contentSize = { 'Content-Range': header('The size of the whole', { type: 'string', pattern: '^bytes \\*/\\d+$' }) }

/** Headers of requests: each is optional. */
const text = (description: string) => ({ type: 'string', description })

export const cacheControl = { 'Cache-Control': text('`no-cache` waits for a listing of the bucket that begins after the request') }
export const ifNoneMatch = { 'If-None-Match': text('ETags that the client holds; 304 where the answer has one of them') }
export const prefer = { Prefer: text('`respond-async` answers at once, with a job that goes on') }
export const ranges = {
  Range: text('One range of bytes, such as `bytes=0-99`; several are answered by the whole'),
  'If-Range': text('The ETag that `Range` goes with; the whole where it is another')
}
