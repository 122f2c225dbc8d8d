import { constants, type BigIntStats } from 'node:fs'
import { mkdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StoreError } from '../object-store.js'
import type { Awaitable, Files } from './files.js'
import { codeOf, undefinedIfMissing } from './folder-error.js'
import { isFileKey } from './folder-key.js'

/** O_NOFOLLOW because a link could lead out of the root; O_NONBLOCK because opening a named pipe would otherwise wait for a writer. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** What a lookup of a file needs: the file system calls, and the real path of the root. */
export interface Lookup {
  readonly files: Files
  readonly root: string
}

/** A file descriptor, and the properties of the file when it was opened. */
export interface OpenFile {
  readonly file: number
  readonly stats: BigIntStats
}

/** Returns the real path of a root. @throws StoreError `no_such_bucket` if there is no such folder */
export async function resolveRoot (path: string, files?: Files): Promise<string> {
  // The dot makes the call fail if the path leads to a file.
  const root = await realPath(`${path}/.`, files)
  if (root === undefined) throw new StoreError('no_such_bucket', 'there is no such folder: check LAKE_URL, or create it with userlake seed')
  return root
}

/** Whether the path exists and contains no link, so that it cannot lead out of its root. */
export async function isPlain (path: string, files?: Files): Promise<boolean> {
  return await realPath(path, files) === path
}

async function realPath (path: string, files?: Files): Promise<string | undefined> {
  return await unlessMissing(() => files === undefined ? realpath(path) : files.realpath(path))
}

async function unlessMissing<T> (call: () => Awaitable<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    return undefinedIfMissing(error)
  }
}

/** Opens the regular file of the key. Returns `undefined` if it does not exist. The caller closes the file. */
export async function openFile (lookup: Lookup, key: string): Promise<OpenFile | undefined> {
  const { files } = lookup
  const path = await existingPath(lookup, key)
  const file = path === undefined ? undefined : await unlessMissing(() => files.open(path, READ_FLAGS))
  if (file === undefined) return undefined
  try {
    const stats = await files.fstat(file)
    if (stats.isFile()) return { file, stats }
  } catch (error) {
    files.close(file)
    throw error
  }
  files.close(file)
  return undefined
}

/** Returns the properties of the regular file of the key, or `undefined` if it does not exist. */
export async function statFile (lookup: Lookup, key: string): Promise<BigIntStats | undefined> {
  const path = await existingPath(lookup, key)
  const stats = path === undefined ? undefined : await unlessMissing(() => lookup.files.lstat(path))
  return stats?.isFile() ? stats : undefined
}

async function existingPath ({ files, root }: Lookup, key: string): Promise<string | undefined> {
  if (!isFileKey(key)) return undefined
  const path = join(root, key)
  return await isPlain(dirname(path), files) ? path : undefined
}

/** Returns the path of the key and creates its missing folders. @throws StoreError `invalid_key` if a folder of the path is a link */
export async function makePath (root: string, key: string): Promise<string> {
  const path = join(root, key)
  if (await isPlain(dirname(path))) return path
  let folder = root
  for (const segment of key.split('/').slice(0, -1)) {
    folder = join(folder, segment)
    await mkdir(folder).catch(error => { if (codeOf(error) !== 'EEXIST') throw error })
    if (!await isPlain(folder)) throw new StoreError('invalid_key', 'its path contains a link')
  }
  return path
}
