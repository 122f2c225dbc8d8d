import { isGone, messageOf, type Api } from './api.js'
import { isAddressable, isInstant, type Column, type Columns } from './columns.js'
import { button, byId, debounce, element, setText } from './dom.js'
import { countOf, formatCount, formatPercent, formatValue, isNumeric } from './format.js'
import { isImage, type Images } from './images.js'
import { imagePath } from './paths.js'
import { entriesOf, type Entry, type Query } from './query-state.js'
import { RecordPages } from './record-pages.js'
import { MAX_HEIGHT, rowWindow, scrolled, settled, type Place } from './row-window.js'
import type { Row } from './types.js'

export interface TableOptions {
  readonly api: Api
  readonly images: Images
  readonly onSort: (column: string) => void
  readonly onOpen: (key: string) => void
  /** Removes all filters. */
  readonly onClear: () => void
  /** Is called once the first page is read, or has failed. */
  readonly onRead: (error?: unknown) => void
}

/** Rows after and before those in the document that are read as well, so that they are there before the table is scrolled to them. */
const AHEAD_ROWS = 200
/** Milliseconds without scrolling after which the scroll position is corrected, in browsers without the event `scrollend`. */
const REST_MS = 150

/** The table of records. Only the rows in view are in the document, so that it stays as fast with a million records. */
export class Table {
  readonly #options: TableOptions
  readonly #scroller = byId('table-scroller')
  readonly #table = byId<HTMLTableElement>('table')
  readonly #head = byId('table-head')
  readonly #body = byId('table-body')
  readonly #status = byId('table-status')
  readonly #message = byId('table-message')
  readonly #rows = new Map<number, HTMLTableRowElement>()
  readonly #before = element('tr', { class: 'spacer', 'aria-hidden': 'true' }, element('td'))
  readonly #after = element('tr', { class: 'spacer', 'aria-hidden': 'true' }, element('td'))
  #columns: readonly Column[] = []
  #key: Column | undefined
  #pages: RecordPages | undefined
  /** The listing whose rows are being read. */
  #reading: RecordPages | undefined
  #rowHeight = 44
  #place: Place = { top: 0, shift: 0 }
  /** The rows that are in the document, or will be once they are read. */
  #wanted: ReturnType<typeof rowWindow> = { first: 0, end: 0 }
  #isDrawing = false

