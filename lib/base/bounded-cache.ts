/** The most recently used values that together have at most so many bytes. */
export class BoundedCache<T> {
  readonly #maxBytes: number
  readonly #entries = new Map<string, { readonly value: T, readonly bytes: number }>()
  readonly #onDrop: (value: T) => void
  #bytes = 0

  /** @param onDrop told of each value that is not kept any longer, or never was */
  constructor (maxBytes: number, onDrop: (value: T) => void = () => {}) {
    this.#maxBytes = maxBytes
    this.#onDrop = onDrop
  }

  get (key: string): T | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    // A map keeps the order of insertion: the least recently used comes first.
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  /** Keeps a value; one that has more bytes than all may have is not kept. The key counts, too. */
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
