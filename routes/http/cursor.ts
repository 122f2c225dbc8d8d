import { MAX_TIME_MS } from '../../lib/base/instant.js'
import type { Position } from '../../lib/query/data-version.js'
import { openText, sealText } from './sealed-text.js'

/** The position where a listing continues, even if the data has changed since. */
export interface Cursor {
  /** The name of the data version of the listing; `null`: the current one. */
  readonly version: string | null
  /** The parameters that the listing began with, without those of paging. */
  readonly parameters: readonly (readonly [name: string, value: string])[]
  readonly limit: number
  /** The instant at which ages are counted, in milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
  /** The position of the last record of the page before. */
  readonly after: Position
}

/** Writes a cursor as text that is opaque to clients. */
export function encodeCursor ({ version, parameters, limit, asOf, after: { id, values } }: Cursor): string {
  return sealText([version, parameters, limit, asOf, id, values])
}

/**
 * Reads a cursor. Returns `undefined` if the text is damaged or is not a cursor. The caller must validate the limit, the parameters and
 * the position like those of a request: any client can forge a cursor.
 */
export function decodeCursor (text: string): Cursor | undefined {
  return toCursor(openText(text))
}

function toCursor (content: unknown): Cursor | undefined {
  if (!Array.isArray(content) || content.length !== 6) return undefined
  const [version, parameters, limit, asOf, id, values] = content as unknown[]
  const isValid = (version === null || typeof version === 'string') &&
    Array.isArray(parameters) && parameters.every(isEntry) &&
    typeof limit === 'number' &&
    typeof asOf === 'number' && Number.isInteger(asOf) && Math.abs(asOf) <= MAX_TIME_MS &&
    typeof id === 'string' &&
    Array.isArray(values) && values.every(isValue)
  return isValid ? { version, parameters, limit, asOf, after: { id, values: values as Position['values'] } } : undefined
}

function isValue (value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

function isEntry (entry: unknown): entry is [string, string] {
  return Array.isArray(entry) && entry.length === 2 && entry.every((text) => typeof text === 'string')
}
