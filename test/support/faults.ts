import type { BucketObject } from './s3-bucket.js'
import { describeObject, failure, type Operation, type S3Request, type S3Response } from './s3-protocol.js'

/** The fault of one request: a response that is sent instead of executing it, or what becomes of the request or of the response of the endpoint. */
export type Fault = S3Response
  | 'drop' // the connection closes, and the request is not executed
  | 'stall' // the request is not executed, and no response is sent
  | 'commit then drop' // the request is executed, and the connection closes without a response
  | 'ignore conditions' // the request is executed without its If-Match and If-None-Match
  | 'cut body' // half of the body, then the connection closes
  | 'stall body' // half of the body, then nothing
  | 'corrupt body' // one bit in the middle of the body is wrong
  | { readonly cutAt: number } // the connection closes after this number of bytes of the body
  | { readonly flipBit: number } // this bit of the body is wrong
  | { readonly dripMs: number } // the body is sent byte by byte, with a pause of this length before each
  | { readonly rewrite: (response: S3Response) => S3Response }

/** Called with every request before it is executed; `undefined` means no fault. To delay a request, it awaits a promise before it returns. */
export type Interceptor = (request: S3Request) => Fault | undefined | Promise<Fault | undefined>

/** How a response is sent. */
export interface Delivery {
  readonly response: S3Response
  /** The number of bytes of the body that are sent. */
  readonly length: number
  /** What happens after these bytes. */
  readonly then: 'end' | 'close' | 'nothing'
  /** The pause before each byte; 0: all bytes at once. */
  readonly dripMs: number
}

/** How the response of the endpoint is sent under a fault. */
export function deliver (response: S3Response, fault: Fault | undefined): Delivery {
  const length = Buffer.byteLength(response.body ?? '')
  const whole: Delivery = { response, length, then: 'end', dripMs: 0 }
  if (fault === 'commit then drop') return { ...whole, length: 0, then: 'close' }
  if (fault === 'cut body') return { ...whole, length: length >>> 1, then: 'close' }
  if (fault === 'stall body') return { ...whole, length: length >>> 1, then: 'nothing' }
  if (fault === 'corrupt body') return { ...whole, response: flip(response, (length >>> 1) * 8) }
  if (typeof fault !== 'object') return whole
  if ('cutAt' in fault) return { ...whole, length: Math.min(length, fault.cutAt), then: 'close' }
  if ('flipBit' in fault) return { ...whole, response: flip(response, fault.flipBit) }
  if ('dripMs' in fault) return { ...whole, dripMs: fault.dripMs }
  if ('rewrite' in fault) return deliver(fault.rewrite(response), undefined)
  return whole
}

/** A rule of a script: the requests that it applies to, and their fault. */
export interface Rule {
  /** Default: every operation. */
  readonly on?: Operation
  /** Default: every key. */
  readonly key?: RegExp
  /** The number of requests to which the rule applies. Default: all. */
  readonly times?: number
  /** `undefined`: no fault, even if a later rule applies. */
  readonly fault: Fault | undefined | ((request: S3Request) => Fault | undefined)
}

/** Returns an interceptor: the fault of a request is that of the first rule which applies to it and is not used up. */
export function script (...rules: readonly Rule[]): Interceptor {
  const left = rules.map(({ times = Infinity }) => times)
  return (request) => {
    const i = rules.findIndex(({ on = request.operation, key }, i) => left[i]! > 0 && on === request.operation && (key?.test(request.key) ?? true))
    if (i === -1) return undefined
    left[i]!--
    const { fault } = rules[i]!
    return typeof fault === 'function' ? fault(request) : fault
  }
}

/** What a proxy or a captive portal may send with status 200. */
export const HTML_PAGE: S3Response = { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html><html><body>Sign in</body></html>' }
export const NO_CONTENT: S3Response = { status: 200 }
export const SLOW_DOWN = failure(503, 'SlowDown')
export const NOT_FOUND = failure(404, 'NoSuchKey')
export const DENIED = failure(403, 'AccessDenied')

/** The response to a GET by a store that still serves this version of the object. */
export function versionOf (object: BucketObject): S3Response {
  return { status: 200, headers: describeObject(object), body: object.body }
}

/** A response to LIST with these elements. */
export function listing (content: string): S3Response {
  const xml = `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</ListBucketResult>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: xml }
}

/** An entry of a listing. */
export function entry (key: string): string {
  return `<Contents><Key>${key}</Key><LastModified>2025-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag><Size>1</Size></Contents>`
}

/** A listing that never ends: each page has a new token. @param keysOf the keys of a page by its number; default: none */
export function endlessListing (keysOf: (page: number) => readonly string[] = () => []): (request: S3Request) => S3Response {
  return ({ query }) => {
    const page = Number(query.get('continuation-token') ?? 0)
    return listing(`<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType><NextContinuationToken>${page + 1}</NextContinuationToken>${keysOf(page).map(entry).join('')}`)
  }
}

const ENTRY = /<Contents>.*?<\/Contents>/gs

/** Rewrites the entries of a page of a listing. */
export function entries (change: (entries: readonly string[]) => readonly string[]): Fault {
  return {
    rewrite: (response) => {
      const text = String(response.body)
      const changed = change(text.match(ENTRY) ?? [])
      const rest = text.replace(ENTRY, '').replace(/<KeyCount>\d+</, `<KeyCount>${changed.length}<`)
      return { ...response, body: rest.replace('</ListBucketResult>', `${changed.join('')}$&`) }
    }
  }
}

/** A page with every second entry only. */
export const HALF_LISTING = entries((entries) => entries.filter((_, i) => i % 2 === 0))
/** A page that is empty, as if the bucket were. */
export const EMPTY_LISTING = entries(() => [])
/** A page in reverse order. */
export const UNORDERED_LISTING = entries((entries) => entries.toReversed())
/** A page whose entries occur twice. */
export const REPEATED_LISTING = entries((entries) => entries.flatMap((entry) => [entry, entry]))
/** A page with other ETags than GET returns. */
export const OTHER_ETAGS = entries((entries) => entries.map((entry) => entry.replace(/(?<=<ETag>&quot;)/, 'other-')))
/** A page that claims to be the last one. */
export const ENDS_EARLY: Fault = {
  rewrite: (response) => ({ ...response, body: String(response.body).replace('<IsTruncated>true<', '<IsTruncated>false<').replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, '') })
}

function flip (response: S3Response, bit: number): S3Response {
  const body = Buffer.from(response.body ?? '')
  body[bit >>> 3]! ^= 1 << (bit & 7)
  return { ...response, body }
}
