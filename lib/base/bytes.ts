/** Compares two byte ranges as `memcmp` does, and then by length: the order of UTF-8 texts, of S3 listings and of records. */
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

/** The first index from `low` for which `holds` is true; `high` if there is none. Once true, `holds` must stay true for all higher indexes. */
export function firstIndex (low: number, high: number, holds: (index: number) => boolean): number {
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}
