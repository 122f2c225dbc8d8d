import { StoreError } from './object-store.js'

/**
 * For `catch` after reading an object that Userlake itself writes. Without the right to list the key, S3 refuses to read an object that does not exist, so a
 * refusal counts as a missing object. If there is one after all, the attempt to create it fails with `access_denied`. Rethrows any other error.
 */
export function undefinedIfRefused (error: unknown): undefined {
  if (!(error instanceof StoreError) || error.code !== 'access_denied') throw error
}
