import type { Column, Columns } from './columns.js'
import { groupFilter } from './conditions.js'
import { byId, element } from './dom.js'
import { countOf, formatCount, formatPercent, formatValue } from './format.js'
import type { Entry, Query } from './query-state.js'
import type { Statistics } from './types.js'

/** The most groups that are shown. */
export const MAX_GROUPS = 8

/** Shows the groups of a column as bars; a click filters by the value, or removes that filter. */
export function showGroups (column: Column, { groups = [], other }: Statistics, { filters }: Query, onToggle: (filter: Entry, isSet: boolean) => void): void {
  const largest = Math.max(1, ...groups.map(({ count }) => count))
  const total = groups.reduce((sum, { count }) => sum + count, other?.count ?? 0)
  const bars = groups.map(({ value, count }) => {
    const filter = groupFilter(column, value)
    const isSet = filters.some(([name, text]) => name === filter[0] && text === filter[1])
    const label = formatValue(column, value) ?? 'no value'
    const bar = element('span', { class: 'bar' })
    bar.style.width = `${100 * count / largest}%`
    return element('li', {}, element('button', { type: 'button', class: 'group', 'aria-pressed': String(isSet), title: formatPercent(count, total), onclick: () => onToggle(filter, isSet) },
      bar,
      element('span', { class: value === null || label === '' ? 'label missing' : 'label' }, label === '' ? '(empty text)' : label),
      element('span', { class: 'count' }, formatCount(count))))
  })
  byId('groups').replaceChildren(...bars)
  byId('groups-rest').textContent = other === undefined || other.groups === 0 ? '' : `${countOf(other.groups, 'other value')}: ${countOf(other.count, 'record')}`
}

/** The most columns that are tried to find one that is worth grouping. */
const MAX_TRIED = 4

/** The column that is grouped unless the view names one: the first one with few values, otherwise the one whose largest groups have most of the records. */
export async function findGroupColumn ({ groupable }: Columns, read: (column: Column) => Promise<Statistics>): Promise<Column | undefined> {
  let best: { readonly column: Column, readonly share: number } | undefined
  for (const column of groupable.slice(0, MAX_TRIED)) {
    const { count, groups = [], other } = await read(column)
    const share = count === 0 || groups.length < 2 ? 0 : 1 - (other?.count ?? 0) / count
    if (share > 0.9) return column
    if (best === undefined || share > best.share) best = { column, share }
  }
  return best?.column
}

/** The filters without those that select groups of a column, so that the other groups are still shown. */
export function withoutGroups ({ filters }: Query, { name }: Column): readonly Entry[] {
  return filters.filter(([parameter, text]) => parameter !== 'where' || !(text === `!${name}` || text.startsWith(`${name}=`)))
}
