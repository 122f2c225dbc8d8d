import { lstat, rename } from 'node:fs/promises'
import type { MonotonicClock } from '../../base/clock.js'
import { SerialQueue } from '../../base/serial-queue.js'
import { StoreError, type Metadata } from '../object-store.js'
import type { Body } from '../streamed-body.js'
import { discardTempFile, writeTempFile } from './temp-file.js'
import { undefinedIfMissing } from './folder-error.js'
import { FolderLock } from './folder-lock.js'
import { writeMetadata } from './file-metadata.js'
import { makePath } from './folder-path.js'
import { etagOf } from './folder-version.js'

/** The writers by the real path of their root. All stores of this process on one root share its lock and its queue of writes. */
const writers = new Map<string, FolderWriter>()

/** Returns the writer of the root. Its lock remains until each `store` that joined has called `leaveWriters`. */
export function joinWriter (root: string, store: object, clock: MonotonicClock): FolderWriter {
  const writer = writers.get(root) ?? new FolderWriter(root, clock)
  writers.set(root, writer)
  writer.stores.add(store)
  return writer
}

/** Releases the locks of the roots whose last store this is. */
export async function leaveWriters (store: object): Promise<void> {
  for (const writer of writers.values()) {
    if (writer.stores.delete(store)) await writer.releaseUnused()
  }
}

/** Writes to one root, one write at a time. */
export class FolderWriter {
  /** The stores that have joined. */
  readonly stores = new Set<object>()
  readonly #root: string
  readonly #lock: FolderLock
  readonly #queue = new SerialQueue()

  constructor (root: string, clock: MonotonicClock) {
    this.#root = root
    this.#lock = new FolderLock(root, clock)
  }

  /** Releases the lock, unless a store has joined again when it is the turn of this call. */
  async releaseUnused (): Promise<void> {
    await this.#queue.run(async () => { if (this.stores.size === 0) await this.#lock.release() })
  }

  /** Acquires the lock. @throws StoreError `read_only` if another process has it */
  async claim (): Promise<void> {
    await this.#queue.run(() => this.#lock.acquire())
  }

  /** As `ObjectStore.put`. Returns the ETag. */
  async put (key: string, body: Body, ifMatch: string | null | undefined, metadata?: Metadata): Promise<string> {
    const path = await makePath(this.#root, key)
    const temp = await writeTempFile(this.#root, body)
    try {
      return await this.#queue.run(async () => {
        if (ifMatch !== undefined) await this.#checkEtag(path, ifMatch)
        await rename(temp.path, path)
        const etag = etagOf(await temp.file.stat({ bigint: true }))
        if (metadata !== undefined) await writeMetadata(this.#root, { key, etag }, metadata)
        return etag
      })
    } finally {
      await discardTempFile(temp)
    }
  }

  /** @throws StoreError `precondition_failed` if the file has another ETag; `read_only` if another process has the lock */
  async #checkEtag (path: string, ifMatch: string | null): Promise<void> {
    await this.#lock.acquire()
    const stats = await lstat(path, { bigint: true }).catch(undefinedIfMissing)
    const etag = stats?.isFile() ? etagOf(stats) : null
    if (etag !== ifMatch) throw new StoreError('precondition_failed', 'the object has changed in the meantime')
  }
}
