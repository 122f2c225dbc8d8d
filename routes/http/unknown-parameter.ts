import { isQueryable } from '../../lib/base/column-name.js'
import { nearest } from '../../lib/base/nearest.js'
import { columnNames, columnType, type Columns } from '../../lib/query/age-column.js'
import { keyNameOf } from '../../lib/table/table-field.js'
import { excerpt } from '../../plugins/problems/problem.js'
import { GROUPS_AS_TABLE, JSON_ROUTES } from '../../plugins/request-checks/route-hint.js'
import type { Parameters } from './parameter.js'
import { comparisonOf, rangeOf } from './value-hint.js'

/** The parameters of one route. */
export interface RouteParameters { readonly method: string, readonly url: string, readonly parameters: Parameters }

/** The names that a hint about an unknown parameter can contain. */
export interface HintSources {
  /** The routes of the service. */
  readonly routes: readonly RouteParameters[]
  /** The URL of the route of the request. */
  readonly url: string
  /** The columns of the records; `undefined` until the lake has been read. */
  readonly columns: Columns | undefined
}

/** Names that other services give to parameters, without separators and in lower case, and the parameters that a route must have for the hint. */
const OTHER_NAMES: readonly { readonly names: readonly string[], readonly parameters: readonly string[], readonly hint: string }[] = [
  { names: ['offset', 'page', 'pagesize', 'perpage', 'skip'], parameters: ['limit', 'cursor'], hint: 'use limit and cursor' },
  { names: ['maxresults', 'size', 'take', 'top'], parameters: ['limit'], hint: 'use limit' },
  { names: ['search', 'query'], parameters: ['q'], hint: 'use q' },
  { names: ['condition', 'filter', 'filters'], parameters: ['where'], hint: 'use where' },
  { names: ['fields', 'select'], parameters: ['columns'], hint: 'use columns' },
  { names: ['order', 'orderby', 'sortby'], parameters: ['sort'], hint: 'use sort; a minus before a column reverses its order' },
  { names: ['hasimage', 'hasimages', 'hasphoto', 'image', 'images', 'photo', 'withimage'], parameters: ['image_exists'], hint: 'use image_exists' },
  { names: ['agemin', 'agegte', 'agefrom'], parameters: ['min_age'], hint: 'use min_age' },
  { names: ['agemax', 'agelte', 'ageto'], parameters: ['max_age'], hint: 'use max_age' },
  { names: ['distinct', 'unique'], parameters: ['where'], hint: 'use GET /stats?group_by=<column>' },
  {
    names: ['agg', 'aggregate', 'aggregates', 'aggregation', 'average', 'avg', 'func', 'function', 'mean', 'measure', 'measures', 'median', 'metric', 'metrics', 'sum'],
    parameters: ['where'],
    hint: 'use GET /stats?columns=<column>: the response has its count, sum, mean, median, min and max'
  },
  { names: ['separator', 'sep'], parameters: ['delimiter'], hint: 'use delimiter' },
  { names: ['count', 'total'], parameters: ['cursor', 'where'], hint: 'the header X-Total-Count, and count in GET /stats, have the number of records that match' },
  { names: ['bucket', 'buckets', 'bucketsize', 'interval'], parameters: ['bin_width'], hint: 'use bin_width for age_histogram, and bins for the histograms of columns' },
  { names: ['decimal', 'decimalchar', 'decimalseparator', 'lang', 'language', 'locale'], parameters: ['delimiter'], hint: 'numbers are written with a decimal point' },
  { names: ['charset', 'encoding'], parameters: ['bom'], hint: 'CSV is UTF-8; bom=true adds a byte order mark, by which spreadsheets recognize it' }
]

/** Parameters that exist only if the schema has such a field. */
const NEEDED_FIELDS: readonly { readonly names: readonly string[], readonly hint: string }[] = [
  { names: ['min_age', 'max_age', 'age_basis', 'as_of', 'bin_width', 'empty_bins'], hint: 'there are no ages: no field of the schema has "role": "birth"' },
  { names: ['image_exists', 'is_image_exists'], hint: 'there are no images: no field of the schema has "source": "image"' }
]

/** The operators that words in the names of parameters of other services stand for, such as those in min_height and height[gte]. */
const OPERATOR_WORDS: Readonly<Record<string, string>> = {
  min: '>=', from: '>=', gte: '>=', ge: '>=', gt: '>', after: '>', max: '<=', to: '<=', lte: '<=', le: '<=', lt: '<', before: '<', ne: '!='
}

/** Describes a parameter that a route does not have: the most likely mistake, or the names that the route accepts. */
export function describeUnknown (name: string, given: string | readonly string[], parameters: Parameters, sources: HintSources): string {
  return `unknown parameter; ${hintOf(name, String([given].flat()[0]), parameters, sources)}`
}

