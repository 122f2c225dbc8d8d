import { isKey } from '../key.js'

/** The folder of the store's internal files: its lock, temporary files and the metadata of objects. Not part of the lake. */
export const INTERNAL_FOLDER = '.userlake'

/** The limit of common file systems for one segment of a path. */
const MAX_NAME_BYTES = 255

/** Whether a file of the lake can have this key as its path. A path such as `a//b`, by which the file `a/b` could be opened, is not a key. */
export function isFileKey (key: string): boolean {
  return isKey(key) && !isInternal(key) && key.split('/').every(isFileName)
}

/** Whether the key, or the folder if it ends with a slash, belongs to the store's internal files. */
export function isInternal (key: string): boolean {
  return key === INTERNAL_FOLDER || key.startsWith(`${INTERNAL_FOLDER}/`)
}

function isFileName (segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..' && Buffer.byteLength(segment) <= MAX_NAME_BYTES
}
