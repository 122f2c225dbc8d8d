import { createHash } from 'node:crypto'
import type { Position } from '../../lib/query/data-version.js'

/** What a cursor tells: where a listing goes on, whatever has become of the data. */
export interface Cursor {
  /** The data version that the listing is of; `null`: whichever is the current one. */
  readonly version: string | null
  /** The parameters that it began with, but for those of paging. */
  readonly parameters: readonly (readonly [name: string, value: string])[]
  readonly limit: number
  /** The instant of its ages: milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
  /** The last record that was answered. */
  readonly after: Position
}

const CHECK_BYTES = 9

/** The cursor as text that means nothing to clients. */
export function encodeCursor ({ version, parameters, limit, asOf, after: { userId, value } }: Cursor): string {
  const content = Buffer.from(JSON.stringify([version, parameters, limit, asOf, userId, value]))
  return `${content.toString('base64url')}.${checkOf(content)}`
}

/** Reads a cursor; `undefined` where the text is none, or was damaged on its way. */
export function decodeCursor (text: string): Cursor | undefined {
  const [encoded = '', check] = text.split('.')
  const content = Buffer.from(encoded, 'base64url')
  if (check !== checkOf(content)) return undefined
  try {
    const [version, parameters, limit, asOf, userId, value] = JSON.parse(content.toString())
    return { version, parameters, limit, asOf, after: { userId, value } }
  } catch {
    return undefined
  }
}

/** There is nothing to gain by a forged cursor: this is against mistakes. */
function checkOf (content: Buffer): string {
  return createHash('sha256').update('userlake cursor 1').update(content).digest().subarray(0, CHECK_BYTES).toString('base64url')
}
