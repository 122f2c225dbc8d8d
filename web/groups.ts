import type { Column } from './columns.js'
import { groupFilter } from './conditions.js'
import { button, byId, element } from './dom.js'
import { lowerTitle } from './figures.js'
import { countOf, formatCount, formatMean, formatPercent, formatValue } from './format.js'
import { hasFilter, type Entry, type Query } from './query-state.js'
import type { Statistics } from './types.js'

/** The maximum number of groups that are shown at first, and that the API lists. */
export const MAX_GROUPS = 8
export const MAX_LISTED_GROUPS = 1000

export interface GroupOptions {
  readonly onToggle: (filter: Entry, isSet: boolean) => void
  /** Shows more groups; `undefined` if there are no more to show. */
  readonly onMore: (() => void) | undefined
}

const CLASSES = ['count', 'share', 'mean'] as const

/** Shows the groups of a column as bars, with the mean of another column; a click filters by the value, or removes that filter. */
export function showGroups (column: Column, chart: Column | undefined, { groups = [], other }: Statistics, query: Query, { onToggle, onMore }: GroupOptions): void {
  const largest = Math.max(1, ...groups.map(({ count }) => count))
  const total = groups.reduce((sum, { count }) => sum + count, other?.count ?? 0)
  const mean = chart === undefined ? undefined : `mean ${lowerTitle(chart)}`
  const bars = groups.map(({ value, count, columns }) => {
    const filter = groupFilter(column, value)
    const isSet = hasFilter(query, filter)
    const label = formatValue(column, value) ?? 'no value'
    const bar = element('span', { class: 'bar' })
    bar.style.width = `${100 * count / largest}%`
    const text = label === '' ? '(empty text)' : label
    const figures = [formatCount(count), formatPercent(count, total), ...chart === undefined ? [] : [formatMean(chart, columns?.[chart.name]?.mean)]]
    const title = `${text}: ${countOf(count, 'record')}, ${figures.slice(1).join(`, ${mean} `)}`
    return element('li', {}, element('button', { type: 'button', class: 'group', 'aria-pressed': String(isSet), title, onclick: () => onToggle(filter, isSet) },
      element('span', { class: value === null || label === '' ? 'label missing' : 'label' }, bar, text),
      ...figures.map((figure, i) => element('span', { class: CLASSES[i] }, figure))))
  })
  const heads = ['records', 'share', ...mean === undefined ? [] : [mean]]
  byId('groups-head').replaceChildren(...bars.length === 0 ? [] : heads.map((head, i) => element('span', { class: CLASSES[i], title: head }, head)))
  byId('groups').replaceChildren(...bars.length === 0 ? [element('li', { class: 'quiet' }, 'No groups.')] : bars)
  byId('groups-rest').replaceChildren(
    ...chart === undefined || bars.length === 0 ? [] : [`The mean is that of ${chart.title}, chosen in Distribution. `],
    ...other === undefined || other.groups === 0 ? [] : [`${countOf(other.groups, 'other value')}: ${countOf(other.count, 'record')} `, ...onMore === undefined ? [] : [button('Show more', onMore, { class: 'link' })]]
  )
}
