import { StoreError, type StoreErrorCode } from '../object-store.js'

/** What stands in the way where there is no regular file. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO'])
/** What stands in the way where there can be none, because of other files or of the length of the path. */
const IMPOSSIBLE = new Set(['ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY', 'ENAMETOOLONG'])
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS'])

export function codeOf (error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error'
}

/** To catch with: `undefined` where there is no such file; rethrows any other failure. */
export function toMissing (error: unknown): undefined {
  if (!MISSING.has(codeOf(error))) throw error
}

/** Gives a failure its meaning, and its subject: the URL of the folder or object. */
export function toStoreError (error: unknown, subject: string): StoreError {
  const [code, reason] = error instanceof StoreError ? [error.code, error.message] : classify(codeOf(error))
  return new StoreError(code, `${subject}: ${reason}`, { cause: error })
}

function classify (code: string): [StoreErrorCode, string] {
  if (FORBIDDEN.has(code)) return ['access_denied', `access denied (${code})`]
  if (IMPOSSIBLE.has(code)) return ['invalid_key', `no file can have this path (${code})`]
  return ['store_error', code]
}
