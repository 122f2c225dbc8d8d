/** Parts of a buffer with at most `size` bytes each, without copying. */
export function * slices (bytes: Buffer, size: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}
