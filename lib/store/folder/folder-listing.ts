import { lstatSync, type BigIntStats } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../base/clock.js'
import { compareUtf8 } from '../../base/utf8.js'
import { ObjectList } from '../object-list.js'
import { StoreError } from '../object-store.js'
import { toMissing } from './folder-error.js'
import { isFileKey, isInternal } from './folder-key.js'
import { isPlain } from './folder-path.js'
import { infoOf } from './folder-version.js'
import { mergeSorted } from './merge-sorted.js'

const PAGE_SIZE = 1000
/** Names that are sorted at once: a step of about a millisecond, however large the folder is. */
const RUN_SIZE = 1024

/** The regular files below `prefix`, in key order, page by page. `root` is a real path. */
export async function * listFiles (root: string, prefix: string, clock: Clock): AsyncGenerator<ObjectList> {
  const identity = identityOf(root)
  let keys: string[] = []
  for await (const key of walkPrefix(root, prefix)) {
    keys.push(key)
    if (keys.length < PAGE_SIZE) continue
    yield describeFiles(root, keys, clock)
    keys = []
  }
  yield describeFiles(root, keys, clock)
  // When the root is moved or unmounted meanwhile, its files look deleted one by one.
  if (identityOf(root) !== identity) throw new StoreError('no_such_bucket', 'the folder is another one now')
}

function identityOf (root: string): string | undefined {
  const stats = statLink(root)
  return stats && `${stats.dev}-${stats.ino}`
}

/** Returns the state of what is at the path, even a link; `undefined` if there is nothing. */
function statLink (path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    return toMissing(error)
  }
}

async function * walkPrefix (root: string, prefix: string): AsyncGenerator<string> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (folder !== '' && !isFileKey(folder.slice(0, -1))) return
  if (await isPlain(join(root, folder, '.'))) yield * walk(root, folder, prefix)
}

/** `folder` is empty for the root, else it ends with a slash. */
async function * walk (root: string, folder: string, prefix: string): AsyncGenerator<string> {
  let previous = ''
  for (const name of await readNames(join(root, folder))) {
    const key = folder + name
    // A folder that changes while it is read may tell a name twice.
    if (key === previous || !key.startsWith(prefix) || isInternal(key)) continue
    previous = key
    if (key.endsWith('/')) yield * walk(root, key, prefix)
    else yield key
  }
}

/** The files and, with a slash after their names, the folders: in the order of the keys that begin so. */
async function readNames (path: string): Promise<Iterable<string>> {
  const runs: string[][] = []
  let run: string[] = []
  const folder = await opendir(path, { bufferSize: RUN_SIZE }).catch(toMissing)
  for (let entry = folder?.readSync() ?? null; entry !== null; entry = folder!.readSync()) {
    if (entry.isFile()) run.push(entry.name)
    else if (entry.isDirectory()) run.push(`${entry.name}/`)
    if (run.length < RUN_SIZE) continue
    runs.push(run.sort(compareUtf8))
    run = []
    await setImmediate() // others get their turn
  }
  folder?.closeSync()
  runs.push(run.sort(compareUtf8))
  return mergeSorted(runs, compareUtf8)
}

/** A page at a time without the thread pool, which takes ten times as long as the looks themselves. */
async function describeFiles (root: string, keys: readonly string[], clock: Clock): Promise<ObjectList> {
  await setImmediate() // others get their turn
  const files = new ObjectList()
  for (const key of keys) {
    const now = clock()
    // Gone since, or a name that is not UTF-8: what stands for it here leads nowhere.
    const stats = statLink(join(root, key))
    if (stats?.isFile()) files.push(infoOf(key, stats, now))
  }
  return files
}
