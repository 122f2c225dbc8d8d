import { totalmem } from 'node:os'
import { parseSize } from './size.js'

/** Bytes of memory that this process may use: the limit of its container if there is one, else the memory of the machine. */
export function memoryLimit (constrained: number | undefined = process.constrainedMemory(), total = totalmem()): number {
  // Without a limit, Node reports 0, undefined or, with cgroup v1, a number beyond all memory.
  return constrained !== undefined && constrained > 0 && constrained < total ? constrained : total
}

/** What `auto` means: at most this many bytes, and at most this share of the memory. */
const AUTO_BYTES = 256 * 1024 ** 2
const AUTO_SHARE = 1 / 8

/** Bytes, from a size such as 512MiB or from `auto`, which depends on the bytes of memory that there are. */
export function sizeOrAuto (size: string, memory = memoryLimit()): number {
  return size === 'auto' ? Math.min(AUTO_BYTES, memory * AUTO_SHARE) : parseSize(size)!
}
