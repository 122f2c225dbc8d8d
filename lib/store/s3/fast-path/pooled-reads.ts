import type { OnReadOpts, Socket } from 'node:net'

/** The maximum number of bytes of one read. */
const READ_BYTES = 64 * 1024
/** The size of the memory that small reads share until it is full. */
const SLAB_BYTES = 64 * 1024
/** The bytes of a longer read are copied into memory of their own. */
const MAX_POOLED_BYTES = SLAB_BYTES / 4

/**
 * Returns the option `onread` for sockets that mostly receive small responses. By default Node allocates 64 KiB for each read and then returns
 * what was not needed, which takes a tenth of the CPU time of a small response and fragments the memory of the thread. With this option, all
 * sockets read into the same buffer, and what they have received is copied into slabs that many responses share.
 */
export function pooledReads (): OnReadOpts {
  let slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  let at = 0
  const allocate = (bytes: number): Buffer => {
    if (bytes > MAX_POOLED_BYTES) return Buffer.allocUnsafeSlow(bytes)
    if (bytes > SLAB_BYTES - at) {
      slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      at = 0
    }
    at += bytes
    return slab.subarray(at - bytes, at)
  }
  return {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback (this: Socket, length, buffer) {
      const bytes = allocate(length)
      bytes.set(buffer.subarray(0, length))
      return this.push(bytes)
    }
  }
}
