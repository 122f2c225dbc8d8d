import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Position } from '../../lib/query/data-version.js'
import { Problem } from '../../plugins/problems.js'
import { decodeCursor, encodeCursor, type Cursor } from './cursor.js'
import { instantOf, invalidParameter, type FilterQuery } from './parameters.js'

/** Most records of a page. */
const MAX_LIMIT = 10_000

export const PageParameters = {
  limit: Type.Optional(Type.String({ pattern: '^([1-9]\\d{0,3}|10000)$', description: `how many records a page has at most, 1 to ${MAX_LIMIT}` })),
  cursor: Type.Optional(Type.String({ minLength: 1, description: 'where a listing goes on, as the `Link` of the page before says' }))
}

/** Which part of which listing a request asks for. */
export interface Page<T> {
  /** The parameters of the listing, those of paging left out. */
  readonly parameters: T
  readonly limit: number | undefined
  /** The instant of its ages, in milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
  /** The data version that it is of; `undefined`: the current one. */
  readonly version: string | undefined
  readonly after: Position | undefined
}

/** Reads the parameters of paging. A cursor brings those of its listing along; others beside it have to be the same. */
export function pageOf<T extends FilterQuery> (request: FastifyRequest, { cursor: text, limit, ...rest }: T & { cursor?: string, limit?: string }, now: number): Page<T> {
  const parameters = rest as unknown as T
  if (text === undefined) {
    return { parameters, limit: limit === undefined ? undefined : Number(limit), asOf: instantOf(parameters, now), version: undefined, after: undefined }
  }
  const cursor = decodeCursor(text)
  if (cursor === undefined) throw invalidParameter('cursor', 'is not one that this service has given, or was changed on its way')
  const given = entriesOf(parameters)
  if (given.length > 0 && JSON.stringify(given) !== JSON.stringify(cursor.parameters)) {
    throw invalidParameter('cursor', 'belongs to another query; leave the parameters out that are not limit or cursor')
  }
  const { version, after, asOf } = cursor
  const listing = toParameters(cursor.parameters)
  if (!request.validateInput(listing, 'querystring')) throw invalidParameter('cursor', 'is of no use any more; begin the listing anew')
  return { parameters: listing as unknown as T, limit: limit === undefined ? cursor.limit : Number(limit), asOf, version: version ?? undefined, after }
}

/** Where the page behind this one is. */
export function nextUrl<T extends object> ({ parameters, limit, asOf }: Page<T>, version: string, after: Position): string {
  return urlOf({ version, parameters: entriesOf(parameters), limit: limit!, asOf, after })
}

/** The answer where the data version of a cursor is gone, with the ways to go on. */
export function versionGone<T extends object> ({ parameters, limit, asOf, after }: Page<T>): Problem {
  const entries = entriesOf(parameters)
  return new Problem(410, 'version_gone', 'The data version of this listing is not held any more, or not here', {
    members: {
      restart: `/data?${new URLSearchParams([...entries, ['limit', String(limit)]] as [string, string][])}`,
      continue: urlOf({ version: null, parameters: entries, limit: limit!, asOf, after: after! })
    }
  })
}

function urlOf (cursor: Cursor): string {
  return `/data?limit=${cursor.limit}&cursor=${encodeCursor(cursor)}`
}

type Entries = Cursor['parameters']

/** Parameters as pairs, in an order that does not depend on that of the request. */
function entriesOf (parameters: object): Entries {
  return Object.entries(parameters)
    .sort(([a], [b]) => a < b ? -1 : 1)
    .flatMap(([name, value]: [string, string | string[] | undefined]) => [value ?? []].flat().map((value): [string, string] => [name, value]))
}

function toParameters (entries: Entries): Record<string, string | string[]> {
  const parameters: Record<string, string | string[]> = {}
  for (const [name, value] of entries) {
    const known = parameters[name]
    parameters[name] = known === undefined ? value : [known, value].flat()
  }
  return parameters
}
