/** A header of an answer. */
export interface Header {
  readonly description: string
  readonly required: boolean
  readonly schema: object
}

const header = (description: string, schema: object, required = true): Header => ({ description, required, schema })

const AGE = 'Seconds since the start of the last complete listing of the bucket'

const dataStale = header('Why the data may not be the bucket\'s; absent where it is', { type: 'string', pattern: '^[a-z_]+$', examples: ['unreachable'] }, false)

/** Of every answer from the data. */
export const freshness = { Age: header(AGE, { type: 'integer', minimum: 0 }), 'Data-Stale': dataStale }

/** Of errors, which may come before the data has been looked at. */
export const perhapsFreshness = { Age: header(AGE, { type: 'integer', minimum: 0 }, false), 'Data-Stale': dataStale }

export const noSniff = { 'X-Content-Type-Options': header('The type is what it says', { const: 'nosniff' }) }
export const varyAccept = { Vary: header('The format depends on Accept', { const: 'accept' }) }
export const retryAfter = { 'Retry-After': header('Seconds to wait before the next try', { type: 'integer', minimum: 1 }) }

const location = (required: boolean) => header('The job', { type: 'string', format: 'uri-reference', examples: ['/jobs/5e2f8a10-1'] }, required)
export const jobLocation = { Location: location(true) }
export const perhapsJobLocation = { Location: location(false) }
export const preferenceApplied = { 'Preference-Applied': header('What was done of Prefer', { const: 'respond-async' }) }

export const validators = {
  ETag: header('The version of the picture; absent where the store tells none', { type: 'string', pattern: '^"[^"]+"$' }, false),
  'Last-Modified': header('When the picture was uploaded', { type: 'string', examples: ['Sun, 15 Jun 2025 12:15:30 GMT'] })
}
export const acceptRanges = { 'Accept-Ranges': header('Parts can be asked for', { const: 'bytes' }) }
export const contentRange = { 'Content-Range': header('The part, and the size of the whole', { type: 'string', pattern: '^bytes \\d+-\\d+/\\d+$' }) }
export const contentSize = { 'Content-Range': header('The size of the whole', { type: 'string', pattern: '^bytes \\*/\\d+$' }) }

/** Headers of requests: each is optional. */
const text = (description: string, rules: object = {}) => ({ type: 'string', description, ...rules })

export const cacheControl = { 'Cache-Control': text('`no-cache` waits for a listing of the bucket that begins after the request') }
export const prefer = { Prefer: text('`respond-async` answers at once, with a job that goes on') }
export const conditions = {
  'If-None-Match': text('ETags that the client holds; 304 where the picture has one of them'),
  Range: text('One range of bytes, such as `bytes=0-99`; several are answered by the whole'),
  'If-Range': text('The ETag that `Range` goes with; the whole where it is another')
}
