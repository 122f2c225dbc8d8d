import { constants, type BigIntStats } from 'node:fs'
import { lstat, mkdir, open, realpath, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StoreError } from '../object-store.js'
import { codeOf, toMissing } from './folder-error.js'
import { isFileKey } from './folder-key.js'

/** Links would lead out of the root; opening a pipe would wait for its other end. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The real path of the root. Fails with `no_such_bucket` where it is no folder. */
export async function resolveRoot (path: string): Promise<string> {
  // The dot makes it fail where the path leads to a file.
  const root = await realpath(`${path}/.`).catch(toMissing)
  if (root === undefined) throw new StoreError('no_such_bucket', 'there is no such folder')
  return root
}

/** Whether the path exists and leads over no link, so that it can't lead out of its root. */
export async function isPlain (path: string): Promise<boolean> {
  return await realpath(path).catch(toMissing) === path
}

/** Opens the regular file of the key; `undefined` where there is none. The caller closes it. */
export async function openFile (root: string, key: string): Promise<{ file: FileHandle, stats: BigIntStats } | undefined> {
  const path = await existingPath(root, key)
  const file = path === undefined ? undefined : await open(path, READ_FLAGS).catch(toMissing)
  const stats = await file?.stat({ bigint: true })
  if (file !== undefined && stats?.isFile()) return { file, stats }
  await file?.close()
  return undefined
}

/** The state of the regular file of the key; `undefined` where there is none. */
export async function statFile (root: string, key: string): Promise<BigIntStats | undefined> {
  const path = await existingPath(root, key)
  const stats = path === undefined ? undefined : await lstat(path, { bigint: true }).catch(toMissing)
  return stats?.isFile() ? stats : undefined
}

async function existingPath (root: string, key: string): Promise<string | undefined> {
  if (!isFileKey(key)) return undefined
  const path = join(root, key)
  return await isPlain(dirname(path)) ? path : undefined
}

/** The path of the key, with its folders made where they are missing, never through a link. */
export async function makePath (root: string, key: string): Promise<string> {
  const path = join(root, key)
  if (await isPlain(dirname(path))) return path
  let folder = root
  for (const segment of key.split('/').slice(0, -1)) {
    folder = join(folder, segment)
    await mkdir(folder).catch(error => { if (codeOf(error) !== 'EEXIST') throw error })
    if (!await isPlain(folder)) throw new StoreError('invalid_key', 'a link is on its way')
  }
  return path
}
