import type { Format } from '../../lib/output/render.js'
import { planRequest, type ExportQuery, type RequestPlan } from '../../lib/output/request-plan.js'
import type { DataVersion, Page, Position } from '../../lib/query/data-version.js'
import type { Schema } from '../../lib/schema/schema.js'
import { invalidParameter, Problem } from '../../plugins/problems/problem.js'
import { columnsOf, sortOf } from './columns.js'
import { csvOptionsOf, type CsvParameters } from './csv-parameters.js'
import { decodeCursor, encodeCursor, type Cursor } from './cursor.js'
import type { ListingQuery } from './listing-parameters.js'
import { integerParameter, textParameter } from './parameter.js'
import { filtersOf, instantOf, unknownColumn, type FilterQuery } from './parameters.js'
import { parametersSchema, toEntries, toQuery, type Parameters, type Values } from './query.js'

/** The parameter `cursor`. `note`: what the document adds about its pages. */
export const cursorParameter = (note = '') => textParameter({
  accepted: 'the Next-Cursor of an earlier response',
  description: `Requests the next page of a listing: the value of \`Next-Cursor\` in the response with the previous page.${note} The cursor contains the other parameters, so they need not be repeated.`
})

export const PageParameters = {
  limit: integerParameter({
    minimum: 1, maximum: 10_000, description: 'The maximum number of records in a page. Without it, the response has all records that match.', example: 100
  }),
  cursor: cursorParameter()
}

type PageQuery = Partial<Values<typeof PageParameters>>

/** The path and the parameters of a listing. */
export interface ListingPath {
  /** Its URL path, for links to other pages. */
  readonly path: string
  /** Its parameters, without those of paging. */
  readonly definitions: Parameters
}

/** The requested listing, and the requested page of it. */
export interface Listing<T> {
  /** Its URL path, for links to other pages. */
  readonly path: string
  /** Its parameters, without those of paging. */
  readonly parameters: T
  /** The same as text, without those that have their default value. */
  readonly entries: Cursor['parameters']
  /** The instant at which its ages are counted, in milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
  /** The name of its data version; `undefined`: the current one. */
  readonly version: string | undefined
  /** `undefined`: all records. */
  readonly page: Page | undefined
}

/**
 * Reads the parameters of paging. A cursor contains the parameters of its listing; if a request repeats them beside the cursor, they must
 * be the same.
 *
 * @throws {Problem} if the cursor is invalid, or belongs to a query with other parameters
 */
export function listingOf<T extends FilterQuery> (
  { path, definitions }: ListingPath, { cursor: text, limit, ...values }: T & PageQuery, now: number
): Listing<T> {
  const entries = toEntries(definitions, values)
  const current = values as unknown as T
  if (text === undefined) {
    return { path, parameters: current, entries, asOf: instantOf(current, now), version: undefined, page: limit === undefined ? undefined : { limit } }
  }
  const cursor = decodeCursor(text)
  if (cursor === undefined) throw unknownCursor()
  if (entries.length > 0 && JSON.stringify(entries) !== JSON.stringify(cursor.parameters)) {
    throw otherQuery()
  }
  const { version, after, asOf } = cursor
  const { limit: cursorLimit, ...parameters } = parseContent(definitions, cursor)
  return { path, parameters: parameters as unknown as T, entries: cursor.parameters, asOf, version: version ?? undefined, page: { limit: limit ?? cursorLimit, after } }
}

/** Validates what a cursor contains as if a request contained it: this release may no longer accept it, or it may be forged. */
function parseContent (definitions: Parameters, { parameters, limit }: Cursor): PageQuery {
  const { limit: limitDefinition } = PageParameters
  try {
    return parametersSchema({ ...definitions, limit: limitDefinition } as Parameters).parse(toQuery([...parameters, ['limit', String(limit)]])) as PageQuery
  } catch {
    throw expiredCursor() // the same message for all causes
  }
}

/** The problem of a cursor that this listing has not issued. */
export function unknownCursor (): Problem {
  return invalidParameter('cursor', 'is not a cursor of this listing, or is damaged; must be the Next-Cursor of an earlier response')
}

/** The problem of a cursor beside which a request has other parameters than those in the cursor. */
export function otherQuery (): Problem {
  return invalidParameter('cursor', 'belongs to a query with other parameters; send it without parameters other than limit to continue that query, or begin another query without a cursor')
}

/** The problem of a cursor that does not fit its listing. */
export function expiredCursor (): Problem {
  return invalidParameter('cursor', 'has expired or belongs to another path; restart from the first page, without a cursor')
}

/** The headers that lead to the page after this one. */
export function nextHeaders (listing: Listing<unknown>, version: string, after: Position): { readonly link: string, readonly 'next-cursor': string } {
  const cursor = cursorOf(listing, version, after)
  return { link: `<${urlOf(listing, cursor)}>; rel="next"`, 'next-cursor': cursor }
}

/** The problem of a data version that is no longer retained, with the ways to continue. */
export function versionGone (listing: Listing<unknown>): Problem {
  const cursor = cursorOf(listing, null, listing.page!.after!)
  return new Problem(410, 'version_gone', 'The data version of this listing is no longer retained, or is unknown to this process', {
    members: {
      restart: `${listing.path}?${new URLSearchParams([...listing.entries, ['limit', String(listing.page!.limit)]] as [string, string][])}`,
      continue: urlOf(listing, cursor),
      continue_cursor: cursor
    }
  })
}

function cursorOf ({ entries, page, asOf }: Listing<unknown>, version: string | null, after: Position): string {
  return encodeCursor({ version, parameters: entries, limit: page!.limit!, asOf, after })
}

function urlOf ({ path, page }: Listing<unknown>, cursor: string): string {
  return `${path}?limit=${page!.limit}&cursor=${cursor}`
}

/** The parameters of a listing of records and of its format, parsed. */
export type DataQuery = ListingQuery & Partial<Values<typeof CsvParameters>>

/** What a listing depends on besides its parameters. */
export interface ListingContext {
  readonly schema: Schema
  readonly format: Format
  readonly page: Page | undefined
  /** The instant at which ages are counted, in milliseconds since 1970-01-01 UTC. */
  readonly asOf: number
  /** IANA name of the zone whose calendar counts completed years. */
  readonly timeZone: string
}

/** Plans a listing of records in a data version. @throws {Problem} names the parameter that is wrong */
export function planListing (parameters: DataQuery, { schema, format, page, asOf, timeZone }: ListingContext, version: DataVersion): RequestPlan {
  return planQuery(version, {
    ...csvOptionsOf(parameters, format),
    filters: filtersOf(schema, parameters, asOf, timeZone, version),
    columns: columnsOf(parameters.columns, version),
    sort: sortOf(parameters.sort, version),
    page,
    asOf,
    format
  })
}

/** As `planRequest`, for a query that comes from parameters. @throws {Problem} */
export function planQuery (version: DataVersion, query: ExportQuery): RequestPlan {
  try {
    return planRequest(version, query)
  } catch (error) {
    throw unknownColumn(error, version)
  }
}
