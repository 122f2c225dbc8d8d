import { binFilters, binsOf, describeRange, formatTick, rangeOfBins, selectedBins, type Bin } from './bins.js'
import type { Column } from './columns.js'
import type { Range } from './conditions.js'
import { byId, element, setText } from './dom.js'
import { countOf } from './format.js'
import type { Entry } from './query-state.js'
import type { Statistics } from './types.js'

/** uPlot is a script of its own, which index.html loads first. */
const Plot = uPlot

/** Pixels, as `#plot` in style.css has. */
const HEIGHT = 232
/** The distances of the lines for counts: 1, 2, 5, 10, ... */
const INCREMENTS = Array.from({ length: 8 }, (_, power) => [1, 2, 5].map((factor) => factor * 10 ** power)).flat()

/** What the filters select of the column. */
export interface Selection {
  readonly range: Range
  /** The number of records that match all filters. */
  readonly count: number
}

/**
 * The histogram of a column. uPlot draws the bars; above each of them is a button, so that the pointer, the keyboard and screen readers use the
 * same elements. A drag, or Shift with an arrow, selects several bars.
 */
export class Histogram {
  readonly #onSelect: (column: Column, filters: readonly Entry[]) => void
  readonly #plotArea = byId('plot')
  readonly #readout = byId('histogram-readout')
  #plot: uPlot | undefined
  #bars: HTMLButtonElement[] = []
  #column: Column | undefined
  #bins: readonly Bin[] = []
  #selection: Selection | undefined
  /** The bars that the range of the selection overlaps: the first and the last one. */
  #selected: readonly [number, number] | undefined
  #message = ''
  /** The bars of the drag, or of the arrows, in progress. */
  #draft: readonly [anchor: number, focus: number] | undefined

  constructor (onSelect: (column: Column, filters: readonly Entry[]) => void) {
    this.#onSelect = onSelect
    new ResizeObserver(() => this.#draw()).observe(this.#plotArea)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw())
  }

  /** @param statistics of the records that match without a filter on this column */
  show (column: Column, statistics: Statistics, selection: Selection | undefined): void {
    const bins = binsOf(column, statistics)
    this.#column = column
    this.#bins = bins
    this.#selection = selection
    this.#selected = selectedBins(bins, selection?.range)
    this.#message = statistics.count === 0 ? 'No records match.' : 'No values.'
    this.#draft = undefined
    this.#draw()
  }

  #draw (): void {
    const focused = this.#bars.findIndex((bar) => bar === document.activeElement)
    this.#plot?.destroy()
    this.#plot = undefined
    this.#bars = []
    const column = this.#column
    const width = this.#plotArea.clientWidth
    if (column === undefined || width === 0) return
    this.#plotArea.classList.toggle('empty', this.#bins.length === 0)
    if (this.#bins.length === 0) {
      this.#plotArea.replaceChildren(element('p', { class: 'quiet' }, this.#message))
      return this.#describe()
    }
    this.#plotArea.replaceChildren()
    this.#plot = new Plot(this.#options(column, width), this.#data(), this.#plotArea)
    this.#addButtons(column)
    this.#describe()
    if (focused !== -1) this.#bars[Math.min(focused, this.#bars.length - 1)]?.focus()
  }

