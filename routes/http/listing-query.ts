import type { Format } from '../../lib/output/render.js'
import { planRequest, type ExportQuery, type RequestPlan } from '../../lib/output/request-plan.js'
import type { DataVersion, Page } from '../../lib/query/data-version.js'
import type { Schema } from '../../lib/schema/schema.js'
import { columnsOf, sortOf } from './columns.js'
import { csvOptionsOf, type CsvParameters } from './csv-parameters.js'
import type { ListingQuery } from './listing-parameters.js'
import { filtersOf, unknownColumn } from './parameters.js'
import type { Values } from './query.js'

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
    throw unknownColumn(error)
  }
}
