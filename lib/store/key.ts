import { compareUtf8 } from '../utf8.js'
import { StoreError, type ObjectInfo } from './object-store.js'

/** Whether the text can be a key of any store. A lone surrogate has no UTF-8 form: it would lead to another key. */
export function isKey (text: string): boolean {
  return text !== '' && !text.includes('\0') && Buffer.from(text).toString() === text
}

/**
 * Passes the pages of a listing on while they are what a listing must be: keys below `prefix`, in ascending order of
 * their bytes, none of them twice. Otherwise fails with `invalid_listing`; `url` names the store.
 */
export async function * checkKeyOrder (
  pages: AsyncIterable<readonly ObjectInfo[]>, prefix: string, url: string
): AsyncGenerator<readonly ObjectInfo[]> {
  let previous = ''
  for await (const page of pages) {
    for (const { key } of page) {
      if (compareUtf8(previous, key) >= 0 || !key.startsWith(prefix)) {
        const keys = `${JSON.stringify(key)} after ${JSON.stringify(previous)}`
        throw new StoreError('invalid_listing', `${url}: the listing has ${keys}`)
      }
      previous = key
    }
    yield page
  }
}
