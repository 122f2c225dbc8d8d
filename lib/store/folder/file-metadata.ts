import { createHash } from 'node:crypto'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metadata, ObjectInfo } from '../object-store.js'
import { INTERNAL_FOLDER } from './folder-key.js'
import { makePath } from './folder-path.js'
import { discardTempFile, writeTempFile } from './temp-file.js'

/** A version of a file. */
type FileVersion = Pick<ObjectInfo, 'key' | 'etag'>

/** The metadata of one version of a file, in a file of its own, because not every file system can store it with the file. */
interface StoredMetadata {
  readonly etag: string
  readonly metadata: Metadata
}

/** Writes the metadata of a file that was just written. If that fails, the file has no metadata. */
export async function writeMetadata (root: string, { key, etag }: FileVersion, metadata: Metadata): Promise<void> {
  try {
    const path = await makePath(root, pathOf(key))
    const temp = await writeTempFile(root, Buffer.from(JSON.stringify({ etag, metadata } satisfies StoredMetadata)))
    try {
      await rename(temp.path, path)
    } finally {
      await discardTempFile(temp)
    }
  } catch { /* The file itself is complete. */ }
}

/** Reads the metadata of a version of a file; `undefined` if it has none, or it cannot be read. */
export async function readMetadata (root: string, { key, etag }: FileVersion): Promise<Metadata | undefined> {
  try {
    const stored = JSON.parse(await readFile(join(root, pathOf(key)), 'utf8')) as StoredMetadata
    return stored.etag === etag ? stored.metadata : undefined
  } catch {
    return undefined
  }
}

function pathOf (key: string): string {
  return `${INTERNAL_FOLDER}/metadata/${createHash('sha256').update(key).digest('base64url')}.json`
}
