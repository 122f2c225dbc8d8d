import { imageKey, infoKey } from './ids.js'

/** What an object is during some time: `good`, a valid info file or an image; `bad`, an info file that is invalid or cannot be read; `gone`, no object. */
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
   * Why the view shows an earlier version than the listed one, or none: the listed version is `invalid`, or could not be read (`unread`). `undefined`: the view shows the listed
   * version. `unknown`: the view is an output, which does not contain this.
   */
  readonly reject: 'invalid' | 'unread' | 'unknown' | undefined
}

/** What a replica or the outputs have shown: for each key the version that was shown last, as its index in the history of the object. */
export type View = Map<string, number>

/** A plain model of the bucket: all versions that each object has had. */
export class Model {
  /** The ids of all records that there may be. */
  readonly ids: ReadonlySet<string>
  readonly #isReadAgain: boolean
  readonly #histories = new Map<string, ObjectVersion[]>()

  /**
   * @param ids of all records that there may be. At first no object exists.
   * @param isReadAgain whether a replica may read a version again that it has read already, and fail, because the ETags of listings and responses differ
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
   * The index of the earliest listed version with which a view can show this. Returns `undefined` if no version allows it: the view is then wrong.
   *
   * @param earlier the index of the version that the view has shown before, which it must not go back from
   * @param since the version must have been current at some time from this one, in milliseconds
   * @param until the end of that interval, in milliseconds
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

  /** Whether an object had one content later than another one. Empty text stands for its absence. */
  isLater (key: string, content: string, other: string): boolean {
    const indexOf = (searched: string) => this.#histories.get(key)!.findIndex((version) => version.content === searched)
    return indexOf(content) > indexOf(other)
  }
}
