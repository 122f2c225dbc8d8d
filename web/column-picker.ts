import { isAddressable, type Columns } from './columns.js'
import { byId, element } from './dom.js'
import type { Query } from './query-state.js'
import { shownColumns } from './table.js'

/** Shows a check box for each column that the table can show. */
export function showColumnPicker (query: Query, columns: Columns, onChange: (names: readonly string[] | undefined) => void): void {
  const shown = shownColumns(query, columns).map(({ name }) => name)
  const defaults = shownColumns({ filters: [] }, columns).map(({ name }) => name)
  const boxes = columns.all.filter(({ name, kind }) => kind !== 'key' && isAddressable(name)).map(({ name, title }) => {
    const box = element('input', { type: 'checkbox', checked: shown.includes(name) })
    box.addEventListener('change', () => {
      const names = box.checked ? [...shown, name] : shown.filter((other) => other !== name)
      const isDefault = names.length === defaults.length && names.every((name) => defaults.includes(name))
      onChange(isDefault ? undefined : names)
    })
    return element('label', {}, box, title)
  })
  // The boxes are replaced only if they have changed. The box at the place of the one with the focus gets the focus.
  const list = byId('columns-list')
  const key = JSON.stringify([shown, columns.all.map(({ name }) => name)])
  if (list.dataset['shown'] === key) return
  const focused = [...list.querySelectorAll('input')].findIndex((box) => box === document.activeElement)
  list.dataset['shown'] = key
  list.replaceChildren(...boxes)
  if (focused !== -1) list.querySelectorAll('input')[focused]?.focus()
}
