import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Clock } from '../../base/clock.js'
import { checkKeyOrder } from '../key.js'
import type { ObjectList } from '../object-list.js'
import {
  StoreError, type GetOptions, type ObjectBody, type ObjectInfo, type ObjectStore, type ObjectStream, type PutOptions,
  type StreamOptions
} from '../object-store.js'
import { toStoreError } from './folder-error.js'
import { isFileKey } from './folder-key.js'
import { listFiles } from './folder-listing.js'
import { resolveRoot, statFile } from './folder-path.js'
import { readObject, streamObject } from './folder-read.js'
import { infoOf } from './folder-version.js'
import { joinWriter, leaveWriters } from './folder-writer.js'

const READS_PER_TURN = 100

/**
 * A folder as a bucket: its regular files, by their paths. Content types are not kept; young files are `racy`.
 * Conditional writes need the lock of the folder, which one process at a time has, from its first such write to `close`.
 */
export class FolderStore implements ObjectStore {
  readonly url: string
  readonly #path: string
  readonly #clock: Clock
  #reads = 0

  constructor (path: string, { clock = Date.now }: { clock?: Clock } = {}) {
    this.#path = resolve(path)
    this.#clock = clock
    this.url = pathToFileURL(this.#path).href
  }

  list (prefix: string): AsyncIterable<ObjectList> {
    return checkKeyOrder(this.#pages(prefix), prefix, this.url)
  }

  async get (key: string, options: GetOptions = {}): Promise<ObjectBody | 'unchanged' | undefined> {
    // Reading takes no turn of the event loop: others get theirs.
    if (++this.#reads % READS_PER_TURN === 0) await setImmediate()
    return this.#inRoot(key, root => readObject({ root, clock: this.#clock }, key, options))
  }

  async stream (key: string, options: StreamOptions = {}): Promise<ObjectStream | undefined> {
    return this.#inRoot(key, root => streamObject({ root, clock: this.#clock }, key, options))
  }

  async head (key: string): Promise<ObjectInfo | undefined> {
    return this.#inRoot(key, async root => {
      const now = this.#clock()
      const stats = statFile(root, key)
      return stats && infoOf(key, stats, now)
    })
  }

  async put (key: string, body: Uint8Array, { ifMatch }: PutOptions = {}): Promise<{ readonly etag: string }> {
    return this.#inRoot(key, async root => {
      if (!isFileKey(key)) throw new StoreError('invalid_key', 'no file can have this path')
      return { etag: await joinWriter(root, this).put(key, body, ifMatch) }
    })
  }

  async create (): Promise<void> {
    await mkdir(this.#path, { recursive: true }).catch(error => { throw toStoreError(error, this.url) })
  }

  async close (): Promise<void> {
    await leaveWriters(this)
  }

  async * #pages (prefix: string): AsyncGenerator<ObjectList> {
    try {
      yield * listFiles(resolveRoot(this.#path), prefix, this.#clock)
    } catch (error) {
      throw toStoreError(error, this.url)
    }
  }

  async #inRoot<T> (key: string, work: (root: string) => T | Promise<T>): Promise<T> {
    try {
      return await work(resolveRoot(this.#path))
    } catch (error) {
      throw toStoreError(error, `${this.url}/${key}`)
    }
  }
}
