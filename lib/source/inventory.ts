import type { ObjectInfo, ObjectStore } from '../store/object-store.js'
import { compareUtf8 } from '../utf8.js'
import { fault, type Fault } from './reject.js'
import { MAX_USER_ID_BYTES, type SourceRules } from './rules.js'

/** What one complete listing of the source holds. */
export interface Inventory {
  /** The info file of each user: the one that is served. */
  readonly infoFiles: ReadonlyMap<string, ObjectInfo>
  /** The image of each user that has an info file. */
  readonly images: ReadonlyMap<string, ObjectInfo>
  /** Info files that are refused for their key alone. */
  readonly refused: readonly { readonly userId: string | null, readonly object: ObjectInfo, readonly fault: Fault }[]
  /** Images of nobody, in key order. */
  readonly orphans: readonly string[]
  /** Objects in all, and those among them that are neither info file nor image. */
  readonly listed: number
  readonly ignored: number
}

type Kind = 'info' | 'image' | 'other'

/**
 * Lists the source and decides, from the listing alone, which objects count. Fails as the store's `list` does: then
 * nothing is known.
 *
 * @param onListed told after each page how many objects have been listed
 */
export async function takeInventory (
  store: ObjectStore, rules: SourceRules, onListed: (listed: number) => void
): Promise<Inventory> {
  const infoFiles: ObjectInfo[] = []
  const images: ObjectInfo[] = []
  let listed = 0
  for await (const page of store.list(rules.prefix)) {
    for (const object of page) {
      const kind = kindOf(object.key, rules)
      if (kind === 'info') infoFiles.push(object)
      if (kind === 'image') images.push(object)
    }
    listed += page.length
    onListed(listed)
  }
  const info = chooseInfoFiles(infoFiles)
  return { ...info, ...chooseImages(images, info.infoFiles), listed, ignored: listed - infoFiles.length - images.length }
}

/** The user that an object belongs to: its base name without its extension. May break the rules for user ids. */
function userIdOf (key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1)
  return name.slice(0, name.lastIndexOf('.'))
}

function kindOf (key: string, { outputKey, imageExtensions }: SourceRules): Kind {
  const dot = key.lastIndexOf('.')
  if (key === outputKey || dot < key.lastIndexOf('/') || dot === -1) return 'other'
  const extension = key.slice(dot + 1).toLowerCase()
  if (extension === 'csv') return 'info'
  return imageExtensions.includes(extension) ? 'image' : 'other'
}

function chooseInfoFiles (objects: readonly ObjectInfo[]) {
  const infoFiles = new Map<string, ObjectInfo>()
  const refused: { userId: string | null, object: ObjectInfo, fault: Fault }[] = []
  for (const object of objects) {
    const userId = userIdOf(object.key)
    const wrong = checkUserId(userId)
    if (wrong !== undefined) {
      refused.push({ userId: null, object, fault: fault('invalid_user_id', wrong, { excerpt: userId }) })
      continue
    }
    const rival = infoFiles.get(userId)
    const wins = rival === undefined || compareClaims(object.key, rival.key) < 0
    if (wins) infoFiles.set(userId, object)
    if (rival !== undefined) {
      const loser = wins ? rival : object
      refused.push({ userId, object: loser, fault: fault('duplicate_id', 'Another info file of this user has a shorter or smaller key') })
    }
  }
  return { infoFiles, refused }
}

/** Among several info files of one user the shortest key is served, then the bytewise smallest. */
function compareClaims (a: string, b: string): number {
  return Buffer.byteLength(a) - Buffer.byteLength(b) || compareUtf8(a, b)
}

/** What is wrong with a user id, if anything. */
function checkUserId (userId: string): string | undefined {
  if (userId === '') return 'The file name has no user id'
  if (userId === '.' || userId === '..') return 'A user id is not "." or ".."'
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(userId)) return 'A user id has no control characters'
  if (Buffer.byteLength(userId) > MAX_USER_ID_BYTES) return `A user id has at most ${MAX_USER_ID_BYTES} bytes`
  return undefined
}

function chooseImages (objects: readonly ObjectInfo[], infoFiles: ReadonlyMap<string, ObjectInfo>) {
  const images = new Map<string, ObjectInfo>()
  const orphans: string[] = []
  for (const object of objects) {
    const userId = userIdOf(object.key)
    if (!infoFiles.has(userId)) {
      orphans.push(object.key)
      continue
    }
    const rival = images.get(userId)
    // Objects come in key order: of two as new as each other the later one has the greater key.
    if (rival === undefined || object.lastModified >= rival.lastModified) images.set(userId, object)
  }
  return { images, orphans }
}
