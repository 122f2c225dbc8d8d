/** The maximum number of unused bytes in the pool. */
const MAX_FREE_BYTES = 32 * 1024 * 1024
/** Smaller buffers are cheap to allocate and to collect. */
const MIN_POOLED_BYTES = 64 * 1024
/** Sizes between two powers of two: a buffer is at most a quarter larger than requested. */
const SIZES_PER_POWER_OF_TWO = 4

/**
 * A pool of memory for response bodies. Fresh memory for each body costs more than writing the body: the kernel clears
 * its pages one by one, and V8 collects the garbage of the whole heap for every few megabytes of it.
 */
export class BufferPool {
  readonly #free = new Map<number, ArrayBuffer[]>()
  #freeBytes = 0

  /** Returns at least this many bytes, with undefined contents. */
  acquire (bytes: number): ArrayBuffer {
    const size = sizeFor(bytes)
    const memory = this.#free.get(size)?.pop()
    if (memory === undefined) return new ArrayBuffer(size)
    this.#freeBytes -= size
    return memory
  }

  /** Gives memory back to the pool, once nothing reads it any more. */
  release (memory: ArrayBuffer): void {
    const size = memory.byteLength
    if (!isPooled(memory) || this.#freeBytes + size > MAX_FREE_BYTES) return
    this.#freeBytes += size
    const others = this.#free.get(size)
    if (others === undefined) this.#free.set(size, [memory])
    else others.push(memory)
  }
}

/** Whether memory of this size is pooled. */
export function isPooled (memory: ArrayBuffer): boolean {
  return memory.byteLength >= MIN_POOLED_BYTES
}

function sizeFor (bytes: number): number {
  if (bytes < MIN_POOLED_BYTES) return bytes
  const step = 2 ** Math.floor(Math.log2(bytes)) / SIZES_PER_POWER_OF_TWO
  return Math.ceil(bytes / step) * step
}
