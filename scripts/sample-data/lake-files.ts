import { drawAvatar } from './avatar.js'
import { personAt, type Person } from './person.js'
import { randomOf } from './random.js'

/** What to generate. Equal plans give equal bytes. */
export interface LakePlan {
  readonly users: number
  /** The share of users with an image, from 0 to 1. */
  readonly images: number
  /** From 0 to 4294967295. */
  readonly seed: number
}

export interface LakeFile {
  readonly name: string
  readonly body: Buffer
}

/** The image without a user. Its index differs from those of users, which are not negative. */
const ORPHAN = { id: 'no-info-file', index: -1 }

/** Yields the files of a lake one at a time, so that memory use does not grow with it: users in order, then one image without a user. */
export function * lakeFiles ({ users, images, seed }: LakePlan): Generator<LakeFile> {
  for (let index = 0; index < users; index++) {
    const person = personAt(seed, index)
    yield { name: `${person.id}.csv`, body: Buffer.from(toCsv(person)) }
    if (imagesUpTo(index + 1, images) > imagesUpTo(index, images)) yield image(person.id, seed, index)
  }
  yield image(ORPHAN.id, seed, ORPHAN.index)
}

/** How many files `lakeFiles` yields. */
export function countFiles ({ users, images }: LakePlan): number {
  return users + imagesUpTo(users, images) + 1
}

/** The number of images among the first `users` users: the share is exact, apart from rounding, for every such prefix. */
function imagesUpTo (users: number, share: number): number {
  return Math.round(users * share)
}

function image (id: string, seed: number, index: number): LakeFile {
  // A separate random sequence, so that a change to the drawing of images does not change the names of users.
  return { name: `${id}.png`, body: drawAvatar(randomOf(~seed, index)) }
}

function toCsv ({ firstName, lastName, birthts }: Person): string {
  return `first_name, last_name, birthts\n${quoted(firstName)}, ${quoted(lastName)}, ${birthts}\n`
}

/** Quotes a field if RFC 4180 requires it, and doubles the quotes in it. */
function quoted (text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
