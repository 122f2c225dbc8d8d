import { userIdOf } from '../record.js'
import type { ObjectInfo, ObjectStore } from '../store/object-store.js'
import { compareUtf8 } from '../utf8.js'
import { ObjectList, textOf } from './object-list.js'
import { fault, type Fault } from './reject.js'
import { MAX_USER_ID_BYTES, type SourceRules } from './rules.js'

/** An info file that is refused for its key alone. */
export interface Refused { readonly userId: string | null, readonly key: string, readonly etag: string, readonly fault: Fault }

/** What one complete listing of the source holds. */
export interface Inventory {
  /** The info files whose user ids are valid, and the images. */
  readonly infoFiles: ObjectList
  readonly images: ObjectList
  /** The users by the bytes of their ids: for each, the info file that is served and the image, -1 where there is none. */
  readonly users: { readonly infoFiles: Int32Array, readonly images: Int32Array }
  readonly refused: readonly Refused[]
  /** Keys of images of nobody. */
  readonly orphans: readonly string[]
  /** Objects in all, and those among them that are neither info file nor image. */
  readonly listed: number
  readonly ignored: number
}

type Kind = 'info' | 'image' | 'own' | 'other'

/**
 * Lists the source and decides, from the listing alone, which objects count. Fails as the store's `list` does: then
 * nothing is known.
 *
 * @param onListed told after each page how many objects have been listed
 */
export async function takeInventory (
  store: ObjectStore, rules: SourceRules, onListed: (listed: number) => void
): Promise<Inventory> {
  const infoFiles = new ObjectList()
  const images = new ObjectList()
  const invalid: Refused[] = []
  let listed = 0
  let ignored = 0
  for await (const page of store.list(rules.prefix)) {
    for (const object of page) {
      const kind = kindOf(object.key, rules)
      if (kind === 'image') images.push(object)
      else if (kind === 'other') ignored++
      else if (kind === 'info') noteInfoFile(object, infoFiles, invalid)
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

function kindOf (key: string, { ownKeys, imageExtensions }: SourceRules): Kind {
  const dot = key.lastIndexOf('.')
  if (dot < key.lastIndexOf('/') || dot === -1) return 'other'
  if (ownKeys.includes(key)) return 'own'
  const extension = key.slice(dot + 1).toLowerCase()
  if (extension === 'csv') return 'info'
  return imageExtensions.includes(extension) ? 'image' : 'other'
}

function noteInfoFile (object: ObjectInfo, infoFiles: ObjectList, invalid: Refused[]): void {
  const userId = userIdOf(object.key)
  const wrong = checkUserId(userId)
  if (wrong === undefined) infoFiles.push(object)
  else invalid.push({ userId: null, key: object.key, etag: object.etag, fault: fault('invalid_user_id', wrong, { excerpt: userId }) })
}

/** What is wrong with a user id, if anything. */
function checkUserId (userId: string): string | undefined {
  if (userId === '') return 'The file name has no user id'
  if (userId === '.' || userId === '..') return 'A user id is not "." or ".."'
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(userId)) return 'A user id has no control characters'
  // No UTF-16 unit takes more than three bytes.
  if (3 * userId.length > MAX_USER_ID_BYTES && Buffer.byteLength(userId) > MAX_USER_ID_BYTES) return `A user id has at most ${MAX_USER_ID_BYTES} bytes`
  return undefined
}

/** Among several info files of one user the shortest key is served, then the bytewise smallest. */
function chooseInfoFiles (infoFiles: ObjectList) {
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
    duplicates.push({ userId: userIdOf(key), key, etag, fault: fault('duplicate_id', 'Another info file of this user has a shorter or smaller key') })
  }
  return { chosen: Int32Array.from(chosen), duplicates }
}

/** The image of each user: the newest, then the one with the greatest key. */
function joinImages (infoFiles: ObjectList, users: Int32Array, images: ObjectList) {
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
      orphans.push(textOf(images.key(image)))
      continue
    }
    const rival = joined[user]!
    // They come in key order: of two as new as each other the later one has the greater key.
    if (rival === -1 || images.lastModified(image) >= images.lastModified(rival)) joined[user] = image
  }
  return { images: joined, orphans: orphans.sort(compareUtf8) }
}
