import { createHash } from 'node:crypto'
import { compareUtf8 } from '../../lib/base/utf8.js'

export interface BucketObject {
  readonly key: string
  readonly body: Buffer
  /** The ETag without quotes. */
  readonly etag: string
  /** Milliseconds since 1970-01-01 UTC, in whole seconds. */
  readonly lastModified: number
  /** The headers that GET and HEAD return again: Content-Type and x-amz-meta-*. */
  readonly headers: Readonly<Record<string, string>>
}

/** A multipart upload that is not complete. */
export interface BucketUpload {
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly parts: Map<number, Buffer>
}

/** The objects of one bucket of the test endpoint. Tests read and change them directly. */
export class S3Bucket {
  readonly #objects = new Map<string, BucketObject>()
  readonly #now: () => number
  #sortedKeys: string[] | undefined
  /** The multipart uploads that are not complete, by their id. */
  readonly uploads = new Map<string, BucketUpload>()
  /** Increases with each change. */
  revision = 0

  constructor (now: () => number) {
    this.#now = now
  }

  get (key: string): BucketObject | undefined {
    return this.#objects.get(key)
  }

  put (key: string, body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}, etag = createHash('md5').update(body).digest('hex')): BucketObject {
    const bytes = Buffer.from(body)
    const lastModified = Math.floor(this.#now() / 1000) * 1000
    const object = { key, body: bytes, etag, lastModified, headers }
    if (!this.#objects.has(key)) this.#sortedKeys = undefined
    this.#objects.set(key, object)
    this.revision++
    return object
  }

  delete (key: string): boolean {
    this.#sortedKeys = undefined
    this.revision++
    return this.#objects.delete(key)
  }

  /** All keys in the order of their bytes. */
  keys (): readonly string[] {
    this.#sortedKeys ??= [...this.#objects.keys()].sort(compareUtf8)
    return this.#sortedKeys
  }

  /** At most `limit` objects below `prefix` whose keys come after `after`, and whether there are more. */
  page (prefix: string, after: string, limit: number): { objects: BucketObject[], truncated: boolean } {
    const keys = this.keys()
    const from = firstIndex(keys, key => compareUtf8(key, prefix) >= 0 && compareUtf8(key, after) > 0)
    const objects: BucketObject[] = []
    for (let i = from; i < keys.length && keys[i]!.startsWith(prefix); i++) {
      if (objects.length === limit) return { objects, truncated: true }
      objects.push(this.#objects.get(keys[i]!)!)
    }
    return { objects, truncated: false }
  }
}

/** The index of the first key for which `predicate` is true. Once it is true, it must be true for all later keys. */
function firstIndex (keys: readonly string[], predicate: (key: string) => boolean): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (predicate(keys[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}
