import { monotonicNow } from '../lib/base/clock.js'
import type { ReconcileProgress } from '../lib/source/reconcile.js'
import type { UserDataTransformer } from '../lib/transformer.js'
import { objectsListed, Progress, type Output } from './progress.js'

/** Reads the lake once, and shows the progress. A listing that lacks many of the published records is repeated. @throws {StoreError} if the lake cannot be read */
export async function readLake (transformer: UserDataTransformer, stderr: Output): Promise<void> {
  let progress = new Progress(undefined, stderr, monotonicNow, objectsListed)
  let isListing = true
  let hasListed = false
  const onProgress = ({ listed, toFetch, fetched }: ReconcileProgress) => {
    if (listed === 0) return
    hasListed = true
    if (isListing && toFetch > 0) {
      progress.end()
      progress = new Progress(toFetch, stderr, monotonicNow, 'info files downloaded')
      isListing = false
    }
    if (isListing) progress.set(listed)
    else progress.set(fetched, toFetch)
  }
  try {
    await transformer.reconcile({ onProgress })
  } catch (error) {
    // Without a page of the listing, there is no progress that could be shown before the error.
    if (hasListed) progress.end()
    throw error
  }
  progress.end()
}
