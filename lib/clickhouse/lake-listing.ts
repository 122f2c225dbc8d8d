import { EntityObjects } from '../source/entity-objects.js'
import { IgnoredCounter, type IgnoredObjects } from '../source/ignored-objects.js'
import { objectClassifier } from '../source/object-kinds.js'
import type { SourceRules } from '../source/rules.js'
import { SkippedCounter, type SkippedFiles } from '../source/skipped-files.js'
import { sliceToString } from '../store/object-list.js'
import type { ReadableStore } from '../store/object-store.js'
import type { ObjectPage } from './compare-listing.js'

/** One listing of the lake that is not kept in memory. Its counts are those of the whole lake when `pages` has ended. */
export class LakeListing {
  /** The number of objects, of LIST requests and of info files so far. */
  listed = 0
  requests = 0
  infoFiles = 0
  readonly #store: Pick<ReadableStore, 'list'>
  readonly #rules: SourceRules
  readonly #ignored = new IgnoredCounter()
  readonly #skipped = new SkippedCounter()

  constructor (store: Pick<ReadableStore, 'list'>, rules: SourceRules) {
    this.#store = store
    this.#rules = rules
  }

  get ignored (): readonly IgnoredObjects[] {
    return this.#ignored.list()
  }

  get skipped (): readonly SkippedFiles[] {
    return this.#skipped.list()
  }

  /** The info files and images, in the order of their keys. Calls `onPage` for each page of the listing, even if it has neither. */
  async * pages (onPage: () => void): AsyncGenerator<ObjectPage> {
    const classify = objectClassifier(this.#rules)
    const onRequest = () => { this.requests++ }
    for await (const page of this.#store.list(this.#rules.prefix, { onSkipped: (file) => this.#skipped.add(file), onRequest })) {
      const objects = new EntityObjects()
      for (let i = 0; i < page.length; i++) {
        const object = classify(page.key(i))
        if (object.kind === 'info' || object.kind === 'image') objects.add(page, i, object.extension.length)
        if (object.kind === 'info') this.infoFiles++
        if (object.kind === 'other') this.#ignored.add(page.key(i))
      }
      this.listed += page.length
      onPage()
      yield { objects, idOf: (i) => sliceToString(objects.id(i)) }
    }
  }
}
