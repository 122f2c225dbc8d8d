import type { MonotonicClock } from './base/clock.js'
import type { DataVersion } from './query/data-version.js'

/** The limits within which data versions are retained after they have been replaced. */
export interface VersionRules {
  /** A version is evicted this many milliseconds after it was replaced or last requested. */
  readonly maxAgeMs: number
  /** The maximum bytes of all old versions together. Memory that old versions share counts once; memory that the current version shares does not count. */
  readonly maxBytes: number
}

interface Version {
  readonly data: DataVersion
  /** One function per reader. It is called when the version is evicted, and must end the reader. */
  readonly readers: Set<() => void>
  /** Whether a client may request it again. */
  isRetained: boolean
  /** When it was replaced or last requested, in milliseconds of the monotonic clock; 0 for the current version. */
  usedAt: number
}

/**
 * The data versions that can be read: the current one, and older ones that are being read or that a client may request again. Older ones are
 * evicted when they exceed the limits of the rules, even while they are read; their readers are then ended.
 */
export class Versions {
  readonly #clock: MonotonicClock
  readonly #rules: VersionRules
  #current: Version | undefined
  /** Old versions by name, the least recently used first. */
  readonly #retained = new Map<string, Version>()
  /** Bytes of the old versions; `undefined` after they have changed. */
  #bytes: number | undefined

  constructor (clock: MonotonicClock, rules: VersionRules) {
    this.#clock = clock
    this.#rules = rules
  }

  /** The version that was published last; `undefined` before the first one. */
  get current (): DataVersion | undefined {
    return this.#current?.data
  }

  /** The number of old versions, and their bytes: memory that they share counts once, and memory that the current version shares does not count. */
  former (): { readonly count: number, readonly bytes: number } {
    return { count: this.#retained.size, bytes: this.#retainedBytes() }
  }

  /** The version with this name; `undefined` if it is not retained. Counts as a request for it. */
  get (name: string): DataVersion | undefined {
    const version = this.#find(name)
    if (version === undefined) return undefined
    if (version !== this.#current) this.#markUsed(version)
    return version.data
  }

  /** Retains a version, within the limits, because a client may request it again. Does nothing if there is no version with this name. */
  retain (name: string): void {
    const version = this.#find(name)
    if (version !== undefined) version.isRetained = true
  }

  /** Retains a version while it is read. Calls `onEvict` if the version is evicted before. Returns the function that releases it. */
  acquire (name: string, onEvict: () => void): () => void {
    const readers = this.#find(name)?.readers
    readers?.add(onEvict)
    return () => {
      readers?.delete(onEvict)
      this.prune()
    }
  }

  /** Makes this version the current one, and the previous one an old version unless both have the same name. */
  publish (data: DataVersion): void {
    const last = this.#current
    const same = this.#find(data.version)
    this.#retained.delete(data.version)
    this.#current = { data, readers: same?.readers ?? new Set(), isRetained: same?.isRetained ?? false, usedAt: 0 }
    this.#bytes = undefined
    if (last !== undefined && last.data.version !== data.version) this.#markUsed(last)
    this.prune()
  }

  /** Evicts the old versions that are not needed, those that are too old and, beginning with the least recently used, those that exceed `maxBytes`. */
  prune (): void {
    for (const version of this.#retained.values()) {
      const isNeeded = version.readers.size > 0 || version.isRetained
      const isOld = this.#clock() - version.usedAt > this.#rules.maxAgeMs
      if (!isNeeded || isOld || this.#retainedBytes() > this.#rules.maxBytes) this.#evict(version)
    }
  }

  #evict ({ data, readers }: Version): void {
    this.#retained.delete(data.version)
    this.#bytes = undefined
    for (const end of [...readers]) end()
  }

  #retainedBytes (): number {
    if (this.#bytes === undefined) {
      const buffers = new Set([...this.#retained.values()].flatMap(({ data }) => [...data.memory]))
      for (const buffer of this.#current?.data.memory ?? []) buffers.delete(buffer)
      this.#bytes = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)
    }
    return this.#bytes
  }

  #find (name: string): Version | undefined {
    return this.#current?.data.version === name ? this.#current : this.#retained.get(name)
  }

  /** Adds an old version, or makes it the most recently used one. */
  #markUsed (version: Version): void {
    const { version: name } = version.data
    version.usedAt = this.#clock()
    if (!this.#retained.delete(name)) this.#bytes = undefined
    this.#retained.set(name, version)
    this.prune()
  }
}
