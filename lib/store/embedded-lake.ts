import { randomUUID } from 'node:crypto'
import { copyFile, lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Clock } from '../base/clock.js'
import { codeOf } from './folder/folder-error.js'
import { listFiles } from './upload-folder.js'

export interface EmbeddedLake {
  /** The folder of the lake. */
  readonly lake: string
  /** The folder with its first files. */
  readonly from: string
  /** Where in the lake they go, such as `source_data/`. */
  readonly prefix: string
  readonly clock?: Clock
}

/** Milliseconds. No copy takes that long: an older unfinished one was left by a process that died. */
const ABANDONED_MS = 10 * 60_000
const UNFINISHED = /^(.+)\.filling-[0-9a-f-]{36}$/

/**
 * Fills a lake that does not exist yet. The files are copied beside it and renamed into place, so that it is never
 * half-made; of several processes that do so at once, one wins and the others go on. Answers whether this one filled it.
 */
export async function fillEmbeddedLake ({ lake, from, prefix, clock = Date.now }: EmbeddedLake): Promise<boolean> {
  const folder = resolve(lake)
  // Tidying up is no reason not to start.
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

/** Removes what earlier processes that died in the middle have left beside the lake. */
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

/** A rename does not replace a folder that has something in it. */
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
