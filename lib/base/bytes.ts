/**
 * Compares two byte ranges as `memcmp` does; if one is a prefix of the other, the shorter one comes first. This is the order of UTF-8 strings,
 * S3 listings and records. Ends are exclusive. Returns a negative number, 0 or a positive number.
 */
export function compareBytes (
  a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart)
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!
    if (difference !== 0) return difference
  }
  return (aEnd - aStart) - (bEnd - bStart)
}

/**
 * The first index from `low` (inclusive) to `high` (exclusive) for which `predicate` is true; `high` if it is false for all of them. Once it is true, the
 * predicate must be true for all higher indexes, because this is a binary search.
 */
export function firstIndex (low: number, high: number, predicate: (index: number) => boolean): number {
  while (low < high) {
    const middle = (low + high) >>> 1
    if (predicate(middle)) high = middle
    else low = middle + 1
  }
  return low
}
