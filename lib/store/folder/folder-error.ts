import { toStoreError, type StoreError, type StoreErrorCode, type StoreReport } from '../object-store.js'

/** Codes of system errors for a path at which there is no regular file. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO'])
/** Codes of system errors for a path at which no file can be created, because of other files or because it is too long. */
const IMPOSSIBLE = new Set(['ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY', 'ENAMETOOLONG'])
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS'])

/** What other codes of system errors mean. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EIO: 'the disk cannot be read or written',
  EMFILE: 'this process has too many open files'
}

/** The code of a system error, such as ENOENT. */
export function codeOf (error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error'
}

/** For `catch`: returns `undefined` if the error means that there is no file, and rethrows any other error. */
export function undefinedIfMissing (error: unknown): undefined {
  if (!MISSING.has(codeOf(error))) throw error
}

/** Converts an error to a StoreError. @param subject the URL of the folder or object */
export function toFolderError (error: unknown, subject: string): StoreError {
  return toStoreError(error, subject, classify)
}

function classify (error: unknown): [StoreErrorCode, string, StoreReport] {
  const code = codeOf(error)
  if (FORBIDDEN.has(code)) return ['access_denied', `access denied (${code})`, { storeCode: code, isRefused: true }]
  if (IMPOSSIBLE.has(code)) return ['invalid_key', `no file can have this path (${code})`, { storeCode: code, isRefused: true }]
  return ['store_error', MEANINGS[code] === undefined ? code : `${MEANINGS[code]} (${code})`, { storeCode: code }]
}
