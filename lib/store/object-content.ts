import { StoreError, type ObjectInfo, type ObjectStore } from './object-store.js'
import type { ByteStream } from './streamed-body.js'

/** The content of a version of an object. Reading fails with `precondition_failed` if the object has another version by then. */
export function streamOf (store: Pick<ObjectStore, 'url' | 'stream'>, { key, etag, size }: ObjectInfo): ByteStream {
  const url = `${store.url}/${key}`
  async function * open (): AsyncGenerator<Buffer> {
    const found = await store.stream(key, { ifMatch: etag })
    if (found === undefined) throw new StoreError('precondition_failed', `${url}: the object has changed in the meantime`)
    try {
      yield * found.body
    } catch (error) {
      throw error instanceof StoreError ? error : new StoreError('unreachable', `${url}: reading it failed in the middle`, { cause: error })
    }
  }
  return { length: size, open }
}
