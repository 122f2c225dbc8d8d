/** Bytes that wait to be used again, at most. */
const MAX_FREE_BYTES = 32 * 1024 * 1024
/** What is smaller comes and goes at little cost. */
const MIN_POOLED_BYTES = 64 * 1024
/** Sizes between two powers of two: memory is at most a quarter larger than was asked for. */
const SIZES_PER_POWER_OF_TWO = 4

/**
 * Memory for answers that is used again and again. Fresh memory for each answer costs more than to write it: the kernel clears
 * its pages one by one, and V8 collects the garbage of the whole heap for every few megabytes of it.
 */
export class BufferPool {
  readonly #free = new Map<number, ArrayBuffer[]>()
  #freeBytes = 0

  /** At least so many bytes, with whatever is in them. */
  acquire (bytes: number): ArrayBuffer {
    const size = sizeFor(bytes)
    const memory = this.#free.get(size)?.pop()
    if (memory === undefined) return new ArrayBuffer(size)
    this.#freeBytes -= size
    return memory
  }

  /** Takes memory back that nobody reads any more. */
  release (memory: ArrayBuffer): void {
    const size = memory.byteLength
    if (size < MIN_POOLED_BYTES || this.#freeBytes + size > MAX_FREE_BYTES) return
    this.#freeBytes += size
    const others = this.#free.get(size)
    if (others === undefined) this.#free.set(size, [memory])
    else others.push(memory)
  }
}

function sizeFor (bytes: number): number {
  if (bytes < MIN_POOLED_BYTES) return bytes
  const step = 2 ** Math.floor(Math.log2(bytes)) / SIZES_PER_POWER_OF_TWO
  return Math.ceil(bytes / step) * step
}
