import { lstat, rename } from 'node:fs/promises'
import { StoreError } from '../object-store.js'
import { discardTempFile, writeTempFile } from './temp-file.js'
import { toMissing } from './folder-error.js'
import { FolderLock } from './folder-lock.js'
import { makePath } from './folder-path.js'
import { etagOf } from './folder-version.js'

/** By the real path of the root: all stores of this process share one lock and one queue of writes. */
const writers = new Map<string, FolderWriter>()

/** Returns the writer of the root for `user`, until it calls `leaveWriters`. */
export function joinWriter (root: string, user: object): FolderWriter {
  const writer = writers.get(root) ?? new FolderWriter(root)
  writers.set(root, writer)
  writer.users.add(user)
  return writer
}

/** Releases the locks that no other user needs. */
export async function leaveWriters (user: object): Promise<void> {
  for (const writer of writers.values()) {
    if (writer.users.delete(user)) await writer.releaseUnused()
  }
}

export class FolderWriter {
  readonly users = new Set<object>()
  readonly #root: string
  readonly #lock: FolderLock
  #lastTurn: Promise<unknown> = Promise.resolve()

  constructor (root: string) {
    this.#root = root
    this.#lock = new FolderLock(root)
  }

  async releaseUnused (): Promise<void> {
    await this.#inTurn(async () => { if (this.users.size === 0) await this.#lock.release() })
  }

  /** As `ObjectStore.put`. Returns the ETag. */
  async put (key: string, body: Uint8Array, ifMatch: string | null | undefined): Promise<string> {
    const path = await makePath(this.#root, key)
    const temp = await writeTempFile(this.#root, body)
    try {
      return await this.#inTurn(async () => {
        if (ifMatch !== undefined) await this.#expect(path, ifMatch)
        await rename(temp.path, path)
        return etagOf(await temp.file.stat({ bigint: true }))
      })
    } finally {
      await discardTempFile(temp)
    }
  }

  async #expect (path: string, ifMatch: string | null): Promise<void> {
    await this.#lock.acquire()
    const stats = await lstat(path, { bigint: true }).catch(toMissing)
    const etag = stats?.isFile() ? etagOf(stats) : null
    if (etag !== ifMatch) throw new StoreError('precondition_failed', 'the object is not the expected one')
  }

  /** Runs the work after all earlier work has ended. */
  #inTurn<T> (work: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work)
    this.#lastTurn = turn.catch(() => {})
    return turn
  }
}
