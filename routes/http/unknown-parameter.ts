import { didYouMean, nearest } from '../../lib/base/nearest.js'
import { columnNames, type Columns } from '../../lib/query/age-column.js'
import { excerpt } from '../../plugins/problems/problem.js'
import type { Parameters } from './parameter.js'

/** The parameters of one route. */
export interface RouteParameters { readonly method: string, readonly url: string, readonly parameters: Parameters }

/** What a hint about an unknown parameter can be taken from. */
export interface HintSources {
  /** The routes of the service. */
  readonly routes: readonly RouteParameters[]
  /** The columns of the records; `undefined` until the lake has been read. */
  readonly columns: Columns | undefined
}

/** Names that other services give to the parameters of pages. */
const PAGE_NAMES = ['offset', 'page', 'page_size', 'pagesize', 'per_page', 'skip']

/** Describes a parameter that a route does not have: the most likely mistake, or the names that the route accepts. */
export function describeUnknown (name: string, given: string | readonly string[], parameters: Parameters, { routes, columns }: HintSources): string {
  return `unknown parameter${hintOf(name, String([given].flat()[0]), parameters, routes, columns === undefined ? [] : columnNames(columns))}`
}

function hintOf (name: string, given: string, parameters: Parameters, routes: readonly RouteParameters[], columns: readonly string[]): string {
  const has = (name: string) => Object.hasOwn(parameters, name)
  // A name with a comma or an operator cannot be written in a condition.
  const filterable = has('where') ? columns.filter((column) => !/[,=!<>~^]/.test(column)) : []
  if (filterable.includes(name)) return `; a column of this name is filtered by where=${name}=<value>`
  const condition = has('where') ? conditionOf(name, given) : undefined
  if (condition !== undefined && filterable.includes(condition.column)) return `; use where=${excerpt(condition.text)}`
  if (PAGE_NAMES.includes(name.toLowerCase()) && has('limit') && has('cursor')) return '; use limit and cursor'
  const other = routes.find(({ parameters }) => Object.hasOwn(parameters, name) && !parameters[name]!.isHidden)
  if (other !== undefined) return `; ${name} is a parameter of ${other.method} ${other.url}`
  const similar = nearest(name, [...Object.keys(parameters), ...filterable])
  if (similar !== undefined) return didYouMean(has(similar) ? similar : `where=${similar}=<value>`)
  if (condition !== undefined) return `; a condition is written where=${excerpt(condition.text)}`
  const names = Object.keys(parameters)
  return names.length === 0 ? '; this URL accepts no parameters' : `; must be one of ${names.join(', ')}`
}

/** The condition that was given without `where=`, for example `height>100`. Its text up to the first `=` is the name of the parameter. */
function conditionOf (name: string, given: string): { readonly column: string, readonly text: string } | undefined {
  const column = /^[^,=!<>~^]+(?=[!<>~^])/.exec(name)?.[0]
  return column === undefined ? undefined : { column, text: given === '' ? name : `${name}=${given}` }
}
