import { shared } from '../base/shared-memory.js'
import { reuseTypedArrays } from '../base/typed-arrays.js'
import { packEtag } from '../store/packed-etag.js'
import { buildTable } from '../table/build-table.js'
import { draftOf, isDraft, NO_ROW } from '../table/row-source.js'
import type { Table } from '../table/table.js'
import { sliceAt, takeUtf8, type ByteSlice } from '../table/utf8-column.js'
import type { ServedRows } from './admit-columns.js'
import { hasUsualKey, type ReconcilePlan } from './reconcile-plan.js'
import { encodeRejectedFiles, nextStateName, rejectedFilesOf, type FileVersions, type ImageVersions, type RejectedFile, type SourceState } from './source-state.js'
import type { UserObjects } from './user-objects.js'

const EMPTY_SLICE: ByteSlice = { bytes: new Uint8Array(), start: 0, end: 0 }

/**
 * The state after a plan is carried out. If nothing has changed, it is the previous state; parts that have not changed are those
 * of the previous state. Records with an unchanged version keep their table.
 */
export function nextState (plan: ReconcilePlan, served: ServedRows, listedAt: number): SourceState {
  const { previous, inventory } = plan
  const users = indexesWhere(served, (source) => source !== NO_ROW)
  const sources = users.map((user) => served[user]!)
  const images = users.map((user) => inventory.users.images[user]!)
  const hasSameRows = sources.length === previous.table.length && sources.every((source, row) => source === row)
  const sameImages = hasSameRows ? compareImages(previous, inventory.images, images) : 'none'
  const hasSameRejects = isSameRejects(plan.rejected, rejectedFilesOf(previous))
  if (sameImages === 'versions' && hasSameRejects) return previous
  return {
    name: nextStateName(previous, listedAt),
    table: sameImages === 'none' ? nextTable(plan, users, sources, images) : previous.table,
    files: hasSameRows ? previous.files : reuseTypedArrays(previous.files, fileVersions(plan, users, sources)),
    images: sameImages === 'versions' ? previous.images : reuseTypedArrays(previous.images, imageVersions(inventory.images, images)),
    rejected: hasSameRejects ? previous.rejected : encodeRejectedFiles(plan.rejected.values())
  }
}

/** What the images of the rows have in common with the previous ones: nothing, their keys, or their versions as well. */
function compareImages ({ table, images: { etags, sizes, modified } }: SourceState, list: UserObjects, images: Int32Array): 'none' | 'keys' | 'versions' {
  const [keys] = table.images
  let same: 'keys' | 'versions' = 'versions'
  for (let row = 0; row < images.length; row++) {
    const image = images[row]!
    const hadImage = keys !== undefined && keys.offsets[row] !== keys.offsets[row + 1]
    if (image === -1 ? hadImage : keys === undefined || !list.hasKey(image, keys, row)) return 'none'
    if (image !== -1 && !(list.hasEtag(image, etags, row) && list.size(image) === sizes[row] && list.lastModified(image) === modified[row])) same = 'keys'
  }
  return same
}

/** A file whose reject is known already is represented by the same object. */
function isSameRejects (rejected: ReadonlyMap<number, RejectedFile>, previous: ReadonlyMap<string, RejectedFile>): boolean {
  if (rejected.size !== previous.size) return false
  for (const file of rejected.values()) if (previous.get(file.key) !== file) return false
  return true
}

function nextTable ({ previous, builder, inventory: { infoFiles, images: list, users: { infoFiles: infoFileOf } } }: ReconcilePlan, users: Int32Array, sources: Int32Array, images: Int32Array): Table {
  const table = buildTable(previous.table, builder, {
    sources,
    keys: takeUtf8(users.length, (row) => infoFiles.userId(infoFileOf[users[row]!]!)),
    images: builder.fields.filter(({ source }) => source === 'image').slice(0, 1).map(() => takeUtf8(users.length, (row) => images[row] === -1 ? EMPTY_SLICE : list.key(images[row]!)))
  })
  // A file was replaced by one with the same content.
  return table.version === previous.table.version ? previous.table : table
}

function imageVersions (list: UserObjects, images: Int32Array): ImageVersions {
  const versions: ImageVersions = {
    etags: takeUtf8(images.length, (row) => images[row] === -1 ? EMPTY_SLICE : packEtag(list.etag(images[row]!))),
    sizes: shared(Float64Array, images.length),
    modified: shared(Float64Array, images.length)
  }
  images.forEach((image, row) => {
    if (image === -1) return
    versions.sizes[row] = list.size(image)
    versions.modified[row] = list.lastModified(image)
  })
  return versions
}

function fileVersions (plan: ReconcilePlan, users: Int32Array, sources: Int32Array): FileVersions {
  const { inventory: { infoFiles, users: { infoFiles: infoFileOf } }, previous: { files }, builder, rules } = plan
  const prefixLength = Buffer.byteLength(rules.prefix)
  const keyOfDraft = (row: number) => {
    const infoFile = infoFileOf[users[row]!]!
    return hasUsualKey(infoFiles, infoFile, prefixLength) ? EMPTY_SLICE : infoFiles.key(infoFile)
  }
  const versions: FileVersions = {
    keys: takeUtf8(users.length, (row) => isDraft(sources[row]!) ? keyOfDraft(row) : sliceAt(files.keys, sources[row]!)),
    etags: takeUtf8(users.length, (row) => isDraft(sources[row]!) ? sliceAt(builder.etags, draftOf(sources[row]!)) : sliceAt(files.etags, sources[row]!)),
    sizes: shared(Uint32Array, users.length),
    racy: shared(Uint8Array, users.length)
  }
  sources.forEach((source, row) => {
    versions.sizes[row] = isDraft(source) ? builder.sizes[draftOf(source)]! : files.sizes[source]!
    versions.racy[row] = isDraft(source) ? builder.racy[draftOf(source)]! : files.racy[source]!
  })
  return versions
}

function indexesWhere (array: Int32Array, holds: (value: number) => boolean): Int32Array {
  const indexes = new Int32Array(array.length)
  let length = 0
  for (let i = 0; i < array.length; i++) if (holds(array[i]!)) indexes[length++] = i
  return indexes.subarray(0, length)
}
