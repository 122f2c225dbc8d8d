import { compareBytes } from '../base/bytes.js'
import type { ByteSlice } from '../table/utf8-column.js'
import { copySlice, sliceToString, type ObjectList } from './object-list.js'
import { StoreError } from './object-store.js'

/** Whether a string is a valid key in at least one store. A lone surrogate has no UTF-8 form: it would be encoded as the key of another object. */
export function isKey (text: string): boolean {
  return text !== '' && !text.includes('\0') && Buffer.from(text).toString() === text
}

/**
 * Returns a function that checks the pages of a listing one after the other: all keys begin with `prefix`, come after `after` and are in strictly
 * ascending byte order. It throws the StoreError `invalid_listing`. `url` names the store in messages.
 */
export function keyOrderCheck (prefix: string, url: string, after = ''): (page: ObjectList) => void {
  const start = Buffer.from(prefix)
  const first = Buffer.from(after)
  let previous: ByteSlice = { bytes: first, start: 0, end: first.length }
  return (page) => {
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
  }
}

/** Yields the pages of a listing after checking them: see `keyOrderCheck`. @throws StoreError `invalid_listing` */
export async function * checkKeyOrder (pages: AsyncIterable<ObjectList>, prefix: string, url: string): AsyncGenerator<ObjectList> {
  const check = keyOrderCheck(prefix, url)
  for await (const page of pages) {
    check(page)
    yield page
  }
}
