import { setTimeout as delay } from 'node:timers/promises'
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { StoreError } from '../object-store.js'
import { isNoSuchBucket, statusOf } from './s3-error.js'
import { unquote } from './s3-object.js'
import type { PutInput, S3Requests } from './s3-requests.js'

const ATTEMPTS = 3
const PAUSE_MS = 100
const WRITE_ID = 'write-id'

/**
 * Compare and swap on servers that lose answers, fail under contention and disagree about quotes. Every write carries an id
 * of its own: after a failure, what the object carries tells whether this write took effect, another one did, or none.
 */
export class ConditionalPut {
  readonly #requests: S3Requests
  readonly #newWriteId: () => string
  // Ceph RGW 16.2 compares a quoted ETag with its quotes, and so never finds it equal. Which form it takes, refusals teach.
  #quote: '"' | '' = '"'

  constructor (requests: S3Requests, newWriteId: () => string) {
    this.#requests = requests
    this.#newWriteId = newWriteId
  }

  /** As `ObjectStore.put` with `ifMatch`, but fails with the errors of the SDK, too. */
  async send (key: string, input: PutInput, ifMatch: string | null, signal: AbortSignal): Promise<{ etag: string }> {
    const writeId = this.#newWriteId()
    for (let attempt = 1; ; attempt++) {
      const quote = this.#quote
      const condition = ifMatch === null ? { IfNoneMatch: '*' } : { IfMatch: quote + ifMatch + quote }
      try {
        const once = { ...input, ...condition, Metadata: { [WRITE_ID]: writeId } }
        const { ETag } = await this.#requests.put(key, once, false, signal)
        return { etag: unquote(ETag) }
      } catch (error) {
        if (!isUndecided(error)) throw error
        const current = await this.#requests.head(key, signal)
        if (current?.Metadata?.[WRITE_ID] === writeId) return { etag: unquote(current.ETag) }
        if (!isExpected(current, ifMatch)) {
          throw new StoreError('precondition_failed', 'the object is not the expected one', { cause: error })
        }
        if (attempt === ATTEMPTS) throw error
        if (statusOf(error) === 412 && ifMatch !== null) this.#quote = quote === '' ? '"' : ''
        else await delay(PAUSE_MS * attempt, undefined, { signal })
      }
    }
  }
}

/** Whether the failure leaves open who wrote: no answer, a refused condition, or one that the server could not decide. */
function isUndecided (error: unknown): boolean {
  const status = statusOf(error)
  if (isNoSuchBucket(error)) return false
  return status === undefined || status >= 500 || [404, 408, 409, 412, 429].includes(status)
}

function isExpected (current: HeadObjectCommandOutput | undefined, ifMatch: string | null): boolean {
  return ifMatch === null ? current === undefined : current !== undefined && unquote(current.ETag) === ifMatch
}
