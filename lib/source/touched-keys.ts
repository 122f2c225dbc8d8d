import { compareBytes } from '../base/bytes.js'
import type { ImageVersions } from '../table/image-versions.js'
import { isRow } from '../table/row-source.js'
import { TableReader, type Table } from '../table/table.js'
import { isSameValue, sliceAt, takeUtf8, type ByteSlice } from '../table/utf8-column.js'
import { MAX_KEYS } from './change-log.js'

/** The records and the versions of their images. */
interface Records { readonly table: Table, readonly images: readonly ImageVersions[] }

/**
 * The keys of the records that were added, changed or removed, or of which an image was replaced, in ascending order of their bytes.
 * Returns `undefined` if there are too many for a change log.
 *
 * @param sources where the rows of the next table come from: see row-source.ts
 */
export function findTouchedKeys (previous: Records, next: Records, sources: Int32Array): ReturnType<typeof takeUtf8> | undefined {
  const hasSameImages = imageComparison(previous, next)
  const isKept = new Uint8Array(previous.table.length)
  const candidates: number[] = []
  for (let row = 0; row < sources.length; row++) {
    const source = sources[row]!
    if (isRow(source)) isKept[source] = 1
    if (!isRow(source) || !hasSameImages(source, row)) candidates.push(row)
    if (candidates.length > MAX_KEYS) return undefined
  }
  const [oldTable, table] = [new TableReader(previous.table), new TableReader(next.table)]
  const isSame = (old: number, row: number) => hasSameImages(old, row) && JSON.stringify(oldTable.row(old)) === JSON.stringify(table.row(row))
  const touched: ByteSlice[] = []
  let candidate = 0
  // Both are in ascending order of the keys.
  for (let old = 0; old < isKept.length; old++) {
    if (isKept[old] === 1) continue
    const key = sliceAt(previous.table.keys, old)
    let isReplaced = false
    for (; candidate < candidates.length; candidate++) {
      const row = candidates[candidate]!
      const other = sliceAt(next.table.keys, row)
      const order = compareBytes(other.bytes, other.start, other.end, key.bytes, key.start, key.end)
      if (order > 0) break
      if (order === 0) isReplaced = true
      if (order < 0 || !isSame(old, row)) touched.push(other)
    }
    if (!isReplaced) touched.push(key)
    if (touched.length > MAX_KEYS) return undefined
  }
  for (; candidate < candidates.length; candidate++) touched.push(sliceAt(next.table.keys, candidates[candidate]!))
  return touched.length > MAX_KEYS ? undefined : takeUtf8(touched.length, (i) => touched[i]!)
}

/** Whether a previous row and a next one have the same versions of all images. */
function imageComparison (previous: Records, next: Records): (old: number, row: number) => boolean {
  if (previous.images === next.images) return () => true
  return (old, row) => next.images.every(({ etags, sizes, modified }, field) => {
    const last = previous.images[field]!
    return last.sizes[old] === sizes[row] && last.modified[old] === modified[row] && isSameValue(last.etags, old, etags, row) &&
      isSameValue(previous.table.images[field]!, old, next.table.images[field]!, row)
  })
}
