import { randomUUID } from 'node:crypto'
import { link, rename, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { MonotonicClock } from '../../base/clock.js'
import { StoreError } from '../object-store.js'
import { discardTempFile, removeStaleTempFiles, writeTempFile } from './temp-file.js'
import { codeOf, undefinedIfMissing } from './folder-error.js'
import { INTERNAL_FOLDER } from './folder-key.js'
import { isAlive, lockText, readLock, type Holder } from './lock-file.js'

/** Milliseconds between two renewals of the lock. Must be well below the age at which a lock is stale (`lock-file.ts`). */
const RENEWAL_MS = 10_000

/** A lock of another process: its modification time, and since when, in milliseconds of the monotonic clock, this process has seen it with that time. */
interface SeenLock { readonly renewed: number, readonly since: number }

/**
 * The exclusive right of one process to write to a folder. The lock is the file `.userlake/lock`. A stale lock is replaced in two steps: only
 * one process can create `lock-after-<token of the stale lock>`, and that process renames it to `lock`. If the process dies between the two
 * steps, its file is itself a stale lock and is replaced in the same way. Whether the lock of another machine or container is renewed is observed by the
 * clock of this process, and no times of different clocks are compared: a clock that jumps makes no lock stale.
 */
export class FolderLock {
  readonly #root: string
  #token: string | undefined
  #renewing: NodeJS.Timeout | undefined
  readonly #clock: MonotonicClock
  /** The locks of other processes that the last check found, by token: as they were then, and since when. */
  #seen: ReadonlyMap<string, SeenLock> = new Map()

  constructor (root: string, clock: MonotonicClock) {
    this.#root = root
    this.#clock = clock
  }

  /** Acquires the lock unless this process holds it. @throws StoreError `read_only` if another process holds it */
  async acquire (): Promise<void> {
    if (await this.#renew()) return
    await this.release()
    const token = randomUUID()
    const temp = await writeTempFile(this.#root, lockText(token, Date.now()))
    try {
      while (!await this.#tryAcquire(temp.path, token)) { /* Another process has created the file first: the next attempt checks its lock. */ }
    } finally {
      await discardTempFile(temp)
    }
    this.#token = token
    this.#seen = new Map()
    await removeStaleTempFiles(this.#root, Date.now())
    this.#renewing = setInterval(() => { this.#renew().catch(() => {}) }, RENEWAL_MS).unref()
  }

  /** Deletes the lock if this process holds it. */
  async release (): Promise<void> {
    clearInterval(this.#renewing)
    if (await this.#isHeld()) await unlink(this.#pathOf('lock'))
    this.#token = undefined
  }

  /** Renews the lock. Returns false if this process does not hold it. */
  async #renew (): Promise<boolean> {
    const seconds = Date.now() / 1000
    if (!await this.#isHeld()) return false
    await utimes(this.#pathOf('lock'), seconds, seconds)
    return true
  }

  async #isHeld (): Promise<boolean> {
    return this.#token !== undefined && (await readLock(this.#pathOf('lock')))?.token === this.#token
  }

  /** Returns false if another process has acquired the lock or is about to, so that its lock has to be checked. */
  async #tryAcquire (temp: string, token: string): Promise<boolean> {
    const path = await this.#findFreePath(token)
    const isCreated = await link(temp, path).then(() => true, falseIfExists)
    if (!isCreated || path === this.#pathOf('lock')) return isCreated
    try {
      // If another process has replaced the stale lock in the meantime, this file follows no lock any more and is deleted.
      const isNext = await this.#findFreePath(token) === path
      if (isNext) await rename(path, this.#pathOf('lock'))
      return isNext
    } finally {
      await unlink(path).catch(undefinedIfMissing)
    }
  }

  /** The path at which the next lock has to be created: `lock` or, if there are stale locks, the successor of the last one. @throws StoreError `read_only` */
  async #findFreePath (token: string): Promise<string> {
    const earlier = this.#seen
    const seen = new Map<string, SeenLock>()
    this.#seen = seen
    let path = this.#pathOf('lock')
    for (;;) {
      const holder = await readLock(path)
      if (holder === undefined || holder.token === token) return path
      const since = this.#unchangedSince(holder, earlier)
      seen.set(holder.token, { renewed: holder.renewed, since })
      if (isAlive(holder, this.#clock() - since)) {
        throw new StoreError('read_only', `process ${holder.pid} on ${holder.host} writes to this folder and holds its lock; set PUBLISH=false here, or end that process`)
      }
      path = this.#pathOf(`lock-after-${holder.token}`)
    }
  }

  /** The time since which each check of this process has found a lock unchanged. */
  #unchangedSince ({ token, renewed }: Holder, earlier: ReadonlyMap<string, SeenLock>): number {
    const lock = earlier.get(token)
    return lock?.renewed === renewed ? lock.since : this.#clock()
  }

  #pathOf (name: string): string {
    return join(this.#root, INTERNAL_FOLDER, name)
  }
}

/** For `catch` after `link`: returns false if the path exists, and rethrows any other error. */
function falseIfExists (error: unknown): false {
  if (codeOf(error) !== 'EEXIST') throw error
  return false
}