  /** Two series, so that the bars that are not selected are pale. */
  #data (): uPlot.AlignedData {
    const selected = this.#current()
    // Without a bar in the range of the filters, all bars are pale.
    const isIn = (i: number) => selected === undefined ? this.#selection === undefined : i >= selected[0] && i <= selected[1]
    return [
      this.#bins.map((_, i) => i),
      this.#bins.map(({ count }, i) => isIn(i) ? null : count),
      this.#bins.map(({ count }, i) => isIn(i) ? count : null)
    ]
  }

  #options (column: Column, width: number): uPlot.Options {
    const style = getComputedStyle(document.documentElement)
    const color = (name: string) => style.getPropertyValue(name).trim()
    const bins = this.#bins
    const edges = [...bins.map(({ from }) => from), bins.at(-1)!.to]
    const span = edges.at(-1)! - edges[0]!
    const paths = Plot.paths.bars!({ align: 1, size: [0.92, Infinity] })
    const axis = { stroke: color('--quiet'), font: `12px ${style.fontFamily}`, ticks: { show: false } }
    const series = (name: string) => ({ paths, fill: color(name), width: 0, points: { show: false } })
    return {
      width,
      height: HEIGHT,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: [0, bins.length] }, y: { range: (_, _min, max) => [0, Math.max(1, max)] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 28,
          gap: 4,
          splits: () => spread(edges.length, Math.max(2, Math.floor(width / 80))),
          values: (_, splits) => splits.map((i) => formatTick(column, edges[i]!, span))
        },
        { ...axis, grid: { stroke: color('--line'), width: 1 }, size: 46, gap: 4, incrs: INCREMENTS, values: (_, splits) => splits.map(shortCount) }
      ],
      series: [{}, series('--bar-pale'), series('--bar')]
    }
  }

  #addButtons (column: Column): void {
    const { left, top, width, height } = this.#plot!.bbox
    const ratio = devicePixelRatio
    const bins = this.#bins
    const layer = element('div', { class: 'bars', role: 'group', 'aria-label': `Histogram: ${column.title}` })
    Object.assign(layer.style, { left: `${left / ratio}px`, top: `${top / ratio}px`, width: `${width / ratio}px`, height: `${height / ratio}px` })
    this.#bars = bins.map(({ count }, i) => element('button', {
      type: 'button',
      // One stop of the Tab key; arrows lead to the other bars.
      tabindex: i === (this.#selected?.[0] ?? 0) ? 0 : -1,
      'aria-label': `${describeRange(column, rangeOfBins(bins, i, i))}: ${countOf(count, 'record')}`,
      'aria-pressed': String(this.#selected !== undefined && i >= this.#selected[0] && i <= this.#selected[1]),
      onfocus: () => this.#describe(i),
      onblur: () => this.#describe(),
      onpointerenter: () => this.#describe(i),
      onpointerleave: () => this.#describe()
    }))
    layer.append(...this.#bars)
    layer.addEventListener('keydown', (event) => this.#onKey(event))
    layer.addEventListener('click', (event) => {
      // Only clicks by the keyboard, whose detail is 0: `pointerup` has handled those of the pointer, as a drag over one bar.
      const bar = this.#bars.indexOf(event.target as HTMLButtonElement)
      if (event.detail === 0) this.#apply(this.#draft ?? [bar, bar])
    })
    this.#listenForDrags(layer)
    this.#plot!.root.append(layer)
  }

  #listenForDrags (layer: HTMLElement): void {
    const barAt = ({ clientX }: PointerEvent) => {
      const { left, width } = layer.getBoundingClientRect()
      return Math.max(0, Math.min(this.#bars.length - 1, Math.floor((clientX - left) / width * this.#bars.length)))
    }
    let isDragging = false
    layer.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return
      isDragging = true
      this.#setDraft([barAt(event), barAt(event)])
    })
    layer.addEventListener('pointermove', (event) => {
      if (!isDragging) return
      // Captured once the pointer moves: a tap stays a click of its button.
      if (!layer.hasPointerCapture(event.pointerId)) layer.setPointerCapture(event.pointerId)
      this.#setDraft([this.#draft![0], barAt(event)])
    })
    layer.addEventListener('pointerup', () => {
      if (isDragging) this.#apply(this.#draft!)
      isDragging = false
    })
    layer.addEventListener('pointercancel', () => {
      isDragging = false
      this.#setDraft(undefined)
    })
  }

  #onKey (event: KeyboardEvent): void {
    const from = this.#bars.indexOf(event.target as HTMLButtonElement)
    const steps: Readonly<Record<string, number>> = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: this.#bars.length - 1 }
    const to = steps[event.key]
    if (event.key === 'Escape') this.#setDraft(undefined)
    if (to === undefined || this.#bars[to] === undefined) return
    event.preventDefault()
    this.#setDraft(event.shiftKey ? [this.#draft?.[0] ?? from, to] : undefined)
    this.#bars[from]!.tabIndex = -1
    this.#bars[to].tabIndex = 0
    this.#bars[to].focus()
  }

  #setDraft (draft: readonly [number, number] | undefined): void {
    if (this.#draft?.[0] === draft?.[0] && this.#draft?.[1] === draft?.[1]) return
    this.#draft = draft
    this.#plot?.setData(this.#data())
    this.#describe()
  }

  /** Selects the range of bars; if it is selected already, all records. */
  #apply ([a, b]: readonly [number, number]): void {
    const [first, last] = [Math.min(a, b), Math.max(a, b)]
    const { min, max } = rangeOfBins(this.#bins, first, last)
    const range = this.#selection?.range
    const isSelected = range?.min === min && range.max === max
    this.#draft = undefined
    this.#onSelect(this.#column!, isSelected ? [] : binFilters(this.#column!, this.#bins, first, last))
  }

  #current (): readonly [number, number] | undefined {
    return this.#draft === undefined ? this.#selected : [Math.min(...this.#draft), Math.max(...this.#draft)]
  }

  /** Describes a bar, or what is selected. */
  #describe (bar?: number): void {
    setText(this.#readout, this.#describeBars(this.#draft === undefined ? bar : undefined))
  }

  #describeBars (bar: number | undefined): string {
    const bars = bar === undefined ? this.#draft && this.#current() : [bar, bar] as const
    if (bars !== undefined) {
      const count = this.#bins.slice(bars[0], bars[1] + 1).reduce((sum, bin) => sum + bin.count, 0)
      return this.#describeCount(rangeOfBins(this.#bins, ...bars), count)
    }
    // The range of the filters may end within a bar, so that the counts of the bars do not tell how many records it has.
    if (this.#selection !== undefined) return this.#describeCount(this.#selection.range, this.#selection.count)
    return this.#bins.length === 0 ? '' : 'Click a bar, or drag over several, to filter.'
  }

  #describeCount (range: Range, count: number): string {
    return `${describeRange(this.#column!, range)}: ${countOf(count, 'record')}`
  }
}

/** At most `max` of the indexes from 0 to `length - 1`, at equal distances, beginning with 0. */
function spread (length: number, max: number): number[] {
  const step = Math.ceil(length / max)
  return Array.from({ length: Math.ceil(length / step) }, (_, i) => i * step)
}

function shortCount (count: number): string {
  if (count >= 1e6) return `${count / 1e6}M`
  return count >= 10_000 ? `${count / 1000}k` : String(count)
}
