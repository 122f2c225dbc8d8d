import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { monotonicNow, type Clock, type MonotonicClock } from '../../base/clock.js'
import { checkKeyOrder } from '../key.js'
import type { ObjectList } from '../object-list.js'
import {
  StoreError, type GetOptions, type ListOptions, type ObjectBody, type ObjectHead, type ObjectStore, type ObjectStream, type PutOptions,
  type StreamOptions
} from '../object-store.js'
import { BodyError, type Body } from '../streamed-body.js'
import { BlockingDisk } from './blocking-disk.js'
import type { Disk } from './files.js'
import { toFolderError } from './folder-error.js'
import { isFileKey } from './folder-key.js'
import { listPages } from './folder-listing.js'
import { resolveRoot, statFile, type Lookup } from './folder-path.js'
import { PoolDisk, type FileSystem } from './pool-disk.js'
import { readObject, streamObject } from './folder-read.js'
import { readMetadata } from './file-metadata.js'
import { infoOf } from './folder-version.js'
import { joinWriter, leaveWriters } from './folder-writer.js'

/** The default time limit of a read, in milliseconds. */
const DEFAULT_READ_MS = 30_000

/** How a folder store reads, and its clock. */
export interface FolderStoreOptions {
  readonly clock?: Clock | undefined
  /** Measures for how long the lock of another process is not renewed. Default: the system's monotonic clock. */
  readonly monotonic?: MonotonicClock | undefined
  /** Whether reads may block the thread, which takes a fifth of the CPU time; for a thread that serves no requests. Default: false. */
  readonly blocking?: boolean | undefined
  /** The calls that non-blocking reads use. Default: node:fs. */
  readonly fileSystem?: FileSystem | undefined
}

/**
 * A folder as an object store: its objects are the regular files, and their keys are the relative paths. Content types are not stored. Files
 * that were changed in the last two seconds are `racy`. Unless the store is `blocking`, reads do not block the event loop; a listing blocks it
 * for about a millisecond at a time. Conditional writes need the lock of the folder, which one process at a time holds from its first such
 * write, or `claim`, until `close`.
 */
export class FolderStore implements ObjectStore {
  readonly url: string
  /** A constant: the disk and the thread pool limit the reads of files, not this number. */
  readonly usefulDownloads = 32
  readonly #path: string
  readonly #clock: Clock
  readonly #monotonic: MonotonicClock
  readonly #disk: Disk

  constructor (path: string, { clock = Date.now, monotonic = monotonicNow, blocking = false, fileSystem }: FolderStoreOptions = {}) {
    this.#path = resolve(path)
    this.#clock = clock
    this.#monotonic = monotonic
    this.#disk = blocking ? new BlockingDisk() : new PoolDisk(fileSystem)
    this.url = pathToFileURL(this.#path).href
  }

  list (prefix: string, options: ListOptions = {}): AsyncIterable<ObjectList> {
    return checkKeyOrder(this.#pages(prefix, options), prefix, this.url)
  }

  get (key: string, options: GetOptions = {}): Promise<ObjectBody | 'unchanged' | undefined> {
    return this.#read(key, options.maxMs, (lookup) => readObject({ ...lookup, clock: this.#clock }, key, options))
  }

  stream (key: string, options: StreamOptions = {}): Promise<ObjectStream | undefined> {
    const limits = { disk: this.#disk, readMs: DEFAULT_READ_MS }
    return this.#read(key, undefined, (lookup) => streamObject({ ...lookup, clock: this.#clock }, key, options, limits))
  }

  head (key: string): Promise<ObjectHead | undefined> {
    return this.#read(key, undefined, async (lookup) => {
      const now = this.#clock()
      const stats = await statFile(lookup, key)
      if (stats === undefined) return undefined
      const info = infoOf(key, stats, now)
      const metadata = await readMetadata(lookup.root, info)
      return { ...info, ...metadata && { metadata } }
    })
  }

  async put (key: string, body: Body, { ifMatch, metadata }: PutOptions = {}): Promise<{ readonly etag: string }> {
    try {
      const root = await resolveRoot(this.#path)
      if (!isFileKey(key)) throw new StoreError('invalid_key', 'no file can have this path')
      return { etag: await joinWriter(root, this, this.#monotonic).put(key, body, ifMatch, metadata) }
    } catch (error) {
      throw error instanceof BodyError ? error.cause : this.#storeError(key, error)
    }
  }

  async claim (): Promise<void> {
    try {
      await joinWriter(await resolveRoot(this.#path), this, this.#monotonic).claim()
    } catch (error) {
      const failure = toFolderError(error, this.url)
      // Anything else that prevents the creation of the lock, such as a full disk, is reported by `put`: there may be nothing to write.
      if (failure.code === 'read_only') throw failure
    }
  }

  async create (): Promise<void> {
    await mkdir(this.#path, { recursive: true }).catch(error => { throw toFolderError(error, this.url) })
  }

  async close (): Promise<void> {
    await leaveWriters(this)
  }

  async * #pages (prefix: string, { onSkipped = () => {} }: ListOptions): AsyncGenerator<ObjectList> {
    try {
      yield * listPages({ root: await resolveRoot(this.#path), clock: this.#clock, onSkipped }, prefix)
    } catch (error) {
      throw toFolderError(error, this.url)
    }
  }

  async #read<T> (key: string, maxMs: number = DEFAULT_READ_MS, work: (lookup: Lookup) => Promise<T>): Promise<T> {
    try {
      return await this.#disk.within(maxMs, async (files) => await work({ files, root: await resolveRoot(this.#path, files) }))
    } catch (error) {
      throw this.#storeError(key, error)
    }
  }

  #storeError (key: string, error: unknown): StoreError {
    return toFolderError(error, `${this.url}/${key}`)
  }
}
