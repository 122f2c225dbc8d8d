import { imageKey, infoKey } from './ids.js'

/** What an object is during some time: an info file with this content, an invalid or unreadable one, an image, or no object. */
export interface ObjectVersion {
  readonly kind: 'good' | 'bad' | 'gone'
  /** Identifies the content: of an info file its first name, of an image its ETag. Empty if there is no valid content. */
  readonly content: string
  /** From when to when it was the current version, in milliseconds; Infinity for the present one. */
  readonly from: number
  until: number
}

/** A part of a view: what it shows of one object, and why this may be an old version. */
export interface Shown {
  /** `undefined`: it shows no such object. */
  readonly content: string | undefined
  /**
   * What the view reports of the listed version, in place of which it shows an earlier one or none: that it is `invalid`, or that it could not be read (`unread`).
   * `undefined`: it shows the listed version. Outputs do not contain that: `unknown`.
   */
  readonly reject: 'invalid' | 'unread' | 'unknown' | undefined
}

/** A view of the bucket as the model knows it: for each key the version that was shown last, as a number. */
export type View = Map<string, number>

/** A plain model of the bucket: all versions that each object has had. */
export class Model {
  /** The ids of all records that there may be. */
  readonly ids: ReadonlySet<string>
  readonly #isReadAgain: boolean
  readonly #histories = new Map<string, ObjectVersion[]>()

  /**
   * @param ids of all records that there may be. At first no object exists.
   * @param isReadAgain whether a version that has been read may be read again, and fail, because the ETags of listings and responses differ
   */
  constructor (ids: readonly string[], isReadAgain = false) {
    this.ids = new Set(ids)
    this.#isReadAgain = isReadAgain
    for (const key of ids.flatMap((id) => [infoKey(id), imageKey(id)])) this.#histories.set(key, [{ kind: 'gone', content: '', from: -Infinity, until: Infinity }])
  }

  set (key: string, kind: ObjectVersion['kind'], content: string, now: number): void {
    const history = this.#histories.get(key)!
    history.at(-1)!.until = now
    history.push({ kind, content, from: now, until: Infinity })
  }

  /**
   * The number of the earliest version that what a view shows can come from: not before the one that it has shown earlier, and current at some time of
   * an interval. Returns `undefined` if no version of the object can be the one that is shown.
   */
  find (key: string, { content, reject }: Shown, earlier: number, since: number, until: number): number | undefined {
    const history = this.#histories.get(key)!
    const shownAt = content === undefined ? -1 : history.findIndex((version) => version.content === content)
    if (content !== undefined && shownAt === -1) return undefined
    const found = history.findIndex(({ kind, content: listed, from, until: end }, i) => {
      if (i < earlier || from > until || end < since) return false
      const isRejected = reject === 'unread' || (reject !== undefined && kind === 'bad')
      const isListed = reject === undefined || reject === 'unknown'
      const isShownAgain = reject === 'unread' && this.#isReadAgain && listed === content
      return isShownAgain || (isRejected && i > shownAt) || (isListed && (content === undefined ? kind === 'gone' : listed === content))
    })
    return found === -1 ? undefined : found
  }

  /** Whether one content of an object, or its absence, is later than another one. */
  isLater (key: string, content: string, other: string): boolean {
    const placeOf = (searched: string) => this.#histories.get(key)!.findIndex((version) => version.content === searched)
    return placeOf(content) > placeOf(other)
  }
}
