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
 * The right of one process to write to a folder: the file `.userlake/lock`. A dead lock is followed in two steps: only one
 * process can create `lock-after-<its token>`, and that one moves it to the place of the dead one. Should it die on the
 * way, its file is a dead lock itself and is followed likewise. Processes share no clock but the real one.
 */
export class FolderLock {
  readonly #root: string
  #token: string | undefined
  #refreshing: NodeJS.Timeout | undefined

  constructor (root: string) {
    this.#root = root
  }

  /** Takes the lock unless it is held already. Fails with `read_only` while another process has it. */
  async hold (): Promise<void> {
    if (await this.#refresh()) return
    await this.release()
    const token = randomUUID()
    const draft = await writeTempFile(this.#root, lockText(token, Date.now()))
    try {
      while (!await this.#take(draft.path, token)) { /* Another process was faster: look who. */ }
    } finally {
      await discardTempFile(draft)
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

  /** Whether the lock is still held. */
  async #refresh (): Promise<boolean> {
    const seconds = Date.now() / 1000
    if (!await this.#isHeld()) return false
    await utimes(this.#pathOf('lock'), seconds, seconds)
    return true
  }

  async #isHeld (): Promise<boolean> {
    return this.#token !== undefined && (await readLock(this.#pathOf('lock')))?.token === this.#token
  }

  async #take (draft: string, token: string): Promise<boolean> {
    const place = await this.#findPlace(token)
    const isCreated = await link(draft, place).then(() => true, toTaken)
    if (!isCreated || place === this.#pathOf('lock')) return isCreated
    try {
      // Else the dead lock was followed long ago, and the place leads nowhere.
      const isNext = await this.#findPlace(token) === place
      if (isNext) await rename(place, this.#pathOf('lock'))
      return isNext
    } finally {
      await unlink(place).catch(toMissing)
    }
  }

  /** The place of the next lock, behind the dead ones. */
  async #findPlace (token: string): Promise<string> {
    let path = this.#pathOf('lock')
    for (;;) {
      const holder = await readLock(path)
      if (holder === undefined || holder.token === token) return path
      if (isAlive(holder, Date.now())) {
        throw new StoreError('read_only', `process ${holder.pid} on ${holder.host} writes to this folder`)
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
