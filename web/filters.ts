import { isFilterable, isInstant, type Column, type Columns } from './columns.js'
import { describeFilter, operatorsOf, parseTypedNumber, toFilter } from './conditions.js'
import { button, byId, debounce, element, setOptions, setText } from './dom.js'
import { isNumeric } from './format.js'
import { parameterOf, type Entry, type Query } from './query-state.js'

export interface FilterOptions {
  readonly onAdd: (filter: Entry) => void
  readonly onRemove: (filter: Entry) => void
  readonly onClear: () => void
  /** `isMore`: the user is still typing in the box, so the new URL replaces the previous one in the history of the browser. */
  readonly onSearch: (words: string, isMore: boolean) => void
}

/** Milliseconds without typing after which the search begins. */
const PAUSE_MS = 250

/** The search box, the chips, and the form that makes a filter. */
export class Filters {
  readonly #options: FilterOptions
  readonly #search = byId<HTMLInputElement>('search')
  readonly #chips = byId('chips')
  readonly #form = byId<HTMLFormElement>('filter-form')
  readonly #column = byId<HTMLSelectElement>('filter-column')
  readonly #operator = byId<HTMLSelectElement>('filter-operator')
  readonly #value = byId('filter-value')
  readonly #message = byId('filter-message')
  #columns: Columns | undefined
  #isTyping = false
  /** Whether the box has text whose search has not begun. */
  #isPending = false

  constructor (options: FilterOptions) {
    this.#options = options
    const search = debounce(PAUSE_MS, () => {
      this.#isPending = false
      options.onSearch(this.#search.value.trim(), this.#isTyping)
      this.#isTyping = true
    })
    this.#search.addEventListener('input', () => {
      this.#isPending = true
      search()
    })
    this.#search.addEventListener('blur', () => { this.#isTyping = false })
    this.#column.addEventListener('change', () => this.#showOperators())
    this.#operator.addEventListener('change', () => this.#showValue())
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      this.#add()
    })
  }

  setColumns (columns: Columns): void {
    const selected = this.#column.value
    const before = this.#columns?.byName.get(selected)
    this.#columns = columns
    const usable = columns.all.filter(({ name }) => isFilterable(name))
    const first = usable.find(({ kind }) => kind === 'field') ?? usable[0]
    setOptions(this.#column, usable.map(({ name, title }) => [name, title]), columns.byName.has(selected) ? selected : first?.name)
    // What has been entered stays, if it can still be a filter.
    if (before === undefined || inputOf(before) !== inputOf(this.#selected)) this.#showOperators()
  }

  show (query: Query): void {
    const words = parameterOf(query, 'q') ?? ''
    // Text that is being typed is newer than the query, and spaces around it have no meaning.
    if (!this.#isPending && this.#search.value.trim() !== words) this.#search.value = words
    const filters = query.filters.filter(([name]) => name !== 'q')
    const chips = filters.map((filter) => {
      const text = describeFilter(this.#columns!, filter)
      return element('li', { class: 'chip' }, element('span', {}, text), button('×', () => this.#options.onRemove(filter), { 'aria-label': `Remove the filter: ${text}` }))
    })
    if (query.filters.length > 1) chips.push(element('li', {}, button('Clear all', this.#options.onClear, { class: 'link' })))
    // Removing a chip must not lose the focus.
    const hadFocus = this.#chips.contains(document.activeElement)
    this.#chips.replaceChildren(...chips)
    if (hadFocus) (this.#chips.querySelector('button') ?? this.#search).focus()
  }

  get #selected () {
    return this.#columns!.byName.get(this.#column.value)!
  }

  #showOperators (): void {
    setOptions(this.#operator, operatorsOf(this.#selected).map(({ id, label, note = '' }) => [id, `${label} ${note}`.trim()]))
    this.#showValue()
  }

  #showValue (): void {
    setText(this.#message, '')
    const column = this.#selected
    const operator = operatorsOf(column).find(({ id }) => id === this.#operator.value)!
    const attributes = { id: 'filter-input', 'aria-label': 'Value', 'aria-describedby': 'filter-message', required: true }
    const isEqual = operator.id === '=' || operator.id === '!='
    if (!operator.hasValue) return this.#value.replaceChildren()
    if (column.type === 'boolean' || (column.values !== undefined && isEqual)) {
      const select = element('select', attributes)
      setOptions(select, column.type === 'boolean' ? [['true', 'yes'], ['false', 'no']] : column.values!.map((value) => [value, value]))
      return this.#value.replaceChildren(select)
    }
    // Not `number`: there, Chromium drops a comma, and 1,8 is 18.
    const type = isInstant(column) ? 'datetime-local' : column.type === 'date' ? 'date' : 'text'
    // The decimal keyboard of an iPhone has no minus, which ages do not need.
    const inputmode = column.kind === 'age' ? 'decimal' : undefined
    // Times are in UTC, as in the table.
    const title = type === 'datetime-local' ? 'Date and time in UTC' : undefined
    this.#value.replaceChildren(element('input', { ...attributes, type, inputmode, title, step: type === 'datetime-local' ? 1 : undefined, required: column.type !== 'string' || !isEqual, autocomplete: 'off' }))
  }

  #add (): void {
    const column = this.#selected
    const input = this.#value.querySelector<HTMLInputElement | HTMLSelectElement>('input, select')
    const isNumber = input !== null && isNumeric(column.type) && !isInstant(column)
    const text = isNumber ? parseTypedNumber(column, input.value) : input?.value ?? ''
    if (text === undefined) {
      setText(this.#message, `Type a ${column.type === 'integer' ? 'whole number such as 1800' : 'number such as 1.8 or 1,8'}, without thousands separators.`)
      input!.ariaInvalid = 'true'
      return input!.focus()
    }
    const ms = isInstant(column) && text !== '' ? Date.parse(`${text}Z`) : NaN
    const value = Number.isNaN(ms) ? text : column.isTime ? String(ms) : new Date(ms).toISOString()
    this.#options.onAdd(toFilter(this.#columns!, column, this.#operator.value, value))
    this.#showValue()
  }
}

/** Identifies the column and what its filters accept. */
function inputOf ({ name, kind, type, isTime, values }: Column): string {
  return JSON.stringify([name, kind, type, isTime, values])
}
