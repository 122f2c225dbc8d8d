/** Yields consecutive slices of a buffer, without copying. Each has `size` bytes, except that the last one may be shorter. */
export function * slices (bytes: Buffer, size: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}
