import { copySlice, sliceToString, type ExpectedSize, type ObjectList } from '../store/object-list.js'
import type { ObjectStore } from '../store/object-store.js'
import { compareBytes } from '../base/bytes.js'
import type { ByteSlice } from '../table/utf8-column.js'
import { compareUtf8 } from '../base/utf8.js'
import type { SourceState } from './source-state.js'
import { rejection, type Rejection } from './reject.js'
import { MAX_USER_ID_BYTES, type SourceRules } from './rules.js'
import { DOT, extensionIn, userIdIn, UserObjects } from './user-objects.js'

/** An info file that is refused for its key alone. */
export interface Refused { readonly userId: string | null, readonly key: string, readonly etag: string, readonly rejection: Rejection }

/** What one complete listing of the source holds. */
export interface Inventory {
  /** The info files whose user ids are valid, and the images. */
  readonly infoFiles: UserObjects
  readonly images: UserObjects
  /** The users by the bytes of their ids: for each, the info file that is served and the image, -1 where there is none. */
  readonly users: { readonly infoFiles: Int32Array, readonly images: Int32Array }
  readonly refused: readonly Refused[]
  /** Keys of images of nobody. */
  readonly orphans: readonly string[]
  /** Objects in all, and those among them that are neither info file nor image. */
  readonly listed: number
  readonly ignored: number
}

/** Somewhat more than there were, so that a few more fit. */
const MORE = 1.02

function infoFilesOf ({ table: { userIds, length }, files }: SourceState, { prefix }: SourceRules): ExpectedSize {
  return expected(length, userIds.bytes.length + length * (Buffer.byteLength(prefix) + '.csv'.length), files.etags.bytes.length)
}

function imagesOf ({ table, images: { etags, sizes } }: SourceState): ExpectedSize {
  return expected(sizes.length, table.images.bytes.length, etags.bytes.length)
}

function expected (rows: number, keyBytes: number, etagBytes: number): ExpectedSize {
  return { rows: Math.ceil(rows * MORE) + 1000, keyBytes: Math.ceil(keyBytes * MORE), etagBytes: Math.ceil(etagBytes * MORE) }
}

type Kind = 'info' | 'image' | 'own' | 'other'

/**
 * Lists the source and decides, from the listing alone, which objects count. Fails as the store's `list` does: then
 * nothing is known.
 *
 * @param onListed told after each page how many objects have been listed
 * @param known of an earlier listing, which this one is probably like
 */
export async function takeInventory (
  store: ObjectStore, rules: SourceRules, onListed: (listed: number) => void, known?: SourceState
): Promise<Inventory> {
  const infoFiles = new UserObjects(known && infoFilesOf(known, rules))
  const images = new UserObjects(known && imagesOf(known))
  const invalid: Refused[] = []
  const kindOf = classifier(rules)
  let listed = 0
  let ignored = 0
  for await (const page of store.list(rules.prefix)) {
    for (let i = 0; i < page.length; i++) {
      const kind = kindOf(page.key(i))
      if (kind === 'info') noteInfoFile(page, i, infoFiles, invalid)
      else if (kind === 'image') images.pushFrom(page, i)
      else if (kind === 'other') ignored++
    }
    listed += page.length
    onListed(listed)
  }
  const { chosen, duplicates } = chooseInfoFiles(infoFiles)
  const joined = joinImages(infoFiles, chosen, images)
  return {
    infoFiles,
    images,
    users: { infoFiles: chosen, images: joined.images },
    refused: [...invalid, ...duplicates],
    orphans: joined.orphans,
    listed,
    ignored
  }
}

/** Tells what an object is by its key. */
function classifier ({ ownKeys, imageExtensions }: SourceRules): (key: ByteSlice) => Kind {
  const own = ownKeys.map((key) => Buffer.from(key))
  const kindOf = (extension: string): Kind => extension === 'csv' ? 'info' : imageExtensions.includes(extension) ? 'image' : 'other'
  // A lake has few extensions, and many objects with each of them.
  const known: (ByteSlice & { readonly kind: Kind })[] = []
  return (key) => {
    const { bytes, start, end } = key
    const extension = extensionIn(key)
    if (extension === undefined) return 'other'
    for (const key of own) if (key.length === end - start && compareBytes(key, 0, key.length, bytes, start, end) === 0) return 'own'
    for (const other of known) if (compareBytes(other.bytes, other.start, other.end, bytes, extension.start, end) === 0) return other.kind
    const kind = kindOf(sliceToString(extension).toLowerCase())
    if (known.length < MAX_EXTENSIONS) known.push({ ...copySlice(extension), kind })
    return kind
  }
}

const MAX_EXTENSIONS = 8

function noteInfoFile (page: ObjectList, i: number, infoFiles: UserObjects, invalid: Refused[]): void {
  const userId = userIdIn(page.key(i))
  const wrong = checkUserId(userId)
  if (wrong === undefined) return infoFiles.pushFrom(page, i)
  const { key, etag } = page.at(i)
  invalid.push({ userId: null, key, etag, rejection: rejection('invalid_id', wrong, { excerpt: sliceToString(userId) }) })
}

/** What is wrong with a user id, if anything. */
function checkUserId ({ bytes, start, end }: ByteSlice): string | undefined {
  if (start === end) return 'The file name has no user id'
  if (end - start <= 2 && bytes[start] === DOT && bytes[end - 1] === DOT) return 'A user id is not "." or ".."'
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    // U+0080 to U+009F are C2 80 to C2 9F.
    if (byte < 0x20 || byte === 0x7f || (byte === 0xc2 && bytes[i + 1]! < 0xa0)) return 'A user id has no control characters'
  }
  if (end - start > MAX_USER_ID_BYTES) return `A user id has at most ${MAX_USER_ID_BYTES} bytes`
  return undefined
}

/** Among several info files of one user the shortest key is served, then the bytewise smallest. */
function chooseInfoFiles (infoFiles: UserObjects) {
  const chosen: number[] = []
  const duplicates: Refused[] = []
  const lengthOf = (i: number) => infoFiles.key(i).end - infoFiles.key(i).start
  for (const candidate of infoFiles.byUser()) {
    const rival = chosen.at(-1)
    if (rival === undefined || infoFiles.compareUsers(rival, infoFiles, candidate) !== 0) {
      chosen.push(candidate)
      continue
    }
    // They come in key order: among equally short ones the first is the smallest.
    const wins = lengthOf(candidate) < lengthOf(rival)
    if (wins) chosen[chosen.length - 1] = candidate
    const { key, etag } = infoFiles.at(wins ? rival : candidate)
    duplicates.push({ userId: sliceToString(infoFiles.userId(candidate)), key, etag, rejection: rejection('duplicate_id', 'Another info file of this user has a shorter or smaller key') })
  }
  return { chosen: Int32Array.from(chosen), duplicates }
}

/** The image of each user: the newest, then the one with the greatest key. */
function joinImages (infoFiles: UserObjects, users: Int32Array, images: UserObjects) {
  const joined = new Int32Array(users.length).fill(-1)
  const orphans: string[] = []
  let user = 0
  for (const image of images.byUser()) {
    let order = -1
    for (; user < users.length; user++) {
      order = infoFiles.compareUsers(users[user]!, images, image)
      if (order >= 0) break
    }
    if (order !== 0) {
      orphans.push(sliceToString(images.key(image)))
      continue
    }
    const rival = joined[user]!
    // They come in key order: of two as new as each other the later one has the greater key.
    if (rival === -1 || images.lastModified(image) >= images.lastModified(rival)) joined[user] = image
  }
  return { images: joined, orphans: orphans.sort(compareUtf8) }
}
