/** A cache of the most recently used values, with a limit on their total size. */
export class BoundedCache<T> {
  readonly #maxBytes: number
  readonly #entries = new Map<string, { readonly value: T, readonly bytes: number }>()
  readonly #onDrop: (value: T) => void
  #bytes = 0

  /**
   * @param maxBytes the limit on the bytes of all values and keys
   * @param onDrop called with each value that is removed, or too large to be added
   */
  constructor (maxBytes: number, onDrop: (value: T) => void = () => {}) {
    this.#maxBytes = maxBytes
    this.#onDrop = onDrop
  }

  get (key: string): T | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    // A map is in insertion order: the least recently used entry comes first.
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  /** Adds a value of this many bytes, unless it exceeds the limit on its own. The key is counted, too. */
  set (key: string, value: T, bytes: number): void {
    this.delete(key)
    const size = bytes + 2 * key.length
    if (size > this.#maxBytes) return this.#onDrop(value)
    this.#entries.set(key, { value, bytes: size })
    this.#bytes += size
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.delete(oldest)
    }
  }

  delete (key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#bytes -= entry.bytes
    this.#entries.delete(key)
    this.#onDrop(entry.value)
  }
}
