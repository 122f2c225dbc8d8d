import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { forEachConcurrently } from '../base/concurrent.js'
import { contentTypeOf } from '../base/media-types.js'
import { isInternal } from './folder/folder-key.js'
import type { ObjectStore } from './object-store.js'

/** The maximum number of concurrent uploads. */
export const UPLOAD_CONCURRENCY = 32

/**
 * Lists the regular files of a folder and its sub-folders, as relative paths with `/` as the separator. If the folder is a lake, the
 * internal files of the store are left out.
 */
export async function listFiles (folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .filter(name => !isInternal(name))
}

/** The files to upload, and the prefix of their keys. */
export interface Upload {
  readonly from: string
  /** Paths relative to `from`, as `listFiles` returns them. */
  readonly files: readonly string[]
  /** The prefix of the keys: empty, or ends with `/`. */
  readonly prefix: string
  /** Called for each file once it is in the store, whether it was uploaded now or before. */
  readonly onFile: () => void
}

/** Uploads files, except those whose objects have the same bytes. Returns how many files were uploaded and how many were not. */
export async function uploadFiles (
  store: ObjectStore, { from, files, prefix, onFile }: Upload
): Promise<{ uploaded: number, unchanged: number }> {
  const sizes = await listSizes(store, prefix)
  const result = { uploaded: 0, unchanged: 0 }
  await forEachConcurrently(files, UPLOAD_CONCURRENCY, async name => {
    const key = prefix + name
    const body = await readFile(join(from, name))
    if (sizes.get(key) === body.length && await hasSameBytes(store, key, body)) {
      result.unchanged++
    } else {
      await store.put(key, body, { contentType: contentTypeOf(name) })
      result.uploaded++
    }
    onFile()
  })
  return result
}

/** The size of every object with this prefix, in bytes, by key. */
async function listSizes (store: ObjectStore, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  for await (const page of store.list(prefix)) {
    for (const { key, size } of page) sizes.set(key, size)
  }
  return sizes
}

async function hasSameBytes (store: ObjectStore, key: string, body: Buffer): Promise<boolean> {
  const object = await store.get(key)
  return typeof object === 'object' && body.equals(object.body)
}
