import { buildTable } from '../table/build-table.js'
import { shared } from '../base/shared-memory.js'
import type { Table } from '../table/table.js'
import { takeUtf8, sliceAt, type ByteSlice } from '../table/utf8-column.js'
import type { ServedRows } from './admit-columns.js'
import type { FileVersions, ImageVersions, SourceState } from './etag-cache.js'
import { hasUsualKey, NO_ROW, type ReconcilePlan } from './reconcile-plan.js'
import type { UserObjects } from './user-objects.js'

const NO_PIECE: ByteSlice = { bytes: new Uint8Array(), start: 0, end: 0 }

/** The state after a plan is carried out: the same object as before where nothing has changed. */
export function nextState (plan: ReconcilePlan, served: ServedRows): SourceState {
  const { previous: { state }, inventory } = plan
  const users = indexesWhere(served, (source) => source !== NO_ROW)
  const sources = users.map((user) => served[user]!)
  const images = users.map((user) => inventory.users.images[user]!)
  const hasSameRows = sources.length === state.table.length && sources.every((source, row) => source === row)
  const sameImages = hasSameRows ? compareImages(state, inventory.images, images) : 'none'
  const rejected = [...plan.rejected.values()]
  if (sameImages === 'versions' && isSameArray(rejected, state.rejected)) return state
  return {
    table: sameImages === 'none' ? nextTable(plan, users, sources, images) : state.table,
    files: hasSameRows ? state.files : fileVersions(plan, users, sources),
    images: sameImages === 'versions' ? state.images : imageVersions(inventory.images, images),
    rejected
  }
}

/** Whether the images of the rows are those of before: their keys only, or their versions as well. */
function compareImages ({ table, images: { etags, sizes, modified } }: SourceState, list: UserObjects, images: Int32Array): 'none' | 'keys' | 'versions' {
  let same: 'keys' | 'versions' = 'versions'
  for (let row = 0; row < images.length; row++) {
    const image = images[row]!
    const isAbsent = table.images.offsets[row] === table.images.offsets[row + 1]
    if (image === -1 ? !isAbsent : !list.hasKey(image, table.images, row)) return 'none'
    if (image !== -1 && !(list.hasEtag(image, etags, row) && list.size(image) === sizes[row] && list.lastModified(image) === modified[row])) same = 'keys'
  }
  return same
}

function nextTable ({ previous, builder, inventory: { infoFiles, images: list, users: { infoFiles: infoFileOf } } }: ReconcilePlan, users: Int32Array, sources: Int32Array, images: Int32Array): Table {
  return buildTable(previous.state.table, builder, {
    sources,
    userIds: takeUtf8(users.length, (row) => infoFiles.userId(infoFileOf[users[row]!]!)),
    images: takeUtf8(users.length, (row) => images[row] === -1 ? NO_PIECE : list.key(images[row]!))
  })
}

function imageVersions (list: UserObjects, images: Int32Array): ImageVersions {
  const versions: ImageVersions = {
    etags: takeUtf8(images.length, (row) => images[row] === -1 ? NO_PIECE : list.etag(images[row]!)),
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
  const { inventory: { infoFiles, users: { infoFiles: infoFileOf } }, previous: { state: { files } }, builder, rules } = plan
  const prefixLength = Buffer.byteLength(rules.prefix)
  const keyOfDraft = (row: number) => {
    const infoFile = infoFileOf[users[row]!]!
    return hasUsualKey(infoFiles, infoFile, prefixLength) ? NO_PIECE : infoFiles.key(infoFile)
  }
  const versions: FileVersions = {
    keys: takeUtf8(users.length, (row) => sources[row]! >= 0 ? sliceAt(files.keys, sources[row]!) : keyOfDraft(row)),
    etags: takeUtf8(users.length, (row) => sources[row]! >= 0 ? sliceAt(files.etags, sources[row]!) : sliceAt(builder.etags, ~sources[row]!)),
    sizes: shared(Uint32Array, users.length),
    racy: shared(Uint8Array, users.length)
  }
  sources.forEach((source, row) => {
    versions.sizes[row] = source >= 0 ? files.sizes[source]! : builder.sizes[~source]!
    versions.racy[row] = source >= 0 ? files.racy[source]! : builder.racy[~source]!
  })
  return versions
}

function indexesWhere (array: Int32Array, holds: (value: number) => boolean): Int32Array {
  const indexes = new Int32Array(array.length)
  let length = 0
  for (let i = 0; i < array.length; i++) if (holds(array[i]!)) indexes[length++] = i
  return indexes.subarray(0, length)
}

function isSameArray<T> (a: ArrayLike<T>, b: ArrayLike<T>): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
