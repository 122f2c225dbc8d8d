import { compareBytes } from '../base/bytes.js'
import type { ByteSlice } from '../table/utf8-column.js'
import { copySlice, sliceToString, type ObjectList } from './object-list.js'
import { StoreError } from './object-store.js'

/** Whether a string is a valid key in at least one store. A lone surrogate has no UTF-8 form: it would be encoded as the key of another object. */
export function isKey (text: string): boolean {
  return text !== '' && !text.includes('\0') && Buffer.from(text).toString() === text
}

/**
 * Yields the pages of a listing after checking them: all keys begin with `prefix` and are in strictly ascending byte order. `url` names the
 * store in messages.
 *
 * @throws StoreError `invalid_listing`
 */
export async function * checkKeyOrder (pages: AsyncIterable<ObjectList>, prefix: string, url: string): AsyncGenerator<ObjectList> {
  const start = Buffer.from(prefix)
  let previous: ByteSlice = { bytes: start, start: 0, end: 0 }
  for await (const page of pages) {
    for (let i = 0; i < page.length; i++) {
      const key = page.key(i)
      const isBelow = compareBytes(start, 0, start.length, key.bytes, key.start, Math.min(key.end, key.start + start.length)) === 0
      if (!isBelow || compareBytes(previous.bytes, previous.start, previous.end, key.bytes, key.start, key.end) >= 0) {
        const keys = `${JSON.stringify(sliceToString(key))} after ${JSON.stringify(sliceToString(previous))}`
        throw new StoreError('invalid_listing', `${url}: the listing has ${keys}`)
      }
      previous = key
    }
    previous = copySlice(previous)
    yield page
  }
}
