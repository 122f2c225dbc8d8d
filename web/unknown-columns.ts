import type { Columns } from './columns.js'
import type { Query, View } from './query-state.js'

// A link may name columns that the lake does not have, or no longer has.

/** A query without the columns that the lake does not have, in the list of columns and in the order. Filters by such columns stay: without one of them, other records would match. */
export function withKnownColumns ({ filters, columns: names = [], sort }: Query, { byName }: Columns): Query {
  const known = names.filter((name) => name === '*' || byName.has(name))
  return { filters, ...known.length > 0 && { columns: known }, ...sort !== undefined && byName.has(sort.column) && { sort } }
}

/** Messages about the columns of a URL that the page leaves out. */
export function describeUnknown ({ columns: names = [], sort }: Query, { chart, group }: View, { byName, numeric, groupable }: Columns): readonly string[] {
  const named = [...names.filter((name) => name !== '*'), sort?.column, chart, group].filter((name) => name !== undefined)
  const unknown = [...new Set(named)].filter((name) => !byName.has(name))
  const unusable = [[chart, numeric, 'a histogram'], [group, groupable, 'groups']] as const
  return [
    ...unknown.map((name) => `The lake has no column “${name}”: the page, its downloads and its copied queries leave it out.`),
    ...unusable.flatMap(([name, usable, what]) => name !== undefined && byName.has(name) && !usable.some((column) => column.name === name) ? [`The column “${name}” cannot be shown as ${what}.`] : [])
  ]
}
