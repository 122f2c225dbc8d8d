import type { Column, Columns } from './columns.js'
import type { Entry, Query } from './query-state.js'
import type { Statistics } from './types.js'

// Which column is grouped, and by which filters.

/** The maximum number of columns that are tried to find one that is worth grouping. */
const MAX_TRIED = 4

/**
 * The column that is grouped unless the view names one: the first one whose largest groups (as many as the page shows) have more than 90 % of the records,
 * otherwise the one whose largest groups have the largest share.
 */
export async function findGroupColumn ({ groupable, numeric }: Columns, read: (column: Column) => Promise<Statistics>): Promise<Column | undefined> {
  // The others have a histogram.
  const candidates = groupable.filter((column) => !numeric.includes(column))
  let best: { readonly column: Column, readonly share: number } | undefined
  for (const column of candidates.slice(0, MAX_TRIED)) {
    const { count, groups = [], other } = await read(column)
    const share = count === 0 || groups.length < 2 ? 0 : 1 - (other?.count ?? 0) / count
    if (share > 0.9) return column
    if (best === undefined || share > best.share) best = { column, share }
  }
  return best?.column ?? groupable[0]
}

/** The filters without those that select groups of a column, so that the other groups are still shown. */
export function withoutGroups ({ filters }: Query, { name }: Column): readonly Entry[] {
  return filters.filter(([parameter, text]) => parameter !== 'where' || !(text === `!${name}` || text.startsWith(`${name}=`)))
}
