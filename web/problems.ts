import { ApiError, messageOf } from './api.js'
import { button, byId, element } from './dom.js'

/** The errors of the parts of the page, above all parts. Parts with the same error share one message. */
export class Problems {
  readonly #onClear: () => void
  readonly #box = byId('problem')
  readonly #errors = new Map<string, unknown>()

  /** @param onClear removes the filters, of which one may be the cause */
  constructor (onClear: () => void) {
    this.#onClear = onClear
  }

  /** Sets the error of a part; `undefined` if it has none. */
  set (part: string, error: unknown, hasFilters: boolean): void {
    if (error === undefined && !this.#errors.has(part)) return
    if (error === undefined) this.#errors.delete(part)
    else this.#errors.set(part, error)
    const table = this.#errors.get('table-scroller')
    const errors = [...this.#errors.values(), ...table === undefined ? [] : [table]]
    // A message begins with the name of the parameter. Of the messages about one parameter, that of the table is shown: its route has all parameters of the page.
    const messages = [...new Map(errors.map(messageOf).map((message) => [message.split(':', 1)[0], message])).values()]
    const canClear = hasFilters && errors.some((error) => error instanceof ApiError && error.status === 400)
    this.#box.replaceChildren(...messages.map((message) => element('p', {}, message)), ...canClear ? [button('Clear filters', this.#onClear)] : [])
    this.#box.hidden = messages.length === 0
  }
}
