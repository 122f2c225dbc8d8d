import { randomUUID } from 'node:crypto'
import { open, readdir, stat, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { toMissing } from './folder-error.js'
import { INTERNAL_FOLDER } from './folder-key.js'
import { makePath } from './folder-path.js'

const TEMP_FOLDER = `${INTERNAL_FOLDER}/tmp`
/** No write takes as long. */
const STALE_MS = 3_600_000

/** A complete file on disk that is not yet at its place. */
export interface TempFile {
  readonly path: string
  /** Open: its times change when it is moved. */
  readonly file: FileHandle
}

export async function writeTempFile (root: string, body: Uint8Array): Promise<TempFile> {
  const path = await makePath(root, `${TEMP_FOLDER}/${randomUUID()}`)
  const file = await open(path, 'wx')
  try {
    await file.writeFile(body)
    await file.utimes(preciseNow(), preciseNow())
    await file.datasync()
    return { path, file }
  } catch (error) {
    await discardTempFile({ path, file })
    throw error
  }
}

/** Closes the file; removes it unless it was moved. */
export async function discardTempFile ({ path, file }: TempFile): Promise<void> {
  await file.close()
  await unlink(path).catch(toMissing)
}

/** Removes what killed processes left. */
export async function removeStaleTempFiles (root: string, now: number): Promise<void> {
  const folder = join(root, TEMP_FOLDER)
  for (const name of await readdir(folder).catch(toMissing) ?? []) {
    const path = join(folder, name)
    const stats = await stat(path).catch(toMissing)
    if (stats !== undefined && now - stats.mtimeMs > STALE_MS) await unlink(path).catch(toMissing)
  }
}

/**
 * Seconds. The clock of the file system ticks every few milliseconds, and an inode comes back with the second write from
 * now: with the ticks alone, two versions could have one ETag.
 */
function preciseNow (): number {
  return (Date.now() + performance.now() % 1) / 1000
}
