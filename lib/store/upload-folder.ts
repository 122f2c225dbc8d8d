import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { forEachConcurrently } from '../base/concurrent.js'
import { contentTypeOf } from '../base/media-types.js'
import { isInternal } from './folder/folder-key.js'
import type { ObjectStore } from './object-store.js'

/** Requests under way at a time. */
export const UPLOAD_CONCURRENCY = 32

/**
 * The regular files of a folder at any depth, as paths relative to it with `/` between their parts. Of a folder that is a
 * lake itself, the files of the lake.
 */
export async function listFiles (folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .filter(name => !isInternal(name))
}

export interface Upload {
  readonly from: string
  /** Of `from`, as `listFiles` names them. */
  readonly files: readonly string[]
  /** What keys begin with: empty, or ends in `/`. */
  readonly prefix: string
  /** Told of each file that is in the store, uploaded now or there before. */
  readonly onFile: () => void
}

/** Puts files into the store, except those that are there with the same bytes; touches no other object. */
export async function uploadFiles (
  store: ObjectStore, { from, files, prefix, onFile }: Upload
): Promise<{ uploaded: number, unchanged: number }> {
  const sizes = await listSizes(store, prefix)
  const result = { uploaded: 0, unchanged: 0 }
  await forEachConcurrently(files, UPLOAD_CONCURRENCY, async name => {
    const key = prefix + name
    const body = await readFile(join(from, name))
    if (sizes.get(key) === body.length && await holds(store, key, body)) {
      result.unchanged++
    } else {
      await store.put(key, body, { contentType: contentTypeOf(name) })
      result.uploaded++
    }
    onFile()
  })
  return result
}

/** The size in bytes of every object below the prefix. */
async function listSizes (store: ObjectStore, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  for await (const page of store.list(prefix)) {
    for (const { key, size } of page) sizes.set(key, size)
  }
  return sizes
}

async function holds (store: ObjectStore, key: string, body: Buffer): Promise<boolean> {
  const object = await store.get(key)
  return typeof object === 'object' && body.equals(object.body)
}
