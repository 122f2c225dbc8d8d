import type { Column } from './columns.js'
import { byId, element } from './dom.js'
import { formatCount, formatFigure, formatNumber, formatPercent } from './format.js'
import type { Statistics } from './types.js'

interface Figure { readonly label: string, readonly value: string, readonly note?: string }

/** Shows the figures of the records that match. `total`: the number of all records, if filters are set. */
export function showFigures (statistics: Statistics, chart: Column | undefined, total: number | undefined): void {
  byId('figures').replaceChildren(...figuresOf(statistics, chart, total).map(({ label, value, note }) =>
    element('div', { class: 'figure' }, element('dt', {}, label), element('dd', {}, value, note === undefined ? undefined : element('span', { class: 'note' }, note)))))
}

function figuresOf (statistics: Statistics, chart: Column | undefined, total: number | undefined): readonly Figure[] {
  const { count, with_image: withImage } = statistics
  return [
    { label: count === 1 ? 'record' : 'records', value: formatCount(count), ...total !== undefined && { note: `of ${formatCount(total)}` } },
    ...withImage === undefined ? [] : [{ label: 'with image', value: formatCount(withImage), note: formatPercent(withImage, count) }],
    ...chart === undefined ? [] : chart.kind === 'age' ? agesOf(statistics) : valuesOf(statistics, chart)
  ]
}

function agesOf ({ count, average_age: mean, median_age: median }: Statistics): readonly Figure[] {
  // Without ages the mean is -1, which is also a possible mean of ages if births are after the instant of the query.
  const hasAges = count > 0 && median !== null && median !== undefined
  return [{ label: 'mean age', value: hasAges ? formatNumber(round(mean!)) : '–' }, { label: 'median age', value: hasAges ? formatNumber(round(median)) : '–' }]
}

function valuesOf ({ columns }: Statistics, chart: Column): readonly Figure[] {
  const values = columns?.[chart.name]
  const name = lowerTitle(chart)
  return [
    { label: `mean: ${name}`, value: formatFigure(chart, values?.mean) },
    { label: `median: ${name}`, value: formatFigure(chart, values?.median) }
  ]
}

/** The title of a column within a text. */
export function lowerTitle ({ title }: Column): string {
  return title.toLowerCase() === title.toUpperCase() ? title : title[0]!.toLowerCase() + title.slice(1)
}

function round (age: number): number {
  return Math.round(age * 10) / 10
}
