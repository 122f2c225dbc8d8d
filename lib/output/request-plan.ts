import { checkColumns, usesAge } from '../query/check-columns.js'
import type { DataVersion, Page, SelectQuery, Sort } from '../query/data-version.js'
import type { Filter } from '../query/filter.js'
import { keyNameOf } from '../table/table-field.js'
import type { CsvOptions, Format } from './render.js'

/** What a request asks for. */
export interface ExportQuery extends CsvOptions {
  /** Combined with AND. */
  readonly filters?: readonly Filter[] | undefined
  readonly columns?: readonly string[] | undefined
  readonly sort?: Sort | undefined
  readonly page?: Page | undefined
  readonly format: Format
  /** The instant of the virtual column `age`, in milliseconds since 1970-01-01 UTC. */
  readonly asOf?: number | undefined
}

/** A validated request as plain data. Plans with equal keys have equal results, so caches use the keys. */
export interface RequestPlan extends ExportQuery {
  /** The name of the data version. */
  readonly version: string
  /** Names the records that match in a data version. */
  readonly filterKey: string
  /** Names everything that the response body depends on, except the version, the filters and the instant of ages. */
  readonly shapeKey: string
  /** Names the response body in a data version. */
  readonly key: string
}

/** Validates a query and returns its plan. @throws UnknownColumnError if no record of the version has a column that the query names */
export function planRequest (version: DataVersion, query: ExportQuery): RequestPlan {
  checkColumns(version, query)
  const { filters = [], columns, sort, page, format, bom, delimiter, emptyValue, escapeFormulas, asOf } = query
  const shapeKey = JSON.stringify([columns, sort, page?.limit, page?.after, format, bom, delimiter, emptyValue, escapeFormulas])
  const usedAsOf = usesAge(version, query) ? asOf : undefined
  return { ...query, asOf: usedAsOf, version: version.version, shapeKey, ...namesOf(filters, shapeKey, usedAsOf) }
}

/** The plan of the same request with other filters. They are not validated, so they may name only the key and the columns that the request names. */
export function withFilters (plan: RequestPlan, filters: readonly Filter[]): RequestPlan {
  return { ...plan, ...namesOf(filters, plan.shapeKey, plan.asOf) }
}

function namesOf (filters: readonly Filter[], shapeKey: string, asOf: number | undefined): { filters: readonly Filter[], filterKey: string, key: string } {
  const filterKey = nameFilters(filters, asOf)
  return { filters, filterKey, key: filterKey + shapeKey }
}

/** Names filters: equal filters have equal names. `instant`: that of ages, if the query depends on it. */
export function nameFilters (filters: readonly Filter[], instant?: number): string {
  return JSON.stringify(filters) + (instant === undefined ? '' : ` ${instant}`)
}

/** Whether the query selects records by their keys, which takes too little time to be scheduled. */
export function isLookup (version: DataVersion, { filters = [] }: Pick<SelectQuery, 'filters'>): boolean {
  const key = keyNameOf(version.fields)
  return filters.some((filter) => typeof filter !== 'function' && filter.op === 'equals' && filter.column === key)
}

/** Whether rendering takes too little time to be scheduled: records by their keys, and the JSON array of all, which the table contains. */
export function isCheap (version: DataVersion, plan: RequestPlan): boolean {
  const { filters = [], columns, sort, page, format } = plan
  const isInKeyOrder = sort === undefined || sort.length === 0
  return isLookup(version, plan) || (format === 'json' && filters.length === 0 && columns === undefined && isInKeyOrder && page === undefined)
}
