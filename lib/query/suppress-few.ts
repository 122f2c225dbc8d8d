import type { ColumnStatistics, GroupStatistics, OtherGroups, Statistics, ValueStatistics } from './statistics.js'

/** Statistics of fewer records than this would reveal something about individual records. */
export const MIN_RECORDS = 5

type AllStatistics = Statistics & ColumnStatistics

/**
 * Removes from statistics what is about fewer than MIN_RECORDS records, and the lowest and highest values, each of which belongs to a single record. Returns `undefined`
 * if fewer records match.
 *
 * Groups and bins of few records are removed. The records of such groups are counted in `other`, which is removed if it has few records, too. Columns with few values
 * are removed, ages of few records are as if no record had an age, and fewer images than MIN_RECORDS count as 0. Histograms of columns are empty, because their edges
 * are computed from the lowest and highest value.
 */
export function suppressFew (statistics: AllStatistics): AllStatistics | undefined {
  const { count, with_image, age_histogram, columns, groups } = statistics
  if (isFew(count)) return undefined
  const withAge = age_histogram.reduce((sum, bin) => sum + bin.count, 0)
  const { other, ...rest } = statistics
  return {
    ...rest,
    ...isFew(withAge) && { average_age: -1, median_age: null },
    youngest_age: null,
    oldest_age: null,
    with_image: isFew(with_image) ? 0 : with_image,
    age_histogram: age_histogram.filter((bin) => !isFew(bin.count)),
    ...columns !== undefined && { columns: suppressColumns(columns) },
    ...groups !== undefined && suppressGroups(groups, other)
  }
}

function isFew (count: number): boolean {
  return count < MIN_RECORDS
}

function suppressColumns (columns: Readonly<Record<string, ValueStatistics>>): Record<string, ValueStatistics> {
  return Object.fromEntries(Object.entries(columns).filter(([, { count }]) => !isFew(count)).map(([name, figures]) => [name, { ...figures, min: null, max: null, histogram: [] }]))
}

function suppressGroups (groups: readonly GroupStatistics[], given: OtherGroups = { groups: 0, count: 0 }): Pick<ColumnStatistics, 'groups' | 'other'> {
  const few = groups.filter(({ count }) => isFew(count))
  const other = { groups: given.groups + few.length, count: few.reduce((sum, { count }) => sum + count, given.count) }
  return {
    groups: groups.filter(({ count }) => !isFew(count)).map(({ columns, ...group }) => ({ ...group, ...columns !== undefined && { columns: suppressColumns(columns) } })),
    ...!isFew(other.count) && { other }
  }
}
