import { rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Inspector } from '../inspector.js'
import { toFolderError } from './folder-error.js'
import { INTERNAL_FOLDER } from './folder-key.js'

/** Inspects a folder. */
export class FolderInspector implements Inspector {
  readonly server = 'a folder'
  readonly clockOffsetMs = null
  readonly #path: string

  /** @param path absolute */
  constructor (path: string) {
    this.#path = path
  }

  async keysAfter (): Promise<undefined> {}

  async whyNotRemovable (): Promise<undefined> {}

  async remove (prefix: string): Promise<void> {
    const folder = join(this.#path, prefix)
    await rm(folder, { recursive: true, force: true }).catch((error: unknown) => { throw toFolderError(error, pathToFileURL(folder).href) })
    // These remain if they have other files.
    for (const created of [dirname(folder), join(this.#path, INTERNAL_FOLDER, 'tmp'), join(this.#path, INTERNAL_FOLDER)]) if (created !== this.#path) await rmdir(created).catch(() => {})
  }

  async close (): Promise<void> {}
}
