import { isUtf8 } from 'node:buffer'
import { lstatSync, type BigIntStats, type Dir, type Dirent } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../base/clock.js'
import { compareUtf8 } from '../../base/utf8.js'
import { ObjectList } from '../object-list.js'
import { StoreError, type SkippedFile } from '../object-store.js'
import { undefinedIfMissing, toFolderError } from './folder-error.js'
import { isFileKey, isInternal } from './folder-key.js'
import { isPlain } from './folder-path.js'
import { infoOf } from './folder-version.js'
import { mergeSorted } from './merge-sorted.js'

const PAGE_SIZE = 1000
/** The number of names that are sorted without a pause, which takes about a millisecond regardless of the size of the folder. */
const RUN_SIZE = 1024

/** What a listing depends on. */
export interface ListingContext {
  /** The real path of the root. */
  readonly root: string
  readonly clock: Clock
  /** Receives each entry of a folder that cannot be an object. */
  readonly onSkipped: (file: SkippedFile) => void
}

/** A directory entry whose name is not decoded yet: it may not be UTF-8. */
type RawEntry = Dirent<Buffer>

/** Yields the regular files whose keys begin with `prefix`, in key order, in pages of at most 1000. The last page may be empty. */
export async function * listPages (context: ListingContext, prefix: string): AsyncGenerator<ObjectList> {
  const { root } = context
  const identity = identityOf(root)
  let keys: string[] = []
  for await (const key of walkPrefix(context, prefix)) {
    keys.push(key)
    if (keys.length < PAGE_SIZE) continue
    yield describeFiles(context, keys)
    keys = []
  }
  yield describeFiles(context, keys)
  // If the root was moved or unmounted in the meantime, its files look deleted.
  if (identityOf(root) !== identity) throw new StoreError('no_such_bucket', 'the folder was replaced while it was listed')
}

function identityOf (root: string): string | undefined {
  const stats = statLink(root)
  return stats && `${stats.dev}-${stats.ino}`
}

/** Returns the properties of what is at the path, without following a link; `undefined` if there is nothing. */
function statLink (path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    return undefinedIfMissing(error)
  }
}

async function * walkPrefix (context: ListingContext, prefix: string): AsyncGenerator<string> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (folder !== '' && !isFileKey(folder.slice(0, -1))) return
  if (await isPlain(join(context.root, folder, '.'))) yield * walk(context, folder, prefix)
}

/** Yields the keys in a folder and its sub-folders. @param folder empty for the root, otherwise ends with a slash */
async function * walk (context: ListingContext, folder: string, prefix: string): AsyncGenerator<string> {
  let previous = ''
  for (const name of await readNames(context, folder, prefix)) {
    const key = folder + name
    // If a folder changes while it is read, a name may occur twice.
    if (key === previous || !key.startsWith(prefix)) continue
    previous = key
    if (key.endsWith('/')) yield * walk(context, key, prefix)
    else yield key
  }
}

/** The names in a folder in key order; those of sub-folders end with a slash. If the folder cannot be read, the error contains its name. */
async function readNames (context: ListingContext, folder: string, prefix: string): Promise<Iterable<string>> {
  const runs: string[][] = []
  let run: string[] = []
  try {
    // The type definitions of Node lack the encoding 'buffer', which `opendir` accepts.
    const directory = await opendir(join(context.root, folder), { bufferSize: RUN_SIZE, encoding: 'buffer' as BufferEncoding }).catch(undefinedIfMissing)
    for (const entry of directory === undefined ? [] : entriesOf(directory)) {
      const name = nameOf(entry, folder, prefix, context)
      if (name !== undefined) run.push(name)
      if (run.length < RUN_SIZE) continue
      runs.push(run.sort(compareUtf8))
      run = []
      await setImmediate() // lets the event loop handle other events
    }
  } catch (error) {
    throw folder === '' ? error : toFolderError(error, `the sub-folder ${folder}`)
  }
  runs.push(run.sort(compareUtf8))
  return mergeSorted(runs, compareUtf8)
}

function * entriesOf (directory: Dir): Generator<RawEntry> {
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) yield entry as unknown as RawEntry
  } finally {
    directory.closeSync()
  }
}

/** The name of a file, or of a folder with a slash at its end. Returns `undefined` for any other entry, which is reported if it matches the prefix. */
function nameOf (entry: RawEntry, folder: string, prefix: string, { onSkipped }: ListingContext): string | undefined {
  const name = entry.name.toString()
  if (isInternal(folder + name)) return undefined
  const hasUtf8Name = isUtf8(entry.name)
  if (hasUtf8Name && entry.isFile()) return name
  if (hasUtf8Name && entry.isDirectory()) return `${name}/`
  const path = folder + (hasUtf8Name ? name : escapeBytes(entry.name))
  if (path.startsWith(prefix)) onSkipped({ path, reason: hasUtf8Name ? entry.isSymbolicLink() ? 'link' : 'special_file' : 'name_not_utf8' })
  return undefined
}

/** Writes bytes that are not ASCII as \xff. */
function escapeBytes (name: Buffer): string {
  return name.toString('latin1').replace(/[^\x20-\x7e]/g, (character) => '\\x' + character.charCodeAt(0).toString(16).padStart(2, '0'))
}

/** Describes the files of a page. The calls are synchronous, because the thread pool takes ten times as long as the calls themselves. */
async function describeFiles ({ root, clock }: ListingContext, keys: readonly string[]): Promise<ObjectList> {
  await setImmediate() // lets the event loop handle other events
  const files = new ObjectList()
  for (const key of keys) {
    const now = clock()
    const stats = statLink(join(root, key))
    // A key without a regular file was deleted or replaced after it was listed.
    if (stats?.isFile()) files.push(infoOf(key, stats, now))
  }
  return files
}
