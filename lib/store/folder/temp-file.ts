import { randomUUID } from 'node:crypto'
import { open, readdir, stat, unlink, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { isStreamed, readBody, type Body } from '../streamed-body.js'
import { undefinedIfMissing } from './folder-error.js'
import { INTERNAL_FOLDER } from './folder-key.js'
import { makePath } from './folder-path.js'

const TEMP_FOLDER = `${INTERNAL_FOLDER}/tmp`
/** Milliseconds. A write takes less time, so an older temporary file was left by a process that died. */
const STALE_MS = 3_600_000

/** A complete file on disk that is not yet renamed to its final path. */
export interface TempFile {
  readonly path: string
  /** Remains open until the file has been renamed: its change time, which is part of the ETag, is set by the rename. */
  readonly file: FileHandle
}

/** Writes the body to a new temporary file and flushes it to disk. The caller calls `discardTempFile` in any case. */
export async function writeTempFile (root: string, body: Body): Promise<TempFile> {
  const path = await makePath(root, `${TEMP_FOLDER}/${randomUUID()}`)
  const file = await open(path, 'wx')
  try {
    await writeFile(file, isStreamed(body) ? readBody(body) : body)
    await file.utimes(preciseNow(), preciseNow())
    await file.datasync()
    return { path, file }
  } catch (error) {
    await discardTempFile({ path, file })
    throw error
  }
}

/** Closes the file and deletes it unless it was renamed. */
export async function discardTempFile ({ path, file }: TempFile): Promise<void> {
  await file.close()
  await unlink(path).catch(undefinedIfMissing)
}

/** Deletes temporary files that were left by processes that died. `now` is milliseconds since 1970-01-01 UTC. */
export async function removeStaleTempFiles (root: string, now: number): Promise<void> {
  const folder = join(root, TEMP_FOLDER)
  for (const name of await readdir(folder).catch(undefinedIfMissing) ?? []) {
    const path = join(folder, name)
    const stats = await stat(path).catch(undefinedIfMissing)
    if (stats !== undefined && now - stats.mtimeMs > STALE_MS) await unlink(path).catch(undefinedIfMissing)
  }
}

/**
 * The current time in seconds since 1970-01-01 UTC, with microseconds. The timestamps that a file system sets have a resolution of some
 * milliseconds, and inode numbers are reused, so that with those timestamps two versions could have the same ETag.
 */
function preciseNow (): number {
  return (Date.now() + performance.now() % 1) / 1000
}
