import { isKey } from '../key.js'

/** The folder of the store's own files: its lock and what is being written. Not part of the lake. */
export const INTERNAL_FOLDER = '.userlake'

const MAX_NAME_BYTES = 255

/** Whether the key is a path below the root that leads to a file of the lake, and no other key leads there. */
export function isFileKey (key: string): boolean {
  return isKey(key) && !isInternal(key) && key.split('/').every(isFileName)
}

/** Whether the key, or the folder that ends with a slash, is of the store's own files. */
export function isInternal (key: string): boolean {
  return key === INTERNAL_FOLDER || key.startsWith(`${INTERNAL_FOLDER}/`)
}

function isFileName (segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..' && Buffer.byteLength(segment) <= MAX_NAME_BYTES
}
