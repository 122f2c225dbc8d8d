import { totalmem } from 'node:os'

/** Bytes of memory that this process may use: the limit of its container if there is one, else the memory of the machine. */
export function memoryLimit (constrained: number | undefined = process.constrainedMemory(), total = totalmem()): number {
  // Without a limit, Node reports 0, undefined or, with cgroup v1, a number beyond all memory.
  return constrained !== undefined && constrained > 0 && constrained < total ? constrained : total
}
