import type { RetryBudget } from '../../base/retry-budget.js'
import { StoreError, type GetOptions, type ObjectBody } from '../object-store.js'
import { Deadline, transferMs } from './deadline.js'
import { DownloadQueue, type Download, type DownloadBounds } from './download-queue.js'
import { FailedRequest, FALL_BACK_TO_SDK } from './fast-path/s3-fast-path.js'
import { readResponseBody } from './s3-body.js'
import { statusOf, toS3Error } from './s3-error.js'
import { quote, toInfo } from './s3-object.js'
import type { S3Requests } from './s3-requests.js'

/** The maximum number of times that the body of an object is read with the SDK. The SDK retries requests by itself, but not the reading of their bodies. */
const ATTEMPTS = 3
/** The maximum number of requests for an object if the store refuses requests because there are too many. That is rare, because the queue then limits the rate. */
const ATTEMPTS_IF_REFUSED = 10
/** The number of retries in the budget that downloads leave to listings, images and outputs, except for the retries of the SDK itself. */
const RESERVED_RETRIES = 50

interface DownloadOptions extends DownloadBounds {
  readonly budget: RetryBudget
  /** As in `S3StoreSettings`. */
  readonly deadlineMs: number
}

/**
 * Reads whole objects, as many at a time as is best for the store. Failed downloads are retried while the retry budget lasts. A download that the store
 * refused takes nothing from the budget: it returns to the queue, whose rate is then lower.
 */
export class S3Downloads {
  readonly #requests: S3Requests
  readonly #queue: DownloadQueue
  readonly #budget: RetryBudget
  readonly #deadlineMs: number

  constructor (requests: S3Requests, { budget, deadlineMs, ...bounds }: DownloadOptions) {
    this.#requests = requests
    this.#queue = new DownloadQueue(bounds)
    this.#budget = budget
    this.#deadlineMs = deadlineMs
  }

  /** As `ObjectStore.usefulDownloads`. */
  get useful (): number {
    return this.#queue.useful
  }

  /** As `ObjectStore.get`. The time in the queue does not count towards the time limits. */
  async get (key: string, url: string, options: GetOptions): Promise<ObjectBody | 'unchanged' | undefined> {
    const { ifNoneMatch, maxBytes = Infinity, maxMs, trace } = options
    for (let attempt = 1; ; attempt++) {
      const download = await this.#start(url, attempt > 1)
      const began = performance.now()
      const found = await this.#requests.fastPath.get(key, { ifNoneMatch, maxBytes, maxMs, download, trace }).catch((error) => {
        this.#queue.succeeded(download)
        throw toS3Error(error, url, this.#requests.server)
      })
      const leftMs = () => maxMs === undefined ? this.#deadlineMs : Math.min(this.#deadlineMs, maxMs - (performance.now() - began))
      if (found === FALL_BACK_TO_SDK) return await this.#getWithSdk(key, url, download, options, leftMs())
      if (!(found instanceof FailedRequest)) {
        this.#budget.refund()
        this.#queue.succeeded(download)
        return found
      }
      const error = toS3Error(found.error, url, this.#requests.server)
      if (found.kind === 'denied') this.#queue.succeeded(download)
      else this.#queue[found.kind](download, error, found.retryAfterMs)
      if (found.kind === 'refused' && attempt < ATTEMPTS_IF_REFUSED) continue
      if (found.kind !== 'failed' || leftMs() <= 0 || !this.#budget.take(RESERVED_RETRIES)) throw error
      // The time that the retry waits for other downloads does not count.
      const retryMs = leftMs()
      return await this.#getWithSdk(key, url, await this.#start(url, true), options, retryMs)
    }
  }

  close (): void {
    this.#queue.close()
  }

  async #start (url: string, isRetry: boolean): Promise<Download> {
    try {
      return await this.#queue.start(isRetry)
    } catch (error) {
      throw toS3Error(error, url, this.#requests.server)
    }
  }

  /** The SDK handles unusual responses, redirects, wrong clocks and errors. */
  async #getWithSdk (key: string, url: string, download: Download, { ifNoneMatch, maxBytes = Infinity, maxMs, trace }: GetOptions, leftMs: number): Promise<ObjectBody | 'unchanged' | undefined> {
    const conditions = ifNoneMatch ? { IfNoneMatch: quote(ifNoneMatch) } : {}
    const deadline = new Deadline(leftMs)
    const { server } = this.#requests
    try {
      for (let attempt = 1; ; attempt++) {
        const response = await this.#requests.get(key, conditions, { abortSignal: deadline.signal, trace }).catch(toUnchanged)
        if (response === undefined || response === 'unchanged') {
          this.#queue.succeeded(download)
          return response
        }
        if (maxMs === undefined) deadline.extend(transferMs(response.ContentLength))
        try {
          const body = await readResponseBody(response, maxBytes)
          this.#queue.succeeded(download)
          return { ...toInfo(key, body.length, response), body }
        } catch (error) {
          if (attempt === ATTEMPTS || isTooLarge(error) || !this.#budget.take(RESERVED_RETRIES)) throw error
        }
      }
    } catch (error) {
      const isLate = deadline.signal.aborted && !(error instanceof StoreError)
      const storeError = toS3Error(isLate ? new StoreError('timeout', `no complete response from ${server} in time`, { cause: error }) : error, url, server)
      this.#queue[isOverload(storeError, statusOf(error)) ? 'failed' : 'succeeded'](download, storeError)
      throw storeError
    } finally {
      deadline.clear()
    }
  }
}

/** Whether a failure may be due to too many requests, and not to the object or to missing rights. */
function isOverload ({ code }: StoreError, status = 0): boolean {
  return code === 'timeout' || code === 'unreachable' || status === 429 || status >= 500
}

function toUnchanged (error: unknown): 'unchanged' {
  if (statusOf(error) !== 304) throw error
  return 'unchanged'
}

function isTooLarge (error: unknown): boolean {
  return error instanceof StoreError && error.code === 'too_large'
}
