import { setTimeout as delay } from 'node:timers/promises'
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { StoreError, type Metadata } from '../object-store.js'
import { BodyError } from '../streamed-body.js'
import { isNoSuchBucket, statusOf } from './s3-error.js'
import { unquote } from './s3-object.js'
import type { PutInput, S3Requests, SendOptions } from './s3-requests.js'

const ATTEMPTS = 3
/** Milliseconds before the second attempt. The pause grows linearly. */
const PAUSE_MS = 100
const WRITE_ID = 'write-id'

/**
 * Compare-and-swap on servers that lose responses, fail under contention and treat quotes around an ETag differently. Every write stores a
 * unique id in the metadata of the object. After a failure, the id of the current object shows whether this write took effect, another one
 * did, or no write did.
 */
export class ConditionalPut {
  readonly #requests: S3Requests
  readonly #newWriteId: () => string
  // Ceph RGW 16.2 includes the quotes in the comparison, so a quoted ETag never matches there. After a 412 the other form is tried.
  #quote: '"' | '' = '"'

  constructor (requests: S3Requests, newWriteId: () => string) {
    this.#requests = requests
    this.#newWriteId = newWriteId
  }

  /** As `ObjectStore.put` with `ifMatch`, but also rejects with errors of the SDK. */
  async send (key: string, input: PutInput, ifMatch: string | null, options: SendOptions): Promise<{ etag: string }> {
    const writeId = this.#newWriteId()
    for (let attempt = 1; ; attempt++) {
      const quote = this.#quote
      const condition = ifMatch === null ? { IfNoneMatch: '*' } : { IfMatch: quote + ifMatch + quote }
      try {
        const conditional = { ...input, ...condition, Metadata: { ...input.Metadata, [WRITE_ID]: writeId } }
        const { ETag } = await this.#requests.put(key, conditional, false, options)
        return { etag: unquote(ETag) }
      } catch (error) {
        if (!isInconclusive(error)) throw error
        const current = await this.#requests.head(key, options).catch(undefinedIfForbidden)
        if (current?.Metadata?.[WRITE_ID] === writeId) return { etag: unquote(current.ETag) }
        if (!isExpected(current, ifMatch)) {
          throw new StoreError('precondition_failed', 'the object has changed in the meantime', { cause: error })
        }
        if (attempt === ATTEMPTS) throw statusOf(error) === 412 && ifMatch === null ? notReadable(error) : error
        if (statusOf(error) === 412 && ifMatch !== null) this.#quote = quote === '' ? '"' : ''
        else await delay(PAUSE_MS * attempt, undefined, { signal: options.abortSignal })
      }
    }
  }
}

/** The metadata of an object without the id of its write; `undefined` if there is no other. */
export function withoutWriteId ({ [WRITE_ID]: _, ...metadata }: Metadata = {}): Metadata | undefined {
  return Object.keys(metadata).length === 0 ? undefined : metadata
}

/** Whether a failure leaves open if the write took effect: there was no response, the condition was false, or the server could not evaluate it. */
function isInconclusive (error: unknown): boolean {
  if (error instanceof BodyError || error instanceof StoreError) return false
  const status = statusOf(error)
  if (isNoSuchBucket(error)) return false
  return status === undefined || status >= 500 || [404, 408, 409, 412, 429].includes(status)
}

function isExpected (current: HeadObjectCommandOutput | undefined, ifMatch: string | null): boolean {
  return ifMatch === null ? current === undefined : current !== undefined && unquote(current.ETag) === ifMatch
}

/** For `catch`: without the right to list a key, the response of S3 is 403 if there is no object. */
function undefinedIfForbidden (error: unknown): undefined {
  if (statusOf(error) !== 403) throw error
}

/** The error of a write that creates an object, if the store keeps reporting that the object exists and yet refuses to show it. */
function notReadable (cause: unknown): StoreError {
  return new StoreError('access_denied', 'the object exists, and reading it is refused; allow s3:GetObject', { cause })
}
