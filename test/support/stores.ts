import { Readable } from 'node:stream'
import { ObjectList, type ObjectInfo } from '../../lib/store/object-list.js'
import { StoreError, type GetOptions, type ListOptions, type ObjectStore, type PutOptions, type StreamOptions } from '../../lib/store/object-store.js'
import type { Body } from '../../lib/store/streamed-body.js'
import type { BucketObject, S3Bucket } from './s3-bucket.js'
import { bytesOf } from './streamed-bodies.js'

/** A store with some methods replaced. */
export function wrapStore (store: ObjectStore, overrides: Partial<ObjectStore>): ObjectStore {
  return {
    url: store.url,
    get usefulDownloads () { return store.usefulDownloads },
    list: (prefix, options) => store.list(prefix, options),
    get: (key, options) => store.get(key, options),
    stream: (key, options) => store.stream(key, options),
    head: (key) => store.head(key),
    put: (key, body, options) => store.put(key, body, options),
    claim: () => store.claim(),
    create: () => store.create(),
    close: () => store.close(),
    ...overrides
  }
}

/** A store that reports the properties of each object as `change` returns them. */
export function mapInfo (store: ObjectStore, change: <T extends ObjectInfo>(info: T) => T): ObjectStore {
  const changed = <T extends ObjectInfo>(info: T | undefined) => info && change(info)
  return wrapStore(store, {
    list: async function * (prefix) { for await (const page of store.list(prefix)) yield new ObjectList([...page].map(change)) },
    get: async (key, options) => {
      const found = await store.get(key, options)
      return found === 'unchanged' ? found : changed(found)
    },
    stream: async (key, options) => changed(await store.stream(key, options)),
    head: async (key) => changed(await store.head(key))
  })
}

/** A store that reads a bucket of the test endpoint without a network, for tests whose subject is a large lake. */
export class MemoryStore implements ObjectStore {
  readonly url = 's3://datalake'
  readonly usefulDownloads = 32
  readonly #bucket: S3Bucket

  constructor (bucket: S3Bucket) {
    this.#bucket = bucket
  }

  async * list (prefix: string, { onRequest = () => {} }: ListOptions = {}): AsyncGenerator<ObjectList> {
    for (let after = '', isLast = false; !isLast;) {
      onRequest()
      const { objects, truncated } = this.#bucket.page(prefix, after, 1000)
      yield new ObjectList(objects.map(toInfo))
      after = objects.at(-1)?.key ?? ''
      isLast = !truncated
    }
  }

  async get (key: string, { ifNoneMatch }: GetOptions = {}) {
    const found = this.#bucket.get(key)
    if (found === undefined) return undefined
    return found.etag === ifNoneMatch ? 'unchanged' as const : { ...toInfo(found), body: found.body }
  }

  async stream (key: string, { ifMatch = '', range }: StreamOptions = {}) {
    const found = this.#bucket.get(key)
    if (found === undefined) return undefined
    if (ifMatch !== '' && ifMatch !== found.etag) throw new StoreError('precondition_failed', key)
    const body = range === undefined ? found.body : found.body.subarray(range.first, range.last + 1)
    return { ...toInfo(found), body: Readable.from([body]) }
  }

  async head (key: string) {
    const found = this.#bucket.get(key)
    if (found === undefined) return undefined
    const metadata = Object.entries(found.headers).filter(([name]) => name.startsWith(META)).map(([name, value]) => [name.slice(META.length), value])
    return { ...toInfo(found), ...metadata.length > 0 && { metadata: Object.fromEntries(metadata) } }
  }

  async put (key: string, body: Body, { ifMatch, metadata = {} }: PutOptions = {}) {
    const bytes = await bytesOf(body)
    if (ifMatch !== undefined && ifMatch !== (this.#bucket.get(key)?.etag ?? null)) throw new StoreError('precondition_failed', key)
    const headers = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [META + name, value]))
    return { etag: this.#bucket.put(key, bytes, headers).etag }
  }

  async claim (): Promise<void> {}

  async create (): Promise<void> {}

  async close (): Promise<void> {}
}

const META = 'x-amz-meta-'

function toInfo ({ key, etag, body, lastModified }: BucketObject): ObjectInfo {
  return { key, etag, size: body.length, lastModified }
}