  constructor (options: TableOptions) {
    this.#options = options
    this.#scroller.addEventListener('scroll', () => this.#draw())
    const hasEnd = 'onscrollend' in window
    // After the frame that draws the rows of the last position.
    const settle = () => requestAnimationFrame(() => this.#settle())
    this.#scroller.addEventListener(hasEnd ? 'scrollend' : 'scroll', hasEnd ? settle : debounce(REST_MS, settle))
    new ResizeObserver(() => this.#draw()).observe(this.#scroller)
  }

  get isAtTop (): boolean {
    return this.#scroller.scrollTop < this.#rowHeight
  }

  /** Shows the records of a query, beginning with the first one. */
  async show (query: Query, columns: Columns): Promise<void> {
    this.#key = columns.key
    this.#columns = shownColumns(query, columns)
    const pages = new RecordPages(this.#options.api, requestEntries(query, columns), columns.key.name)
    this.#pages = pages
    this.#scroller.ariaBusy = 'true'
    try {
      await pages.read(0, 1)
    } catch (error) {
      if (this.#pages === pages) this.#fail(error)
      return
    }
    // Another query may have been made in the meantime.
    if (this.#pages !== pages) return
    this.#drawHead(query)
    this.#rows.clear()
    this.#body.replaceChildren(this.#before, this.#after)
    this.#table.setAttribute('aria-rowcount', String(pages.total! + 1))
    this.#scroller.scrollTop = 0
    this.#place = { top: 0, shift: 0 }
    this.#scroller.ariaBusy = null
    this.#options.onRead()
    setText(this.#status, countOf(pages.total!, 'record'))
    setText(this.#message, '')
    if (pages.total === 0) this.#message.replaceChildren('No records match. ', button('Clear filters', this.#options.onClear))
    this.#draw()
  }

  /** The key of the record before or after another one, if it is in memory. */
  neighbour (key: string, step: 1 | -1): string | undefined {
    const index = [...this.#rows].find(([, row]) => row.dataset['key'] === key)?.[0]
    const row = index === undefined ? undefined : this.#pages?.row(index + step)
    return row === undefined ? undefined : String(row[this.#key!.name])
  }

  #fail (error: unknown): void {
    this.#scroller.ariaBusy = null
    this.#rows.clear()
    this.#body.replaceChildren()
    setText(this.#status, '')
    setText(this.#message, '')
    this.#options.onRead(error)
  }

  #drawHead ({ sort }: Query): void {
    const cells = this.#columns.map((column) => {
      const isSorted = sort?.column === column.name
      const direction = sort?.isReversed ? 'descending' : 'ascending'
      const isKeyOrder = sort === undefined && column === this.#key
      const attributes = { scope: 'col', class: alignment(column), 'aria-sort': isSorted ? direction : isKeyOrder ? 'ascending' : undefined, title: column.description || undefined }
      const title = isInstant(column) ? `${column.title} (UTC)` : column.title
      if (column.kind === 'image' || !isAddressable(column.name)) return element('th', attributes, title)
      return element('th', attributes, button(title, () => this.#options.onSort(column.name), { class: 'sort' }))
    })
    this.#head.replaceChildren(element('tr', { 'aria-rowindex': 1 }, ...cells))
    for (const spacer of [this.#before, this.#after]) spacer.firstElementChild!.setAttribute('colspan', String(cells.length))
  }

  /** Draws the rows in view before the next frame, and reads those that are missing. */
  #draw (): void {
    if (this.#isDrawing) return
    this.#isDrawing = true
    requestAnimationFrame(() => {
      this.#isDrawing = false
      this.#drawRows()
    })
  }

  get #height (): number {
    return (this.#pages?.total ?? 0) * this.#rowHeight
  }

  #drawRows (): void {
    const pages = this.#pages
    if (pages?.total === undefined || this.#before.parentElement === null) return
    const { scrollTop, clientHeight } = this.#scroller
    this.#place = scrolled(this.#place, scrollTop, this.#height)
    this.#wanted = rowWindow({ top: scrollTop + this.#place.shift, height: clientHeight, rowHeight: this.#rowHeight }, pages.total)
    const { first, end } = this.#wanted
    for (const [index, row] of this.#rows) {
      if (index >= first && index < end) continue
      // Images that are not loaded yet must not delay those in view.
      for (const image of row.querySelectorAll('img')) image.removeAttribute('src')
      // Keys must still scroll the table after the focused row has left it.
      if (row.contains(document.activeElement)) this.#scroller.focus({ preventScroll: true })
      row.remove()
      this.#rows.delete(index)
    }
    let next: Element = this.#before.nextElementSibling!
    for (let index = first; index < end; index++) {
      let row = this.#rows.get(index)
      if (row === undefined) {
        const record = pages.row(index)
        if (record === undefined) continue
        row = this.#makeRow(record, index)
        this.#rows.set(index, row)
        this.#body.insertBefore(row, next)
      }
      next = row.nextElementSibling!
    }
    this.#measure()
    const shown = this.#rows.size === 0 ? first : Math.min(...this.#rows.keys())
    const above = shown * this.#rowHeight - this.#place.shift
    setHeight(this.#before, above)
    setHeight(this.#after, Math.min(this.#height, MAX_HEIGHT) - above - this.#rows.size * this.#rowHeight)
    this.#read(pages)
  }

  /** Corrects the scroll position once the table is at rest. The same rows stay in view. */
  #settle (): void {
    const { top, shift } = settled(this.#place, this.#height)
    if (top === this.#place.top) return
    this.#scroller.scrollTop = top
    // Browsers round positions.
    const { scrollTop } = this.#scroller
    this.#place = { top: scrollTop, shift: shift + top - scrollTop }
    this.#drawRows()
  }

  /** Reads the rows in view and around them, one request at a time, so that each is for the rows that are then in view. */
  async #read (pages: RecordPages): Promise<void> {
    if (this.#reading === pages) return
    this.#reading = pages
    try {
      while (this.#pages === pages) {
        const { first, end } = this.#wanted
        const row = await pages.read(first, end + AHEAD_ROWS) ?? await pages.read(Math.max(0, first - AHEAD_ROWS), first)
        if (row === undefined) break
        if (this.#pages !== pages) return
        const progress = pages.row(first) === undefined ? `, loading record ${formatCount(first + 1)}: ${formatPercent(row, first)}` : ''
        setText(this.#status, countOf(pages.total!, 'record') + progress)
        setText(this.#message, '')
        this.#draw()
      }
    } catch (error) {
      if (this.#pages === pages) setText(this.#message, isGone(error) ? 'The records have changed since this list was read. Change a filter or load the page again to see the current ones.' : messageOf(error))
    }
    if (this.#reading === pages) this.#reading = undefined
  }

  /** The height of a row depends on the font. */
  #measure (): void {
    const row = this.#rows.values().next().value
    const height = row?.getBoundingClientRect().height ?? 0
    if (height > 0) this.#rowHeight = height
  }

  #makeRow (record: Row, index: number): HTMLTableRowElement {
    const key = String(record[this.#key!.name])
    const cells = this.#columns.map((column) => element('td', { class: alignment(column) }, this.#makeCell(record, column, key)))
    const row = element('tr', { 'aria-rowindex': index + 2, 'data-key': key, class: index % 2 === 0 ? undefined : 'odd' }, ...cells)
    row.addEventListener('click', (event) => {
      const isText = getSelection()?.isCollapsed === false
      if (!isText && !(event.target as Element).closest('a, button')) this.#options.onOpen(key)
    })
    return row
  }

  #makeCell (record: Row, column: Column, key: string): Node | string {
    const value = record[column.name]
    if (column.kind === 'image') {
      if (value === null || value === undefined) return element('span', { class: 'no-image' }, element('span', { class: 'visually-hidden' }, 'none'))
      if (!isImage(value)) return element('span', { class: 'note', title: String(value) }, String(value).split('.').at(-1)!.toUpperCase())
      return this.#options.images.make(imagePath(key, column), '', (image) => image.replaceWith(element('span', { class: 'no-image', title: 'The image cannot be shown' })))
    }
    if (column.kind === 'key') {
      const onclick = (event: Event) => {
        event.preventDefault()
        this.#options.onOpen(key)
      }
      const link = element('a', { href: `#${new URLSearchParams({ record: key })}`, onclick }, key)
      if (!this.#pages!.lastGood.has(key)) return link
      return element('span', {}, link, ' ', element('span', { class: 'code', title: 'The current file of this record is in quarantine, so that an earlier version is shown' }, 'last good'))
    }
    const text = formatValue(column, value)
    return text === undefined ? element('span', { class: 'missing', title: 'no value' }, '–') : text
  }
}

/** The columns of the table: those of the URL or the default ones. The key comes first, after the images; ages come next by default, so that a phone shows them. */
export function shownColumns ({ columns: names }: Query, columns: Columns): readonly Column[] {
  const chosen = names === undefined
    ? [...columns.images, ...columns.age === undefined ? [] : [columns.age], ...columns.shown.filter((column) => column !== columns.age)]
    : names.flatMap((name) => name === '*' ? columns.all.filter((column) => !names.includes(column.name)) : columns.byName.get(name) ?? [])
  const images = chosen.filter(({ kind }) => kind === 'image')
  return [...images, columns.key, ...chosen.filter(({ kind }) => kind !== 'image' && kind !== 'key')]
}

/** The parameters of the requests for the columns that the table shows. Those that no parameter can name come with `*`. */
export function requestEntries (query: Query, columns: Columns): readonly Entry[] {
  const { age } = columns
  const shown = shownColumns(query, columns)
  const names = shown.map(({ name }) => name)
  const list = names.every(isAddressable) ? names : ['*', ...age !== undefined && shown.includes(age) ? [age.name] : []]
  const { sort, filters } = query
  return entriesOf({ filters, columns: list, ...sort && { sort } })
}

function alignment ({ type, kind, isTime }: Column): string | undefined {
  if (kind === 'image') return 'image'
  return isNumeric(type) && !isTime ? 'number' : undefined
}

function setHeight (spacer: HTMLElement, pixels: number): void {
  spacer.style.height = `${pixels}px`
  spacer.hidden = pixels <= 0
}
