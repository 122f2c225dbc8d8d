// The state of the page is its URL. The query has the parameters of GET /data, so that it can be used with the API as it is; the fragment has what
// only the page knows. All functions are pure.

export type Entry = readonly [name: string, value: string]

export interface Query {
  /** The filters, in the order in which they were added. */
  readonly filters: readonly Entry[]
  /** The columns of the table. Absent: the default ones. */
  readonly columns?: readonly string[]
  readonly sort?: { readonly column: string, readonly isReversed: boolean }
}

export interface View {
  /** The column of the histogram. */
  readonly chart?: string
  /** The column of the groups. */
  readonly group?: string
  /** The key of the record that is shown in full. */
  readonly record?: string
}

/** Parameters of GET /data that have no meaning on the page. */
const IGNORED = ['limit', 'cursor', 'format', 'bom', 'delimiter', 'escape_formulas']

export function parseQuery (search: string): Query {
  const entries = [...new URLSearchParams(search)].filter(([name, value]) => !IGNORED.includes(name) && !(name === 'q' && value.trim() === ''))
  const listOf = (wanted: string) => entries.filter(([name]) => name === wanted).flatMap(([, value]) => value.split(',')).filter((name) => name !== '')
  const columns = listOf('columns')
  // The page sorts by one column. Records that are equal in it are sorted by key.
  const [sort] = listOf('sort')
  return {
    filters: entries.filter(([name]) => name !== 'columns' && name !== 'sort'),
    ...columns.length > 0 && { columns },
    ...sort !== undefined && { sort: sort.startsWith('-') ? { column: sort.slice(1), isReversed: true } : { column: sort, isReversed: false } }
  }
}

/** The entries of a query as parameters of GET /data. */
export function entriesOf ({ filters, columns, sort }: Query): readonly Entry[] {
  return [
    ...filters,
    ...columns === undefined ? [] : [['columns', columns.join(',')] as const],
    ...sort === undefined ? [] : [['sort', sortText(sort)] as const]
  ]
}

export function sortText ({ column, isReversed }: NonNullable<Query['sort']>): string {
  return `${isReversed ? '-' : ''}${column}`
}

/** Entries as the query of a URL, with its question mark; empty without entries. In values, the characters `,:=!~` are not encoded, so that the URL stays readable. */
export function toSearch (entries: readonly Entry[]): string {
  return entries.length === 0 ? '' : `?${entries.map(([name, value]) => `${encode(name)}=${readable(encode(value))}`).join('&')}`
}

function encode (text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function readable (value: string): string {
  return value.replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%3D', '=').replaceAll('%21', '!').replaceAll('%7E', '~')
}

export function parseView (fragment: string): View {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ''))
  const value = (name: string) => parameters.get(name) ?? undefined
  const [chart, group, record] = [value('chart'), value('group'), value('record')]
  return { ...chart !== undefined && { chart }, ...group !== undefined && { group }, ...record !== undefined && { record } }
}

/** A view as the fragment of a URL, with its number sign; empty if it is the default. */
export function toFragment ({ chart, group, record }: View): string {
  const entries = Object.entries({ chart, group, record }).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return entries.length === 0 ? '' : `#${new URLSearchParams(entries)}`
}

/** Adds a filter unless it is there already. */
export function withFilter (query: Query, filter: Entry): Query {
  return hasFilter(query, filter) ? query : { ...query, filters: [...query.filters, filter] }
}

export function hasFilter ({ filters }: Query, filter: Entry): boolean {
  return filters.some((other) => isSame(other, filter))
}

export function withoutFilter (query: Query, filter: Entry): Query {
  return { ...query, filters: query.filters.filter((other) => !isSame(other, filter)) }
}

/** Replaces all filters of a parameter by one; removes them if the value is empty. */
export function withParameter (query: Query, name: string, value: string): Query {
  const others = query.filters.filter(([other]) => other !== name)
  return { ...query, filters: value === '' ? others : [...others, [name, value]] }
}

export function parameterOf ({ filters }: Query, name: string): string | undefined {
  return filters.find(([other]) => other === name)?.[1]
}

/** A click on the head of a column: ascending, descending, by key. */
export function withNextSort (query: Query, column: string): Query {
  const { sort, ...others } = query
  if (sort?.column !== column) return { ...others, sort: { column, isReversed: false } }
  return sort.isReversed ? others : { ...others, sort: { column, isReversed: true } }
}

function isSame ([name, value]: Entry, other: Entry): boolean {
  return name === other[0] && value === other[1]
}
