import { randomUUID } from 'node:crypto'
import { copyFile, lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Clock } from '../base/clock.js'
import { codeOf } from './folder/folder-error.js'
import { listFiles } from './upload-folder.js'

/** The lake of a service without LAKE_URL: a folder, and the files that it is filled with. */
export interface EmbeddedLake {
  /** The folder of the lake. */
  readonly lake: string
  /** The folder whose files are copied into a new lake. */
  readonly from: string
  /** The prefix of their keys: empty, or ends with a slash, such as `source_data/`. */
  readonly prefix: string
  /** Default: the system's clock. */
  readonly clock?: Clock
}

/** Milliseconds. A copy takes less time, so an older unfinished copy was left by a process that died. */
const ABANDONED_MS = 10 * 60_000
const UNFINISHED = /^(.+)\.filling-[0-9a-f-]{36}$/

/**
 * Creates and fills the lake if its folder does not exist. The files are first copied to a folder next to it, which is then renamed, so that
 * the lake is never incomplete. If several processes do this at the same time, one creates the lake and the others use it. Returns whether this
 * process has created the lake. Rejects with errors of the file system.
 */
export async function fillEmbeddedLake ({ lake, from, prefix, clock = Date.now }: EmbeddedLake): Promise<boolean> {
  const folder = resolve(lake)
  // A failure to clean up must not prevent the start.
  await removeAbandoned(folder, clock()).catch(() => {})
  if (await exists(folder)) return false
  const unfinished = `${folder}.filling-${randomUUID()}`
  try {
    await copyFiles(from, join(unfinished, prefix))
    return await renameUnlessTaken(unfinished, folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

/** Removes the unfinished copies of earlier processes. */
async function removeAbandoned (lake: string, now: number): Promise<void> {
  for (const name of await readdir(dirname(lake))) {
    if (UNFINISHED.exec(name)?.[1] !== basename(lake)) continue
    const path = join(dirname(lake), name)
    if (now - (await stat(path)).mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true })
  }
}

async function copyFiles (from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const name of await listFiles(from)) {
    const copy = join(to, name)
    await mkdir(dirname(copy), { recursive: true })
    await copyFile(join(from, name), copy)
  }
}

/** Renames a folder. Returns false if the target exists: the system does not replace a folder that is not empty. */
async function renameUnlessTaken (from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (await exists(to)) return false
    throw error
  }
}

async function exists (path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}
