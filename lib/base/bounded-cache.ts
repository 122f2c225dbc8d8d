/** A cache with a limit on its total size. The least recently used values are removed first. */
export class BoundedCache<T> {
  readonly #maxBytes: number
  readonly #entries = new Map<string, { readonly value: T, readonly bytes: number }>()
  readonly #onDrop: (value: T) => void
  #bytes = 0
  #newest: string | undefined

  /**
   * @param maxBytes the maximum bytes of all values and keys together
   * @param onDrop called with each value that is removed, or that is too large to be added
   */
  constructor (maxBytes: number, onDrop: (value: T) => void = () => {}) {
    this.#maxBytes = maxBytes
    this.#onDrop = onDrop
  }

  /** Returns the value and makes it the most recently used one; `undefined` if the key is not cached. */
  get (key: string): T | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (key !== this.#newest) {
      // A Map iterates in insertion order: inserted again, the entry is the last one to be removed.
      this.#entries.delete(key)
      this.#entries.set(key, entry)
      this.#newest = key
    }
    return entry.value
  }

  /** Adds or replaces a value. `bytes` is its size without the key, which is counted in addition. A value larger than the limit is not added. */
  set (key: string, value: T, bytes: number): void {
    this.delete(key)
    const size = bytes + 2 * key.length // two bytes for each UTF-16 code unit
    if (size > this.#maxBytes) return this.#onDrop(value)
    this.#entries.set(key, { value, bytes: size })
    this.#newest = key
    this.#bytes += size
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.delete(oldest)
    }
  }

  /** Removes a value, if there is one. */
  delete (key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#bytes -= entry.bytes
    this.#entries.delete(key)
    this.#onDrop(entry.value)
  }
}
