import { randomUUID } from 'node:crypto'
import { link, rename, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../object-store.js'
import { discardTempFile, removeStaleTempFiles, writeTempFile } from './temp-file.js'
import { codeOf, toMissing } from './folder-error.js'
import { INTERNAL_FOLDER } from './folder-key.js'
import { isAlive, lockText, readLock } from './lock-file.js'

const REFRESH_MS = 10_000

/**
 * The right of one process to write to a folder: the file `.userlake/lock`. A stale lock is replaced in two steps: only one process can
 * create `lock-after-<token of the stale lock>`, and that process renames it to `lock`. If it dies in between, its file is a stale lock
 * and is replaced in the same way. Times are those of the system clock, because it is the only clock that processes share.
 */
export class FolderLock {
  readonly #root: string
  #token: string | undefined
  #refreshing: NodeJS.Timeout | undefined

  constructor (root: string) {
    this.#root = root
  }

  /** Acquires the lock unless this process holds it. @throws StoreError `read_only` if another process holds it */
  async acquire (): Promise<void> {
    if (await this.#refresh()) return
    await this.release()
    const token = randomUUID()
    const temp = await writeTempFile(this.#root, lockText(token, Date.now()))
    try {
      while (!await this.#tryAcquire(temp.path, token)) { /* Another process was faster: check its lock. */ }
    } finally {
      await discardTempFile(temp)
    }
    this.#token = token
    await removeStaleTempFiles(this.#root, Date.now())
    this.#refreshing = setInterval(() => { this.#refresh().catch(() => {}) }, REFRESH_MS).unref()
  }

  async release (): Promise<void> {
    clearInterval(this.#refreshing)
    if (await this.#isHeld()) await unlink(this.#pathOf('lock'))
    this.#token = undefined
  }

  /** Renews the lock. Returns false if this process does not hold it any more. */
  async #refresh (): Promise<boolean> {
    const seconds = Date.now() / 1000
    if (!await this.#isHeld()) return false
    await utimes(this.#pathOf('lock'), seconds, seconds)
    return true
  }

  async #isHeld (): Promise<boolean> {
    return this.#token !== undefined && (await readLock(this.#pathOf('lock')))?.token === this.#token
  }

  async #tryAcquire (temp: string, token: string): Promise<boolean> {
    const place = await this.#findPlace(token)
    const isCreated = await link(temp, place).then(() => true, toTaken)
    if (!isCreated || place === this.#pathOf('lock')) return isCreated
    try {
      // Otherwise the stale lock was replaced before, and the file has no meaning.
      const isNext = await this.#findPlace(token) === place
      if (isNext) await rename(place, this.#pathOf('lock'))
      return isNext
    } finally {
      await unlink(place).catch(toMissing)
    }
  }

  /** The path of the next lock, after the stale ones. */
  async #findPlace (token: string): Promise<string> {
    let path = this.#pathOf('lock')
    for (;;) {
      const holder = await readLock(path)
      if (holder === undefined || holder.token === token) return path
      if (isAlive(holder, Date.now())) {
        throw new StoreError('read_only', `process ${holder.pid} on ${holder.host} holds the lock of this folder`)
      }
      path = this.#pathOf(`lock-after-${holder.token}`)
    }
  }

  #pathOf (name: string): string {
    return join(this.#root, INTERNAL_FOLDER, name)
  }
}

function toTaken (error: unknown): false {
  if (codeOf(error) !== 'EEXIST') throw error
  return false
}
