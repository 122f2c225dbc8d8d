import type { MonotonicClock } from './base/clock.js'
import type { DataVersion } from './query/data-version.js'

/** How long versions are held that are no longer the current one. */
export interface VersionRules {
  /** Milliseconds since it was replaced or last asked for. */
  readonly maxAgeMs: number
  /** Bytes of all of them together. */
  readonly maxBytes: number
}

interface Version {
  readonly data: DataVersion
  /** Ends those who still read it. */
  readonly readers: Set<() => void>
  /** Somebody may come back for it. */
  isRetained: boolean
  /** When it was replaced or last asked for. */
  usedAt: number
}

/**
 * The data versions that can be read: the current one, and older ones while somebody reads them or may come back for them, so
 * long and so many as the rules allow. A reader whose version is given up is ended.
 */
export class Versions {
  readonly #clock: MonotonicClock
  readonly #rules: VersionRules
  #current: Version | undefined
  /** Older ones by name, the longest unused first. */
  readonly #held = new Map<string, Version>()

  constructor (clock: MonotonicClock, rules: VersionRules) {
    this.#clock = clock
    this.#rules = rules
  }

  get current (): DataVersion | undefined {
    return this.#current?.data
  }

  /** A version by its name; `undefined` where it is not held. */
  get (name: string): DataVersion | undefined {
    const version = this.#find(name)
    if (version === undefined) return undefined
    if (version !== this.#current) this.#hold(version)
    return version.data
  }

  /** Holds a version for somebody who may come back for it. */
  retain (name: string): void {
    const version = this.#find(name)
    if (version !== undefined) version.isRetained = true
  }

  /** Holds a version while it is read. `end`: called where it can't be held as long. Answers what the reader calls at its end. */
  acquire (name: string, end: () => void): () => void {
    const readers = this.#find(name)?.readers
    readers?.add(end)
    return () => {
      readers?.delete(end)
      this.prune()
    }
  }

  /** Makes these records the current version. */
  publish (records: DataVersion): void {
    const last = this.#current
    const same = this.#find(records.version)
    this.#held.delete(records.version)
    this.#current = { data: records, readers: same?.readers ?? new Set(), isRetained: same?.isRetained ?? false, usedAt: 0 }
    if (last !== undefined && last.data.version !== records.version) this.#hold(last)
    this.prune()
  }

  /** Gives up what nobody needs, and what the rules do not allow. */
  prune (): void {
    let bytes = 0
    for (const { data } of this.#held.values()) bytes += data.byteLength
    for (const [name, { data: records, readers, isRetained, usedAt }] of this.#held) {
      const isNeeded = readers.size > 0 || isRetained
      const isOld = this.#clock() - usedAt > this.#rules.maxAgeMs
      if (isNeeded && !isOld && bytes <= this.#rules.maxBytes) continue
      this.#held.delete(name)
      bytes -= records.byteLength
      for (const end of [...readers]) end()
    }
  }

  #find (name: string): Version | undefined {
    return this.#current?.data.version === name ? this.#current : this.#held.get(name)
  }

  #hold (version: Version): void {
    const { version: name } = version.data
    version.usedAt = this.#clock()
    this.#held.delete(name)
    this.#held.set(name, version)
    this.prune()
  }
}
