import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { DEFAULTS } from '../../base/defaults.js'
import { paced } from '../../base/paced.js'
import { RetryBudget } from '../../base/retry-budget.js'
import { isKey } from '../key.js'
import type { ObjectList } from '../object-list.js'
import {
  StoreError, type GetOptions, type ListOptions, type ObjectBody, type ObjectHead, type ObjectStore, type ObjectStream, type PutOptions,
  type StreamOptions, type TraceOption
} from '../object-store.js'
import { BodyError, isStreamed, type Body } from '../streamed-body.js'
import { ConditionalPut, withoutWriteId } from './conditional-put.js'
import { Deadline, transferMs } from './deadline.js'
import { bodyOf, isRange, wholeSize } from './s3-body.js'
import type { S3ClientSettings } from './s3-client.js'
import { toS3Error } from './s3-error.js'
import { FALL_BACK_TO_SDK, type FastPage } from './fast-path/s3-fast-path.js'
import { S3Downloads } from './s3-downloads.js'
import { RangedLister, type PageOptions } from './ranged-lister.js'
import type { RangeOptions } from './ranged-listing.js'
import { endCheck, readPage, throwInvalidListing, type ListingPage, type PageStart } from './s3-listing.js'
import { quote, toInfo, unquote } from './s3-object.js'
import { S3Requests } from './s3-requests.js'

/** The bucket, its server, and the time limits of operations. */
export interface S3StoreSettings extends S3ClientSettings {
  readonly bucket: string
  /**
   * The time limit of an operation or of a page of a listing, in milliseconds; a second per MiB of a body is added. Default: 20,000; for a page at most
   * `PAGE_MS`, and for the headers of an object `OPEN_MS`, so that a silent store is soon reported as such.
   */
  readonly deadlineMs?: number
  /** Returns a unique id for a write. Default: a random UUID. */
  readonly newWriteId?: () => string
  /** The maximum number of objects that are downloaded at a time; the number adapts to the server. Default: `DEFAULTS.maxDownloads`. */
  readonly maxDownloads?: number | undefined
  /** Slow responses do not reduce the number of downloads at a time below this. If it equals `maxDownloads`, the number is constant. Default: 32. */
  readonly minDownloads?: number
}

/** The limit of S3, in bytes of UTF-8. */
const MAX_KEY_BYTES = 1024

/** Milliseconds. A page has three attempts, which wait 2, 4 and 8 s for the first byte of a silent store; callers stop waiting after MAX_SILENCE_MS, which is longer. */
const PAGE_MS = 14_000
const OPEN_MS = 5000

/** With fewer downloads at a time, each takes more CPU time. Only failures reduce the number further. */
const MIN_DOWNLOADS = 32

/** A bucket of AWS S3 or of an S3-compatible server. Credentials come from the credential chain of the SDK. */
export class S3Store implements ObjectStore {
  readonly url: string
  readonly #deadlineMs: number
  readonly #requests: S3Requests
  readonly #downloads: S3Downloads
  readonly #conditionalPut: ConditionalPut
  readonly #lister: RangedLister

  constructor ({ bucket, deadlineMs = 20_000, newWriteId = randomUUID, maxDownloads = DEFAULTS.maxDownloads, minDownloads = MIN_DOWNLOADS, ...clientSettings }: S3StoreSettings) {
    this.url = `s3://${bucket}`
    this.#deadlineMs = deadlineMs
    const budget = new RetryBudget()
    this.#requests = new S3Requests(bucket, clientSettings, { maxMs: deadlineMs, maxDownloads, budget })
    this.#downloads = new S3Downloads(this.#requests, { min: minDownloads, max: maxDownloads, budget, deadlineMs })
    this.#conditionalPut = new ConditionalPut(this.#requests, newWriteId)
    this.#lister = new RangedLister({ url: this.url, pagesOf: (...request) => this.#pages(...request) })
  }

  get usefulDownloads (): number {
    return this.#downloads.useful
  }

  list (prefix: string, options?: ListOptions): AsyncIterable<ObjectList> {
    return this.#lister.list(prefix, options)
  }

  async get (key: string, options: GetOptions = {}): Promise<ObjectBody | 'unchanged' | undefined> {
    if (!isS3Key(key)) return undefined
    return await this.#downloads.get(key, this.#urlOf(key), options)
  }

