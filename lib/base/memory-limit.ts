import { totalmem } from 'node:os'
import { parseSize } from './size.js'

/** The bytes of memory that this process may use: the limit of its container if there is one, otherwise the memory of the machine. */
export function memoryLimit (constrained: number | undefined = process.constrainedMemory(), total = totalmem()): number {
  // Without a limit, Node reports 0, undefined or, with cgroup v1, a number larger than the memory of the machine.
  return constrained !== undefined && constrained > 0 && constrained < total ? constrained : total
}

/** The size `auto` is the lesser of this number of bytes and this share of the memory. */
const AUTO_BYTES = 256 * 1024 ** 2
const AUTO_SHARE = 1 / 8

/** Converts a valid size such as 512MiB, or `auto`, to bytes. `memory` is the number of bytes that `auto` is a share of. */
export function parseSizeOrAuto (size: string, memory = memoryLimit()): number {
  return size === 'auto' ? Math.min(AUTO_BYTES, memory * AUTO_SHARE) : parseSize(size)!
}
