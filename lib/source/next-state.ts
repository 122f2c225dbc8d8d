import { buildTable } from '../table/build-table.js'
import { shared } from '../table/shared.js'
import { gatherTexts, isSameTexts, pieceAt, type Piece } from '../table/texts.js'
import type { Served } from './admit-columns.js'
import type { FileVersions, ImageVersions, SourceState } from './etag-cache.js'
import { hasUsualKey, NONE, type Plan } from './plan.js'

const NO_PIECE: Piece = { bytes: new Uint8Array(), start: 0, end: 0 }

/** The state after a plan is carried out: the same object as before where nothing has changed. */
export function nextState (plan: Plan, served: Served): SourceState {
  const { previous: { state } } = plan
  const users = Int32Array.from(served.keys()).filter((user) => served[user] !== NONE)
  const sources = users.map((user) => served[user]!)
  const listing = listedColumns(plan, users)
  const hasSameRows = sources.length === state.table.length && sources.every((source, row) => source === row)
  const hasSameKeys = hasSameRows && isSameTexts(state.table.images, listing.imageKeys)
  const table = hasSameKeys
    ? state.table
    : buildTable(state.table, plan.drafts, { sources, userIds: listing.userIds(), images: listing.imageKeys })
  const files = hasSameRows ? state.files : fileVersions(plan, users, sources)
  const images = hasSameKeys && isSameTexts(state.images.etags, listing.images.etags) && isSameArray(state.images.modified, listing.images.modified) &&
    isSameArray(state.images.sizes, listing.images.sizes)
    ? state.images
    : listing.images
  const faulty = [...plan.faulty.values()]
  const isUnchanged = table === state.table && images === state.images && isSameArray(faulty, state.faulty)
  return isUnchanged ? state : { table, files, images, faulty }
}

/** The columns that come from the listing alone. */
function listedColumns ({ inventory }: Plan, users: Int32Array) {
  const { infoFiles, images } = inventory
  const imageOf = (row: number) => inventory.users.images[users[row]!]!
  const pieceOf = (piece: (image: number) => Piece) => (row: number) => imageOf(row) === -1 ? NO_PIECE : piece(imageOf(row))
  const versions: ImageVersions = {
    etags: gatherTexts(users.length, pieceOf((image) => images.etag(image))),
    sizes: shared(Float64Array, users.length),
    modified: shared(Float64Array, users.length)
  }
  users.forEach((_, row) => {
    const image = imageOf(row)
    if (image === -1) return
    versions.sizes[row] = images.size(image)
    versions.modified[row] = images.lastModified(image)
  })
  return {
    images: versions,
    imageKeys: gatherTexts(users.length, pieceOf((image) => images.key(image))),
    userIds: () => gatherTexts(users.length, (row) => infoFiles.userId(inventory.users.infoFiles[users[row]!]!))
  }
}

function fileVersions (plan: Plan, users: Int32Array, sources: Int32Array): FileVersions {
  const { inventory: { infoFiles, users: { infoFiles: infoFileOf } }, previous: { state: { files } }, drafts, rules } = plan
  const keyOfDraft = (row: number) => {
    const infoFile = infoFileOf[users[row]!]!
    return hasUsualKey(infoFiles, infoFile, rules) ? NO_PIECE : infoFiles.key(infoFile)
  }
  const versions: FileVersions = {
    keys: gatherTexts(users.length, (row) => sources[row]! >= 0 ? pieceAt(files.keys, sources[row]!) : keyOfDraft(row)),
    etags: gatherTexts(users.length, (row) => sources[row]! >= 0 ? pieceAt(files.etags, sources[row]!) : pieceAt(drafts.etags, ~sources[row]!)),
    sizes: shared(Uint32Array, users.length),
    settled: shared(Uint8Array, users.length)
  }
  sources.forEach((source, row) => {
    versions.sizes[row] = source >= 0 ? files.sizes[source]! : drafts.sizes[~source]!
    versions.settled[row] = source >= 0 ? files.settled[source]! : drafts.settled[~source]!
  })
  return versions
}

function isSameArray<T> (a: ArrayLike<T>, b: ArrayLike<T>): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
