import { compareBytes } from '../base/bytes.js'
import { sliceToString, type ObjectInfo, type ObjectList } from '../store/object-list.js'
import { isSameValue, type ByteSlice } from '../table/utf8-column.js'

/** Some objects in the order of their keys, and the key of the record that each of them is part of or would be part of. */
export interface ObjectPage {
  readonly objects: ObjectList
  readonly idOf: (i: number) => string
}

/** An object that a listing has and that is new, or has another ETag, size or time than the known one; or, with `listed` absent, one that is known and not listed any more. */
export interface ObjectChange {
  readonly key: string
  /** The key of its record. */
  readonly id: string
  readonly listed?: ObjectInfo | undefined
}

/** The changes of a page of the listing are yielded together, but when an object that is not listed any more makes them this many, they are yielded earlier. */
const MAX_CHANGES = 10_000

/**
 * What a listing has changed of the objects that are known, some changes at a time. An object that is listed as `racy` is a change, because the same ETag, size and time do not prove the same content.
 *
 * @param listing, known pages in the order of the keys; each is read only until the next one is requested
 */
export async function * compareListing (listing: AsyncIterable<ObjectPage>, known: AsyncIterable<ObjectPage>): AsyncGenerator<ObjectChange[]> {
  const old = new Cursor(known)
  let changes: ObjectChange[] = []
  try {
    for await (const page of listing) {
      const { objects } = page
      for (let i = 0; i < objects.length; i++) {
        const key = objects.key(i)
        let order = 1
        while ((old.isLoaded || (!old.isOver && await old.load())) && (order = compareSlices(old.key, key)) < 0) {
          changes.push(old.removed())
          old.next()
          if (changes.length >= MAX_CHANGES) {
            yield changes
            changes = []
          }
        }
        const isKnown = old.isLoaded && order === 0
        if (!isKnown || !old.isUnchanged(objects, i)) changes.push({ key: sliceToString(key), id: page.idOf(i), listed: objects.at(i) })
        if (isKnown) old.next()
      }
      if (changes.length > 0) yield changes
      changes = []
    }
    while (old.isLoaded || await old.load()) {
      changes.push(old.removed())
      old.next()
      if (changes.length < MAX_CHANGES && old.isLoaded) continue
      yield changes
      changes = []
    }
  } finally {
    await old.close()
  }
}

/** Reads pages object by object. `isOver`: whether all have been read. */
class Cursor {
  readonly #pages: AsyncIterator<ObjectPage>
  #page: ObjectPage | undefined
  #i = 0
  isOver = false

  constructor (pages: AsyncIterable<ObjectPage>) {
    this.#pages = pages[Symbol.asyncIterator]()
  }

  /** Whether there is a current object. If not, `load` has to be called. */
  get isLoaded (): boolean {
    return this.#page !== undefined && this.#i < this.#page.objects.length
  }

  /** Loads the next page that is not empty. Returns `false` at the end. */
  async load (): Promise<boolean> {
    while (!this.isLoaded) {
      const { done, value } = await this.#pages.next()
      if (done === true) {
        this.isOver = true
        return false
      }
      this.#page = value
      this.#i = 0
    }
    return true
  }

  get key (): ByteSlice {
    return this.#page!.objects.key(this.#i)
  }

  next (): void {
    this.#i++
  }

  /** The change that the current object is not listed any more. */
  removed (): ObjectChange {
    return { key: sliceToString(this.key), id: this.#page!.idOf(this.#i) }
  }

  /** Whether the current object has the ETag, size and time of object `i` of a list, and that one is not racy. */
  isUnchanged (list: ObjectList, i: number): boolean {
    const { objects } = this.#page!
    return !list.isRacy(i) && objects.size(this.#i) === list.size(i) && objects.lastModified(this.#i) === list.lastModified(i) && isSameValue(objects.etags, this.#i, list.etags, i)
  }

  async close (): Promise<void> {
    await this.#pages.return?.()
  }
}

function compareSlices (a: ByteSlice, b: ByteSlice): number {
  return compareBytes(a.bytes, a.start, a.end, b.bytes, b.start, b.end)
}
