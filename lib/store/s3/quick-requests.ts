import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { Pool, type Dispatcher } from 'undici'
import { StoreError, type ObjectBody } from '../object-store.js'
import { scanListing } from './listing-scan.js'
import { isIntact, tooLarge, type BodyFacts } from './s3-body.js'
import type { ListingPage } from './s3-listing.js'
import { locateBucket, type BucketLocation } from './s3-location.js'
import { toInfo, type Described } from './s3-object.js'

/** The answer can't be had in this way, or is not a usual one: the SDK knows what to make of it. */
export const ASK_SDK = Symbol('ask the SDK')
type AskSdk = typeof ASK_SDK

export interface QuickGet {
  readonly ifNoneMatch?: string | undefined
  readonly maxBytes: number
  readonly signal: AbortSignal
}

interface Connection {
  readonly location: BucketLocation
  readonly signer: Awaited<ReturnType<S3Client['config']['signer']>>
  readonly pool: Pool
}

/** SHA-256 of nothing, which is the body of a GET. */
const NO_CONTENT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
/** A thousand keys of a kilobyte, each byte of it written as three, fit. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024

const POOL: Pool.Options = { connections: 64, connect: { timeout: 3000 }, headersTimeout: 5000, bodyTimeout: 20_000 }

/**
 * Small GETs and pages of listings, at a tenth of what they cost through the layers of the SDK: signed by its signer with
 * its credentials, sent over connections of their own. Only what goes as usual is answered here; all else is left to the
 * SDK, with what it knows of retries, redirects, wrong clocks and errors.
 */
export class QuickRequests {
  readonly #bucket: string
  readonly #config: S3ClientConfig
  readonly #client: S3Client
  #connection: Promise<Connection> | undefined

  constructor (bucket: string, config: S3ClientConfig, client: S3Client) {
    this.#bucket = bucket
    this.#config = config
    this.#client = client
  }

  /** The object; `undefined` where there is none. @throws StoreError `too_large` */
  async get (key: string, { ifNoneMatch, maxBytes, signal }: QuickGet): Promise<ObjectBody | 'unchanged' | undefined | AskSdk> {
    return await this.#attempt(signal, async (connection) => {
      const condition = ifNoneMatch ? { 'if-none-match': `"${ifNoneMatch}"` } : {}
      const answer = await send(connection, { path: connection.location.keyPath + encodeKey(key), query: {}, headers: condition, signal }, this.#now())
      const { statusCode, body } = answer
      const length = Number(answer.headers['content-length'])
      if (statusCode === 200 && length > maxBytes) {
        body.on('error', () => {}).destroy()
        throw tooLarge(maxBytes)
      }
      const bytes = await readAll(body, Math.max(length, MAX_ERROR_BYTES) || 0)
      if (statusCode === 304 && ifNoneMatch) return 'unchanged'
      if (statusCode === 404 && bytes.includes('<Code>NoSuchKey</Code>')) return undefined
      return statusCode === 200 && bytes.length === length ? toObject(key, bytes, answer.headers) : ASK_SDK
    })
  }

  async listPage (prefix: string, token: string | undefined, signal: AbortSignal): Promise<ListingPage | AskSdk> {
    return await this.#attempt(signal, async (connection) => {
      const query = { 'list-type': '2', 'encoding-type': 'url', prefix, ...token !== undefined && { 'continuation-token': token } }
      const { statusCode, body } = await send(connection, { path: connection.location.listPath, query, headers: {}, signal }, this.#now())
      const bytes = await readAll(body, MAX_PAGE_BYTES)
      return (statusCode === 200 ? scanListing(bytes.toString()) : undefined) ?? ASK_SDK
    })
  }

  async close (): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined)
    await connection?.pool.destroy()
  }

  /** What comes of it, or what the SDK is to be asked for. */
  async #attempt<T> (signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T | AskSdk> {
    try {
      this.#connection ??= this.#connect()
      return await work(await this.#connection)
    } catch (error) {
      if (signal.aborted || error instanceof StoreError) throw error
      return ASK_SDK
    }
  }

  async #connect (): Promise<Connection> {
    try {
      const location = await locateBucket(this.#bucket, this.#config)
      const { protocol, hostname, port } = location
      const signer = await this.#client.config.signer()
      return { location, signer, pool: new Pool(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`, POOL) }
    } catch (error) {
      this.#connection = undefined
      throw error
    }
  }

  /** The time by the server's clock, as far as the SDK has found that to be another one. */
  #now (): Date {
    return new Date(Date.now() + this.#client.config.systemClockOffset)
  }
}

interface QuickRequest {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

async function send ({ location, signer, pool }: Connection, { path, query, headers, signal }: QuickRequest, signingDate: Date): Promise<Dispatcher.ResponseData> {
  const { protocol, hostname, port } = location
  const host = port === undefined ? hostname : `${hostname}:${port}`
  const request = { method: 'GET', protocol, hostname, path, query: { ...query }, headers: { ...headers, host, 'x-amz-content-sha256': NO_CONTENT }, ...port !== undefined && { port } }
  const signed = await signer.sign(request, { signingDate })
  const search = Object.entries(query).map(([name, value]) => `${name}=${encode(value)}`).join('&')
  return await pool.request({ method: 'GET', path: search === '' ? path : `${path}?${search}`, headers: signed.headers, signal })
}

/** What the answer to a failed request may say. */
const MAX_ERROR_BYTES = 64 * 1024

async function readAll (body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  // Leaving the loop destroys the body.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw new Error('The answer is longer than it can be')
    chunks.push(chunk)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

function toObject (key: string, body: Buffer, headers: Dispatcher.ResponseData['headers']): ObjectBody | AskSdk {
  const header = (name: string) => headers[name] as string | undefined
  const described: BodyFacts & Described = {
    ETag: header('etag'),
    LastModified: new Date(header('last-modified') ?? 0),
    ContentLength: body.length,
    SSECustomerAlgorithm: header('x-amz-server-side-encryption-customer-algorithm'),
    ServerSideEncryption: header('x-amz-server-side-encryption') as BodyFacts['ServerSideEncryption']
  }
  return isIntact(body, described) ? { ...toInfo(key, body.length, described), body } : ASK_SDK
}

/** As the SDK writes keys in paths. */
function encodeKey (key: string): string {
  return key.split('/').map(encode).join('/')
}

function encode (text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
