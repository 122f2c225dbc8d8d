import { compareBytes } from '../base/bytes.js'
import { copySlice, sliceToString } from '../store/object-list.js'
import type { ByteSlice } from '../table/utf8-column.js'
import { extensionIn } from './entity-objects.js'

/** Objects below the prefix that are neither info file nor image. */
export interface IgnoredObjects {
  /** In lower case, without the dot; `null` for keys without an extension and for those that did not fit into the report. */
  readonly extension: string | null
  readonly count: number
  /** The key of the first of them. */
  readonly example: string
}

/** The maximum number of extensions that are counted separately: a report must not grow with the lake. */
const MAX_EXTENSIONS = 100

interface Group { readonly extension: string | null, readonly example: string, count: number }

/** Counts ignored objects by their extension. */
export class IgnoredCounter {
  readonly #groups = new Map<string | null, Group>()
  /** The extensions as they are spelled in keys, so that they are compared as bytes and few keys are converted to strings. */
  readonly #spellings: (ByteSlice & { readonly group: Group })[] = []

  add (key: ByteSlice): void {
    const slice = extensionIn(key)
    const spelling = slice && this.#spellings.find(({ bytes, start, end }) => compareBytes(bytes, start, end, slice.bytes, slice.start, slice.end) === 0)
    const group = spelling?.group ?? this.#groupOf(key, slice)
    group.count++
  }

  /** The most frequent extension first. */
  list (): IgnoredObjects[] {
    return [...this.#groups.values()].map((group) => ({ ...group })).sort((a, b) => b.count - a.count || (a.example < b.example ? -1 : 1))
  }

  #groupOf (key: ByteSlice, slice: ByteSlice | undefined): Group {
    const text = slice === undefined ? null : sliceToString(slice).toLowerCase()
    const extension = this.#groups.has(text) || this.#groups.size < MAX_EXTENSIONS ? text : null
    let group = this.#groups.get(extension)
    if (group === undefined) this.#groups.set(extension, group = { extension, example: sliceToString(key), count: 0 })
    if (slice !== undefined && extension !== null && this.#spellings.length < MAX_EXTENSIONS) this.#spellings.push({ ...copySlice(slice), group })
    return group
  }
}
