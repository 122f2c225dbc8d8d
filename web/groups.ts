import type { Column } from './columns.js'
import { groupFilter } from './conditions.js'
import { byId, element } from './dom.js'
import { countOf, formatCount, formatPercent, formatValue } from './format.js'
import { hasFilter, type Entry, type Query } from './query-state.js'
import type { Statistics } from './types.js'

/** The most groups that are shown. */
export const MAX_GROUPS = 8

/** Shows the groups of a column as bars; a click filters by the value, or removes that filter. */
export function showGroups (column: Column, { groups = [], other }: Statistics, query: Query, onToggle: (filter: Entry, isSet: boolean) => void): void {
  const largest = Math.max(1, ...groups.map(({ count }) => count))
  const total = groups.reduce((sum, { count }) => sum + count, other?.count ?? 0)
  const bars = groups.map(({ value, count }) => {
    const filter = groupFilter(column, value)
    const isSet = hasFilter(query, filter)
    const label = formatValue(column, value) ?? 'no value'
    const bar = element('span', { class: 'bar' })
    bar.style.width = `${100 * count / largest}%`
    return element('li', {}, element('button', { type: 'button', class: 'group', 'aria-pressed': String(isSet), title: formatPercent(count, total), onclick: () => onToggle(filter, isSet) },
      bar,
      element('span', { class: value === null || label === '' ? 'label missing' : 'label' }, label === '' ? '(empty text)' : label),
      element('span', { class: 'count' }, formatCount(count))))
  })
  byId('groups').replaceChildren(...bars.length === 0 ? [element('li', { class: 'quiet' }, 'No groups.')] : bars)
  byId('groups-rest').textContent = other === undefined || other.groups === 0 ? '' : `${countOf(other.groups, 'other value')}: ${countOf(other.count, 'record')}`
}