  async stream (key: string, { ifMatch, range, trace }: StreamOptions = {}): Promise<ObjectStream | undefined> {
    if (!isS3Key(key)) return undefined
    const conditions = {
      ...(ifMatch ? { IfMatch: quote(ifMatch) } : {}),
      ...(range ? { Range: `bytes=${range.first}-${range.last}` } : {})
    }
    const response = await this.#within(Math.min(this.#deadlineMs, OPEN_MS), this.#urlOf(key), ({ signal }) => this.#requests.open(key, conditions, { abortSignal: signal, trace }))
    if (response === undefined) return undefined
    const body = bodyOf(response)
    if (range !== undefined && !isRange(response, range)) {
      body.destroy()
      throw new StoreError('corrupt', `${this.#urlOf(key)}: the response is not the requested range`)
    }
    return { ...toInfo(key, wholeSize(response), response), body }
  }

  async head (key: string, { trace }: TraceOption = {}): Promise<ObjectHead | undefined> {
    if (!isS3Key(key)) return undefined
    const response = await this.#within(Math.min(this.#deadlineMs, OPEN_MS), this.#urlOf(key), ({ signal }) => this.#requests.head(key, { abortSignal: signal, trace }))
    const metadata = withoutWriteId(response?.Metadata)
    return response && { ...toInfo(key, response.ContentLength ?? 0, response), ...metadata && { metadata } }
  }

  async put (key: string, body: Body, { ifMatch, contentType, metadata, inParts, trace }: PutOptions = {}): Promise<{ readonly etag: string }> {
    if (!isS3Key(key)) throw new StoreError('invalid_key', `${this.#urlOf(key)}: S3 cannot store an object with this key`)
    return this.#within(this.#deadlineMs + transferMs(body.length), this.#urlOf(key), async (deadline) => {
      const { signal } = deadline
      // The source of a body may be slow: only the time of the store counts.
      const timed = isStreamed(body) ? { ...body, open: () => paced(body.open(), (work) => deadline.exclude(work)) } : body
      const input = { Body: timed, ...(contentType ? { ContentType: contentType } : {}), ...metadata && { Metadata: metadata }, inParts }
      if (ifMatch !== undefined) return this.#conditionalPut.send(key, input, ifMatch, { abortSignal: signal, trace })
      const { ETag } = await this.#requests.put(key, input, true, { abortSignal: signal, trace })
      return { etag: unquote(ETag) }
    })
  }

  /** Any number of processes may write to a bucket. */
  async claim (): Promise<void> {}

  async create (): Promise<void> {
    await this.#within(this.#deadlineMs, this.url, async ({ signal }) => {
      if (await this.#requests.hasBucket(signal)) return
      await this.#requests.createBucket(signal).catch(async error => {
        // Another process may have created it at the same moment.
        if (!await this.#requests.hasBucket(signal)) throw error
      })
    })
  }

  async close (): Promise<void> {
    this.#downloads.close()
    await this.#requests.close()
  }

  async * #pages (prefix: string, { after, continues, newPage }: RangeOptions, { onRequest, trace }: PageOptions): AsyncGenerator<ListingPage> {
    const check = endCheck()
    const { fastPath } = this.#requests
    const fetchPage = (start: PageStart) => {
      onRequest()
      return fastPath.fetchPage(prefix, start, trace)
    }
    const fetchBySdk = async (start: PageStart, signal: AbortSignal) => {
      onRequest()
      return readPage(await this.#requests.listPage(prefix, start, { abortSignal: signal, trace }).catch(throwInvalidListing))
    }
    let start: PageStart = { after }
    let response = fetchPage(start)
    for (;;) {
      let prefetched: Promise<FastPage> | undefined
      const page = await this.#within(Math.min(this.#deadlineMs, PAGE_MS), this.url, async ({ signal }) => {
        const received = await response
        // The next page is requested before this one is parsed, so that the server prepares it in the meantime.
        if (received.next !== undefined && continues(received.lastKey)) prefetched = fetchPage({ token: received.next })
        await setImmediate()
        const read = received.read(newPage())
        const page = read === FALL_BACK_TO_SDK ? await fetchBySdk(start, signal) : read
        if (page.next !== received.next) prefetched = undefined
        return check(page)
      })
      yield page
      if (page.next === undefined) return
      start = { token: page.next }
      response = prefetched ?? fetchPage(start)
    }
  }

  async #within<T> (ms: number, subject: string, work: (deadline: Deadline) => Promise<T>): Promise<T> {
    const deadline = new Deadline(ms)
    const { server } = this.#requests
    try {
      return await work(deadline)
    } catch (error) {
      if (error instanceof BodyError) throw error.cause
      const isLate = deadline.signal.aborted && !(error instanceof StoreError)
      throw toS3Error(isLate ? new StoreError('timeout', `no complete response from ${server} in time`, { cause: error }) : error, subject, server)
    } finally {
      deadline.clear()
    }
  }

  #urlOf (key: string): string {
    return `${this.url}/${key}`
  }
}

function isS3Key (key: string): boolean {
  return isKey(key) && Buffer.byteLength(key) <= MAX_KEY_BYTES
}
