import type { MonotonicClock } from './base/clock.js'
import type { DataVersion } from './query/data-version.js'

/** How long versions are retained after they have been replaced. */
export interface VersionRules {
  /** Milliseconds since the version was replaced or last requested. */
  readonly maxAgeMs: number
  /** The most bytes of all old versions together. Memory that they share with each other or with the current version counts once or not at all. */
  readonly maxBytes: number
}

interface Version {
  readonly data: DataVersion
  /** One function per reader, which ends that reader if the version is evicted. */
  readonly readers: Set<() => void>
  /** Whether a client may request it again. */
  isRetained: boolean
  /** When it was replaced or last requested. */
  usedAt: number
}

/**
 * The data versions that can be read: the current one, and older ones that are being read or were promised to a client, within the
 * limits of the rules. If a version has to go earlier, its readers are ended.
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

  get current (): DataVersion | undefined {
    return this.#current?.data
  }

  /** The version with this name; `undefined` if it is not retained. */
  get (name: string): DataVersion | undefined {
    const version = this.#find(name)
    if (version === undefined) return undefined
    if (version !== this.#current) this.#hold(version)
    return version.data
  }

  /** Holds a version for a client that may request it again. */
  retain (name: string): void {
    const version = this.#find(name)
    if (version !== undefined) version.isRetained = true
  }

  /** Retains a version while it is read. `onEvict` is called if it cannot be retained until then. Returns the function that releases it. */
  acquire (name: string, onEvict: () => void): () => void {
    const readers = this.#find(name)?.readers
    readers?.add(onEvict)
    return () => {
      readers?.delete(onEvict)
      this.prune()
    }
  }

  /** Makes this version the current one. */
  publish (data: DataVersion): void {
    const last = this.#current
    const same = this.#find(data.version)
    this.#retained.delete(data.version)
    this.#current = { data, readers: same?.readers ?? new Set(), isRetained: same?.isRetained ?? false, usedAt: 0 }
    this.#bytes = undefined
    if (last !== undefined && last.data.version !== data.version) this.#hold(last)
    this.prune()
  }

  /** Evicts the versions that are not needed, those that are too old and, from the least recently used on, those that exceed the memory. */
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

  #hold (version: Version): void {
    const { version: name } = version.data
    version.usedAt = this.#clock()
    if (!this.#retained.delete(name)) this.#bytes = undefined
    this.#retained.set(name, version)
    this.prune()
  }
}
