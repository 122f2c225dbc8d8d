import { Pool } from 'undici'
import type { ObjectList } from '../../object-list.js'
import { StoreError, type ObjectBody } from '../../object-store.js'
import { findToken, scanListing } from './listing-scan.js'
import { BufferedHttp, ReusableBuffer, type AnswerLimits, type BufferedResponse } from './buffered-http.js'
import { isIntact, type BodyFacts } from '../s3-body.js'
import type { RequestSigner, S3Clients } from '../s3-client.js'
import type { ListingPage } from '../s3-listing.js'
import { locateBucket, type BucketLocation } from './s3-location.js'
import { toInfo, type Described } from '../s3-object.js'

/** The answer can't be had in this way, or is not a usual one: the SDK knows what to make of it. */
export const FALL_BACK_TO_SDK = Symbol('ask the SDK')
type FallBackToSdk = typeof FALL_BACK_TO_SDK

export interface FastGet {
  readonly ifNoneMatch?: string | undefined
  readonly maxBytes: number
  readonly maxMs: number | undefined
}

/** A page that has arrived. */
export interface FastPage {
  /** The token of the next page, as it seems. */
  readonly next: string | undefined
  /** To be called once. `objects` is where those of the page go, instead of what is there. */
  read (objects: ObjectList): ListingPage | FallBackToSdk
}

const NO_PAGE: FastPage = { next: undefined, read: () => FALL_BACK_TO_SDK }

interface Connection {
  readonly location: BucketLocation
  readonly host: string
  readonly signer: RequestSigner
  readonly answers: BufferedHttp
}

/** SHA-256 of nothing, which is the body of a GET. */
const NO_CONTENT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
/** A thousand keys of a kilobyte, each byte of it written as three, fit. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024

/** Milliseconds in which a small answer is complete, however slowly it drips. */
const MAX_MS = 10_000
const POOL: Pool.Options = { connections: 64, connect: { timeout: 3000 } }

/**
 * GETs into memory and pages of listings, at a tenth of what small ones cost through the layers of the SDK: signed by its signer with
 * its credentials, sent over connections of their own. Only what goes as usual is answered here; all else is left to the
 * SDK, with what it knows of retries, redirects, wrong clocks and errors.
 */
export class S3FastPath {
  readonly #bucket: string
  readonly #clients: S3Clients
  readonly #maxMs: number
  /** For pages, one after the other: so much new memory would keep the garbage collector busy. */
  readonly #rooms: ReusableBuffer[] = []
  #connecting: Promise<Connection> | undefined
  #connection: Connection | undefined

  /** @param maxMs milliseconds that a request may take at most */
  constructor (bucket: string, clients: S3Clients, maxMs: number) {
    this.#bucket = bucket
    this.#clients = clients
    this.#maxMs = Math.min(maxMs, MAX_MS)
  }

  /** The object; `undefined` where there is none. @throws StoreError `too_large` */
  async get (key: string, { ifNoneMatch, maxBytes, maxMs }: FastGet): Promise<ObjectBody | 'unchanged' | undefined | FallBackToSdk> {
    try {
      const connection = this.#connection ?? await this.#connect()
      const headers = ifNoneMatch ? { 'if-none-match': `"${ifNoneMatch}"` } : NO_HEADERS
      const answer = await this.#send(connection, connection.location.keyPath + encodeKey(key), NO_QUERY, headers, { maxBytes, maxMs })
      return read(answer, key, ifNoneMatch)
    } catch (error) {
      if (error instanceof StoreError) throw error
      return FALL_BACK_TO_SDK
    }
  }

  /** Asks for a page of a listing. Never fails: then the SDK has to be asked. */
  async fetchPage (prefix: string, token: string | undefined): Promise<FastPage> {
    const room = this.#rooms.pop() ?? new ReusableBuffer()
    try {
      const connection = this.#connection ?? await this.#connect()
      const query = { 'list-type': '2', 'encoding-type': 'url', prefix, ...token !== undefined && { 'continuation-token': token } }
      const { status, body } = await this.#send(connection, connection.location.listPath, query, NO_HEADERS, { maxBytes: MAX_PAGE_BYTES, maxMs: undefined, room })
      if (status !== 200) return NO_PAGE
      return {
        next: findToken(body),
        read: (objects) => {
          const page = scanListing(body, objects) ?? FALL_BACK_TO_SDK
          this.#rooms.push(room)
          return page
        }
      }
    } catch {
      return NO_PAGE
    }
  }

  async close (): Promise<void> {
    const connection = await this.#connecting?.catch(() => undefined)
    await connection?.answers.close()
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
    const signer = await this.#clients.signer()
    return { location, host, signer, answers: new BufferedHttp(new Pool(`${protocol}//${host}`, POOL), this.#maxMs) }
  }

  async #send (
    { location: { protocol, hostname, port }, host, signer, answers }: Connection, path: string, query: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>, limits: AnswerLimits
  ): Promise<BufferedResponse> {
    const request = { method: 'GET', protocol, hostname, path, query, headers: { ...headers, host, 'x-amz-content-sha256': NO_CONTENT }, ...port !== undefined && { port } }
    // The time by the server's clock, as far as the SDK has found that to be another one.
    const signed = await signer.sign(request, { signingDate: new Date(Date.now() + this.#clients.retrying.config.systemClockOffset) })
    const search = Object.entries(query).map(([name, value]) => `${name}=${encode(value)}`).join('&')
    return await answers.get(search === '' ? path : `${path}?${search}`, signed.headers, limits)
  }
}

const NO_QUERY = {}
const NO_HEADERS = {}

function read ({ status, headers, body }: BufferedResponse, key: string, ifNoneMatch: string | undefined): ObjectBody | 'unchanged' | undefined | FallBackToSdk {
  if (status === 304 && ifNoneMatch) return 'unchanged'
  if (status === 404 && body.includes('<Code>NoSuchKey</Code>')) return undefined
  // Without a length nothing tells a whole answer from one that broke off.
  if (status !== 200 || headers['content-length'] === undefined) return FALL_BACK_TO_SDK
  const described: BodyFacts & Described = {
    ETag: headers['etag'],
    LastModified: Date.parse(headers['last-modified'] ?? '') || 0,
    ContentLength: Number(headers['content-length']),
    SSECustomerAlgorithm: headers['x-amz-server-side-encryption-customer-algorithm'],
    ServerSideEncryption: headers['x-amz-server-side-encryption'] as BodyFacts['ServerSideEncryption']
  }
  return isIntact(body, described) ? { ...toInfo(key, body.length, described), body } : FALL_BACK_TO_SDK
}

/** As the SDK writes keys in paths. */
function encodeKey (key: string): string {
  return /^[\w./-]*$/.test(key) ? key : key.split('/').map(encode).join('/')
}

function encode (text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