function hintOf (name: string, given: string, parameters: Parameters, { url, routes, columns }: HintSources): string {
  const has = (name: string) => Object.hasOwn(parameters, name)
  const filterable = has('where') && columns !== undefined ? columnNames(columns).filter(isQueryable) : []
  if (filterable.includes(name)) {
    // In a column of text, such a value may be one that records have.
    const type = columns && columnType(columns, name)
    const range = type === undefined || type === 'string' ? undefined : rangeOf(inUrl(name), given, type)
    const comparison = type && comparisonOf(name, given, type)
    return `use ${range ?? (comparison && inUrl(comparison)) ?? `where=${inUrl(name)}=${valueOf(given)}`}`
  }
  const condition = has('where') ? conditionOf(name, given) : undefined
  if (condition !== undefined && filterable.includes(condition.column)) return `use where=${inUrl(condition.text)}`
  const simple = name.toLowerCase().replaceAll(/[-_]/g, '')
  const common = OTHER_NAMES.find(({ names, parameters }) => names.includes(simple) && parameters.every(has))
  if (common !== undefined) return common.hint
  const key = columns && keyNameOf(columns.fields)
  if (['id', 'userid'].includes(simple) && key !== undefined && has(key)) return `use ${inUrl(key)}`
  if (simple === 'userid' && has('id')) return 'use id'
  const existing = existenceOf(name, given, filterable)
  if (existing !== undefined) return `use where=${inUrl(existing)}`
  const bound = boundOf(name, filterable)
  if (bound !== undefined) return `use where=${inUrl(bound)}${valueOf(given)}`
  const format = name === 'format' ? formatHint(url) : undefined
  if (format !== undefined) return format
  const other = routes.find(({ parameters }) => Object.hasOwn(parameters, name) && !parameters[name]!.isHidden)
  if (other !== undefined) return `${name} is a parameter of ${other.method} ${other.url}`
  const needed = has('where') ? NEEDED_FIELDS.find(({ names }) => names.includes(name)) : undefined
  if (needed !== undefined) return needed.hint
  const similar = nearest(name, [...Object.keys(parameters), ...filterable])
  if (similar !== undefined) return `did you mean ${has(similar) ? similar : `where=${inUrl(similar)}=<value>`}?`
  if (condition !== undefined) return `a condition is written where=${inUrl(condition.text)}`
  const names = Object.keys(parameters)
  return names.length === 0 ? 'this URL accepts no parameters' : `this URL accepts ${names.join(', ')}`
}

/** Describes the format of a route that has no parameter `format`. Returns `undefined` if the route is not one of those that return CSV, NDJSON or JSON. */
function formatHint (url: string): string | undefined {
  const [, route, extension] = /^(.+)\.(csv|ndjson)$/.exec(url) ?? []
  if (extension !== undefined) return `${url} is always ${extension.toUpperCase()}; GET ${route} has format`
  if (!JSON_ROUTES.includes(url.replace(/\/:[^/]+$/, ''))) return undefined
  return `the response is always JSON${url === '/stats' ? `; ${GROUPS_AS_TABLE}` : ''}`
}

/** The condition that was given without `where=`, for example `height>100`. Its text up to the first `=` is the name of the parameter. */
function conditionOf (name: string, given: string): { readonly column: string, readonly text: string } | undefined {
  const column = /^[^,=!<>~^]+(?=[!<>~^])/.exec(name)?.[0]
  return column === undefined ? undefined : { column, text: given === '' ? name : `${name}=${given}` }
}

/** The condition that a name such as label_exists or has_label means: whether records have a value in this column; `undefined` if it names no column. */
function existenceOf (name: string, given: string, columns: readonly string[]): string | undefined {
  const column = [/^(?:is_)?(.+)_exists$/i, /^(?:has|with)_?(.+)$/i].map((pattern) => pattern.exec(name)?.[1]).find((column) => column !== undefined && columns.includes(column))
  return column === undefined ? undefined : `${/^(?:false|0|no)$/i.test(given) ? '!' : ''}${column}`
}

/** The column and the operator that a name such as min_height, height_min, height__gte or height[gte] means; `undefined` if it names no column. */
function boundOf (name: string, columns: readonly string[]): string | undefined {
  const [, first = '', rest = ''] = /^([a-z]+)_(.+)$/i.exec(name) ?? []
  const [, column = '', last = ''] = /^(.+?)(?:__?|[.[])([a-z]+)\]?$/i.exec(name) ?? []
  for (const [word, name] of [[first, rest], [last, column]] as const) {
    const operator = Object.hasOwn(OPERATOR_WORDS, word.toLowerCase()) ? OPERATOR_WORDS[word.toLowerCase()] : undefined
    if (operator !== undefined && columns.includes(name)) return name + operator
  }
  return undefined
}

/** The value of a condition as it can be pasted into the query of a URL; `<value>` if the parameter has an empty value. */
function valueOf (given: string): string {
  return given === '' ? '<value>' : inUrl(given)
}

/** A text as it can be pasted into the query of a URL. Operators stay readable; at most 200 characters. */
function inUrl (text: string): string {
  return excerpt(text.replaceAll(/[%&+#"]|[^!-~\p{Surrogate}]/gu, encodeURIComponent))
}
