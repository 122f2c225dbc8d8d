import { drawAvatar } from './avatar.js'
import { personAt, type Person } from './person.js'
import { randomOf } from './random.js'

/** A lake to make up. Equal plans give equal bytes. */
export interface LakePlan {
  readonly users: number
  /** The share of users with a picture, from 0 to 1. */
  readonly images: number
  /** From 0 to 4294967295. */
  readonly seed: number
}

export interface LakeFile {
  readonly name: string
  readonly body: Buffer
}

/** An index that no user has. */
const NOBODY = -1

/** The files of a lake one by one, so that memory does not grow with it: users in order, then one picture of nobody. */
export function * lakeFiles ({ users, images, seed }: LakePlan): Generator<LakeFile> {
  for (let index = 0; index < users; index++) {
    const person = personAt(seed, index)
    yield { name: `${person.id}.csv`, body: Buffer.from(toCsv(person)) }
    if (picturesUpTo(index + 1, images) > picturesUpTo(index, images)) yield picture(person.id, seed, index)
  }
  yield picture('nobody', seed, NOBODY)
}

/** How many files `lakeFiles` yields. */
export function countFiles ({ users, images }: LakePlan): number {
  return users + picturesUpTo(users, images) + 1
}

/** Spreads the pictures evenly: among any first `users` the share is exact, but for rounding. */
function picturesUpTo (users: number, share: number): number {
  return Math.round(users * share)
}

function picture (id: string, seed: number, index: number): LakeFile {
  // Another sequence than the person's: pictures can change while names stay.
  return { name: `${id}.png`, body: drawAvatar(randomOf(~seed, index)) }
}

function toCsv ({ firstName, lastName, birthts }: Person): string {
  return `first_name, last_name, birthts\n${quoted(firstName)}, ${quoted(lastName)}, ${birthts}\n`
}

/** RFC 4180: in quotes where it has to be, quotes doubled. */
function quoted (text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
