import type { GetOptions, ListOptions, ObjectBody, ObjectHead, ObjectList, ObjectStore, ObjectStream, PutOptions, StreamOptions, TraceOption } from './object-store.js'
import type { Body } from './streamed-body.js'

/** Opens a store at the first call, because the modules of the S3 SDK take long to load. */
export class LazyStore implements ObjectStore {
  readonly url: string
  readonly #open: () => Promise<ObjectStore>
  #opening: Promise<ObjectStore> | undefined
  #opened: ObjectStore | undefined

  constructor (url: string, open: () => Promise<ObjectStore>) {
    this.url = url
    this.#open = open
  }

  /** 1 until the store is open. */
  get usefulDownloads (): number {
    return this.#opened?.usefulDownloads ?? 1
  }

  async * list (prefix: string, options?: ListOptions): AsyncGenerator<ObjectList> {
    yield * (await this.#store).list(prefix, options)
  }

  async get (key: string, options?: GetOptions): Promise<ObjectBody | 'unchanged' | undefined> {
    return await (await this.#store).get(key, options)
  }

  async stream (key: string, options?: StreamOptions): Promise<ObjectStream | undefined> {
    return await (await this.#store).stream(key, options)
  }

  async head (key: string, options?: TraceOption): Promise<ObjectHead | undefined> {
    return await (await this.#store).head(key, options)
  }

  async put (key: string, body: Body, options?: PutOptions): Promise<{ readonly etag: string }> {
    return await (await this.#store).put(key, body, options)
  }

  async claim (): Promise<void> {
    await (await this.#store).claim()
  }

  async create (): Promise<void> {
    await (await this.#store).create()
  }

  async close (): Promise<void> {
    await (await this.#opening)?.close()
  }

  get #store (): Promise<ObjectStore> {
    this.#opening ??= this.#open().then((store) => {
      this.#opened = store
      return store
    })
    return this.#opening
  }
}
