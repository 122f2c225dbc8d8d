import { createRequire } from 'node:module'
import type { Pool as UndiciPool } from 'undici'
import type { ObjectList } from '../../object-list.js'
import { childTraceparent, type TraceContext } from '../../../base/trace-context.js'
import { StoreError, type ObjectBody, type TraceOption } from '../../object-store.js'
import { findLastKey, findToken, scanListing } from './listing-scan.js'
import type { Download } from '../download-queue.js'
import { BufferedHttp, ReusableBuffer, type BufferedResponse } from './buffered-http.js'
import { isIntact, type BodyHeaders } from '../s3-body.js'
import type { S3Clients } from '../s3-client.js'
import type { ListingPage, PageStart } from '../s3-listing.js'
import { pooledReads } from './pooled-reads.js'
import { RequestSigner } from './request-signer.js'
import { locateBucket, type BucketLocation } from './s3-location.js'
import { toInfo, type ObjectFields } from '../s3-object.js'

/** The result of a request that failed or got an unusual response. The caller must send it again through the SDK. */
export const FALL_BACK_TO_SDK = Symbol('fall back to the SDK')
type FallBackToSdk = typeof FALL_BACK_TO_SDK

/** A request that failed for a known reason. */
export class FailedRequest {
  /** An error as the SDK or Node would throw it. */
  readonly error: unknown
  /** `refused`: there were too many requests. `denied`: access is denied, so the request must not be sent again. */
  readonly kind: 'failed' | 'refused' | 'denied'
  /** The pause that the server requests before the next attempt, in milliseconds; 0 if it requests none. */
  readonly retryAfterMs: number

  constructor (error: unknown, kind: FailedRequest['kind'] = 'failed', retryAfterMs = 0) {
    this.error = error
    this.kind = kind
    this.retryAfterMs = retryAfterMs
  }
}

/** As the options of `ObjectStore.get`, without defaults. */
export interface FastGet extends TraceOption {
  readonly ifNoneMatch?: string | undefined
  readonly maxBytes: number
  readonly maxMs: number | undefined
  /** Receives the time at which the request is sent. */
  readonly download: Download
}

/** A page of a listing that has been received but not parsed. */
export interface FastPage {
  /** The token of the next page, found without parsing the page; `undefined` on the last page. */
  readonly next: string | undefined
  /** Its last key, found in the same way; `undefined` if it is not known. */
  readonly lastKey: string | undefined
  /** Parses the page into `objects`, which is cleared before. Must not be called twice: the memory of the page is then used for other pages. */
  read (objects: ObjectList): ListingPage | FallBackToSdk
}

const NO_PAGE: FastPage = { next: undefined, lastKey: undefined, read: () => FALL_BACK_TO_SDK }

interface Connection {
  readonly location: BucketLocation
  readonly host: string
  readonly region: string
  /** Downloads and listings have separate connections, so that listings do not wait for downloads. */
  readonly downloads: BufferedHttp
  readonly listings: BufferedHttp
}

/** Enough for 1000 keys of 1024 bytes with each byte percent-encoded. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024

/** The time limit of a response, in milliseconds, without the time for its body. */
const MAX_MS = 10_000
/** The maximum number of connections for listings. */
const LISTINGS = 64

export interface FastPathLimits {
  /** The time limit of a request, in milliseconds, without the time for its body. Values above 10 s count as 10 s. */
  readonly maxMs: number
  /** The maximum number of connections for downloads. A connection opens when all others are in use, and closes after 4 s without use. */
  readonly maxDownloads: number
}

const CONNECT: NonNullable<UndiciPool.Options['connect']> = { timeout: 3000, onread: pooledReads() }

// The index of undici also loads fetch, WebSocket and caches, which takes 70 ms at each start. This pool has `dispatch` only, no `request`.
const Pool = createRequire(import.meta.url)('undici/lib/dispatcher/pool.js') as typeof UndiciPool

