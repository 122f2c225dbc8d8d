import { ageBinWidth } from './bins.js'
import type { Column } from './columns.js'
import { toSearch, type Entry } from './query-state.js'
import type { Reader, Statistics } from './types.js'

// Requests for figures.

/** The width of the age bins that is asked for first; how far the ages reach is not known before. */
const FIRST_WIDTH = 5

/** Statistics of the records that match, with the histogram of a column. */
export async function readStatistics (api: Reader, filters: readonly Entry[], chart: Column | undefined): Promise<Statistics> {
  if (chart === undefined) return await api.get(`stats${toSearch(filters)}`)
  if (chart.kind !== 'age') return await api.get(`stats${toSearch([...filters, ['columns', chart.name]])}`)
  const read = async (width: number) => await api.get<Statistics>(`stats${toSearch([...filters, ['bin_width', String(width)]])}`)
  const statistics = await read(FIRST_WIDTH)
  const ages = statistics.age_histogram ?? []
  const width = ages.length === 0 ? FIRST_WIDTH : ageBinWidth(ages[0]!.min_age, ages.at(-1)!.max_age)
  return width === FIRST_WIDTH ? statistics : await read(width)
}

/** The largest groups of a column, with the mean of another column in each of them. */
export async function readGroups (api: Reader, filters: readonly Entry[], column: Column, limit: number, chart?: Column): Promise<Statistics> {
  const means: readonly Entry[] = chart === undefined ? [] : [['columns', chart.name], ['bins', '1']]
  return await api.get(`stats${toSearch([...filters, ['group_by', column.name], ['limit', String(limit)], ...means])}`)
}
