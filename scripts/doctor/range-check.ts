import { buffer } from 'node:stream/consumers'
import { StoreError, type ObjectStore } from '../../lib/store/object-store.js'
import { no, notTested, yes, type Finding } from './finding.js'

/** Whether a part of an object can be read, and only from the expected version. Reads only. Rejects with a StoreError. */
export async function checkRanges (store: ObjectStore, key: string): Promise<Finding> {
  const found = await store.get(key)
  if (typeof found !== 'object' || found.body.length < 2) return notTested(`${key} has fewer than two bytes`)
  const [first, last] = [1, Math.min(3, found.body.length - 1)]
  const part = await store.stream(key, { ifMatch: found.etag, range: { first, last } })
  if (part === undefined || !(await buffer(part.body)).equals(found.body.subarray(first, last + 1))) return no('a range of an object is not what was requested')
  const other = await store.stream(key, { ifMatch: '0'.repeat(32) }).catch((error: unknown) => {
    if (!(error instanceof StoreError) || error.code !== 'precondition_failed') throw error
  })
  other?.body.destroy()
  return other === undefined ? yes() : no('If-Match of a GET is ignored: an image may be sent in parts of different versions')
}