/**
 * Reads objects and pages of listings into memory, in a tenth of the CPU time of a small request of the SDK. Requests are signed with the
 * credentials of the SDK and sent over separate connections. Only the usual responses are handled here. In all other cases the
 * caller uses the SDK, which handles retries, redirects, wrong clocks and errors.
 */
export class S3FastPath {
  readonly #bucket: string
  readonly #clients: S3Clients
  readonly #limits: FastPathLimits
  /** Free memory for pages. It is reused, because allocations of this size would cause frequent garbage collections. */
  readonly #freeBuffers: ReusableBuffer[] = []
  #connecting: Promise<Connection> | undefined
  #connection: Connection | undefined
  /** Signs the requests of one second. */
  #signer: { readonly second: number, readonly signer: RequestSigner } | undefined

  constructor (bucket: string, clients: S3Clients, limits: FastPathLimits) {
    this.#bucket = bucket
    this.#clients = clients
    this.#limits = limits
  }

  /** Reads an object. Returns `undefined` if it does not exist. @throws StoreError `too_large` */
  async get (key: string, { ifNoneMatch, maxBytes, maxMs, download, trace }: FastGet): Promise<ObjectBody | 'unchanged' | undefined | FailedRequest | FallBackToSdk> {
    let connection: Connection
    let path: string
    let headers: string[]
    try {
      connection = this.#connection ?? await this.#connect()
      path = connection.location.keyPath + encodeKey(key)
      headers = (this.#signerNow() ?? await this.#newSigner(connection)).sign(path, '')
    } catch {
      return FALL_BACK_TO_SDK
    }
    if (ifNoneMatch) headers.push('if-none-match', `"${ifNoneMatch}"`)
    if (trace !== undefined) headers.push('traceparent', childTraceparent(trace))
    try {
      return read(await connection.downloads.get(path, headers, { maxBytes, maxMs, firstByte: maxMs === undefined ? this.#clients.firstByte.objects : undefined, timing: download }), key, ifNoneMatch)
    } catch (error) {
      if (error instanceof StoreError) throw error
      return new FailedRequest(error)
    }
  }

  /** Requests a page of a listing. Never rejects: after a failure, `read` returns `FALL_BACK_TO_SDK`. */
  async fetchPage (prefix: string, { token, after }: PageStart, trace?: TraceContext): Promise<FastPage> {
    let memory: ReusableBuffer | undefined
    const takeMemory = () => {
      memory = this.#freeBuffers.pop() ?? new ReusableBuffer()
      return memory
    }
    try {
      const connection = this.#connection ?? await this.#connect()
      const path = connection.location.listPath
      const search = searchOf({
        'list-type': '2',
        'encoding-type': 'url',
        prefix,
        ...token !== undefined && { 'continuation-token': token },
        ...after !== undefined && { 'start-after': after }
      })
      const headers = (this.#signerNow() ?? await this.#newSigner(connection)).sign(path, search)
      if (trace !== undefined) headers.push('traceparent', childTraceparent(trace))
      const { status, body } = await connection.listings.get(`${path}?${search}`, headers, { maxBytes: MAX_PAGE_BYTES, maxMs: undefined, firstByte: this.#clients.firstByte.listings, memory: takeMemory })
      if (status !== 200) return NO_PAGE
      return {
        next: findToken(body),
        lastKey: findLastKey(body),
        read: (objects) => {
          const page = scanListing(body, objects) ?? FALL_BACK_TO_SDK
          if (memory !== undefined) this.#freeBuffers.push(memory)
          return page
        }
      }
    } catch {
      return NO_PAGE
    }
  }

  async close (): Promise<void> {
    const connection = await this.#connecting?.catch(() => undefined)
    await Promise.all([connection?.downloads.close(), connection?.listings.close()])
  }

  async #connect (): Promise<Connection> {
    try {
      this.#connecting ??= this.#open()
      this.#connection = await this.#connecting
      return this.#connection
    } catch (error) {
      this.#connecting = undefined
      throw error
    }
  }

  async #open (): Promise<Connection> {
    const location = await locateBucket(this.#bucket, this.#clients.config)
    const { protocol, hostname, port } = location
    const host = port === undefined ? hostname : `${hostname}:${port}`
    const region = await this.#clients.retrying.config.region()
    const maxMs = Math.min(this.#limits.maxMs, MAX_MS)
    const open = (connections: number) => new BufferedHttp(() => new Pool(`${protocol}//${host}`, { connections, connect: CONNECT }), maxMs)
    return { location, host, region, downloads: open(this.#limits.maxDownloads), listings: open(LISTINGS) }
  }

  /** The signer of the current second; `undefined` if no request has been signed in this second. */
  #signerNow (): RequestSigner | undefined {
    return this.#signer?.second === Math.floor(this.#now() / 1000) ? this.#signer.signer : undefined
  }

  /** Makes a signer for the current second, with credentials that are valid then. */
  async #newSigner ({ host, region }: Connection): Promise<RequestSigner> {
    const credentials = await this.#clients.retrying.config.credentials()
    const now = this.#now()
    const signer = new RequestSigner(credentials, { host, region, now })
    this.#signer = { second: Math.floor(now / 1000), signer }
    return signer
  }

  /** The time of the server: the SDK sets this offset when it has found that the clock of the server differs. */
  #now (): number {
    return Date.now() + this.#clients.retrying.config.systemClockOffset
  }
}

/** A query in the form in which it is signed. */
function searchOf (query: Readonly<Record<string, string>>): string {
  return Object.entries(query).map(([name, value]) => `${name}=${encode(value)}`).sort().join('&')
}

function read ({ status, headers, body }: BufferedResponse, key: string, ifNoneMatch: string | undefined): ObjectBody | 'unchanged' | undefined | FailedRequest | FallBackToSdk {
  if (status === 304 && ifNoneMatch) return 'unchanged'
  if (status === 404 && body.includes('<Code>NoSuchKey</Code>')) return undefined
  if (status >= 500 || status === 429 || status === 408) return new FailedRequest(errorOf(status, body), status === 503 || status === 429 ? 'refused' : 'failed', secondsOf(headers['retry-after']) * 1000)
  // The other reasons for 403 may be a wrong clock or an expired token, which the SDK handles.
  if (status === 403 && body.includes('<Code>AccessDenied</Code>')) return new FailedRequest(errorOf(status, body), 'denied')
  // Without Content-Length, a complete response cannot be distinguished from a truncated one.
  if (status !== 200 || headers['content-length'] === undefined) return FALL_BACK_TO_SDK
  const described: BodyHeaders & ObjectFields = {
    ETag: headers['etag'],
    LastModified: Date.parse(headers['last-modified'] ?? '') || 0,
    ContentLength: Number(headers['content-length']),
    SSECustomerAlgorithm: headers['x-amz-server-side-encryption-customer-algorithm'],
    ServerSideEncryption: headers['x-amz-server-side-encryption'] as BodyHeaders['ServerSideEncryption']
  }
  return isIntact(body, described) ? { ...toInfo(key, body.length, described), body } : FALL_BACK_TO_SDK
}

/** The number of seconds in a header; 0 if the header is absent or not a number, such as a date. */
function secondsOf (header = ''): number {
  return /^\d{1,9}$/.test(header) ? Number(header) : 0
}

/** The error that the SDK would throw for this response. */
function errorOf (status: number, body: Buffer): object {
  const name = /<Code>(\w+)<\/Code>/.exec(body.toString('latin1'))?.[1] ?? 'Unknown'
  return { name, $metadata: { httpStatusCode: status } }
}

/** Percent-encodes a key for the path of a request, as the SDK does. */
function encodeKey (key: string): string {
  return /^[\w./-]*$/.test(key) ? key : key.split('/').map(encode).join('/')
}

function encode (text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
