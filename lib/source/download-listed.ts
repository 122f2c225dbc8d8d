import { StoreError, type GetOptions, type ObjectBody, type ObjectInfo, type ReadableStore } from '../store/object-store.js'

export interface DownloadOptions extends Required<Pick<GetOptions, 'maxBytes' | 'maxMs'>> {
  /** Called for each request for a listing. */
  readonly onRequest: () => void
}

/** The `storeCode` of the error for an object that a bucket or folder lists and does not return. */
export const NOT_FOUND = 'not found, although it is listed'

/**
 * Downloads a listed object. If the store has no such object, that is believed only if it is not listed any more either: otherwise a store that
 * lists what it cannot return would make records vanish.
 *
 * @returns `undefined` if the object was deleted after it was listed
 * @throws StoreError also if the object is listed again and still cannot be found, or if the response is not from the store. The error is a refusal of the
 * object (`isRefused`) only if both listings have the same upload
 */
export async function downloadListed (store: ReadableStore, object: ObjectInfo, { onRequest, ...limits }: DownloadOptions): Promise<ObjectBody | undefined> {
  const found = await download(store, object, limits)
  if (found !== undefined) return found
  const listed = await findListed(store, object.key, onRequest)
  if (listed === undefined) return undefined
  const foundLater = await download(store, listed, limits)
  if (foundLater !== undefined) return foundLater
  throw new StoreError('store_error', 'the object is listed, but cannot be found', { storeCode: NOT_FOUND, isRefused: isSameUpload(listed, object) })
}

async function download (store: ReadableStore, { key, etag }: ObjectInfo, limits: GetOptions): Promise<ObjectBody | undefined> {
  const found = await store.get(key, limits)
  if (found === undefined || found === 'unchanged') return undefined
  // A response without an ETag did not come from the store, but from a proxy, for example.
  if (found.etag === '' && etag !== '') throw new StoreError('corrupt', 'the response has no ETag')
  return found
}

/** Lists an object. Returns `undefined` if it is not listed. `onRequest` is called for each request for a listing. */
export async function findListed (store: ReadableStore, key: string, onRequest?: () => void): Promise<ObjectInfo | undefined> {
  // Of the keys that begin with this one, it is the first.
  for await (const page of store.list(key, { onRequest })) {
    if (page.length === 0) continue
    const first = page.at(0)
    return first.key === key ? first : undefined
  }
  return undefined
}

/** Whether an object has not been uploaded again between two listings. One that was deleted and uploaded again may have the same content, and so the same ETag. */
function isSameUpload (a: ObjectInfo, b: ObjectInfo): boolean {
  return a.etag === b.etag && a.size === b.size && a.lastModified === b.lastModified
}

/** The times of a listing may be finer than those of a response, which are whole seconds. */
const TIME_RESOLUTION_MS = 1000

/**
 * The ETag under which the content of a downloaded object is remembered: that of the response. If an earlier download of this key had this ETag, too, and the
 * listing has another one with the same size and time, the listing and the responses of the store disagree, and that of the listing counts: otherwise the
 * object would be downloaded at each refresh.
 *
 * @param knownEtag the ETag of the object in the previous state; `undefined` if it was not in it
 */
export function etagToStore (listed: ObjectInfo, found: ObjectInfo, knownEtag: string | undefined): string {
  const hasSameTime = Math.abs(listed.lastModified - found.lastModified) < TIME_RESOLUTION_MS
  return found.etag === knownEtag && listed.size === found.size && hasSameTime ? listed.etag : found.etag
}
