import { closeSync, constants, fstatSync, lstatSync, openSync, realpathSync, type BigIntStats } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StoreError } from '../object-store.js'
import { codeOf, toMissing } from './folder-error.js'
import { isFileKey } from './folder-key.js'

/** Links would lead out of the root; opening a pipe would wait for its other end. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The real path of the root. Fails with `no_such_bucket` where it is no folder. */
export function resolveRoot (path: string): string {
  // The dot makes it fail where the path leads to a file.
  const root = unlessMissing(() => realpathSync.native(`${path}/.`))
  if (root === undefined) throw new StoreError('no_such_bucket', 'there is no such folder')
  return root
}

/** Whether the path exists and leads over no link, so that it can't lead out of its root. */
export function isPlain (path: string): boolean {
  return unlessMissing(() => realpathSync.native(path)) === path
}

/** Opens the regular file of the key; `undefined` where there is none. The caller closes it. */
export function openFile (root: string, key: string): { file: number, stats: BigIntStats } | undefined {
  const file = unlessMissing(() => {
    const path = existingPath(root, key)
    return path === undefined ? undefined : openSync(path, READ_FLAGS)
  })
  if (file === undefined) return undefined
  const stats = fstatSync(file, { bigint: true })
  if (stats.isFile()) return { file, stats }
  closeSync(file)
  return undefined
}

/** The state of the regular file of the key; `undefined` where there is none. */
export function statFile (root: string, key: string): BigIntStats | undefined {
  const path = existingPath(root, key)
  const stats = path === undefined ? undefined : statLink(path)
  return stats?.isFile() ? stats : undefined
}

/** The state of what is there, be it a link; `undefined` where there is nothing. */
export function statLink (path: string): BigIntStats | undefined {
  return unlessMissing(() => lstatSync(path, { bigint: true, throwIfNoEntry: false }))
}

function existingPath (root: string, key: string): string | undefined {
  if (!isFileKey(key)) return undefined
  const path = join(root, key)
  return isPlain(dirname(path)) ? path : undefined
}

// What a look at a file takes is a few microseconds; by the thread pool it is ten times as long.
function unlessMissing<T> (look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    return toMissing(error)
  }
}

/** The path of the key, with its folders made where they are missing, never through a link. */
export async function makePath (root: string, key: string): Promise<string> {
  const path = join(root, key)
  if (isPlain(dirname(path))) return path
  let folder = root
  for (const segment of key.split('/').slice(0, -1)) {
    folder = join(folder, segment)
    await mkdir(folder).catch(error => { if (codeOf(error) !== 'EEXIST') throw error })
    if (!isPlain(folder)) throw new StoreError('invalid_key', 'a link is on its way')
  }
  return path
}
