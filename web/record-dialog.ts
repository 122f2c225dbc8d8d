import { ApiError, messageOf, type Api } from './api.js'
import type { Column, Columns } from './columns.js'
import { button, byId, element } from './dom.js'
import { formatValue } from './format.js'
import { isImage, type Images } from './images.js'
import { imagePath, recordPath, rejectsParameter } from './paths.js'
import { toSearch, type Entry } from './query-state.js'
import { rejectElement } from './quarantine.js'
import type { Quarantine, Row } from './types.js'

export interface RecordDialogOptions {
  readonly api: Api
  readonly images: Images
  readonly onClose: () => void
  readonly onStep: (step: 1 | -1) => void
}

/** The dialog with one record: all its values, its images and, if its file is in quarantine, why. */
export class RecordDialog {
  readonly #options: RecordDialogOptions
  readonly #dialog = byId<HTMLDialogElement>('record')
  readonly #content = byId('record-content')
  #key: string | undefined

  constructor (options: RecordDialogOptions) {
    this.#options = options
    this.#dialog.addEventListener('close', () => {
      // The event comes after the dialog has closed: another record may have been opened since.
      if (this.#dialog.open) return
      this.#key = undefined
      this.#content.ariaBusy = null
      options.onClose()
    })
    // A click beside the dialog closes it.
    this.#dialog.addEventListener('click', (event) => { if (event.target === this.#dialog) this.#dialog.close() })
    this.#dialog.addEventListener('keydown', ({ key, target }) => {
      if (target instanceof HTMLInputElement) return
      if (key === 'ArrowLeft') options.onStep(-1)
      if (key === 'ArrowRight') options.onStep(1)
    })
    byId('record-previous').addEventListener('click', () => options.onStep(-1))
    byId('record-next').addEventListener('click', () => options.onStep(1))
  }

  /** Shows a record, or closes the dialog. `asOf` has the parameters that ages depend on. */
  async show (key: string | undefined, columns: Columns, asOf: readonly Entry[]): Promise<void> {
    if (key === undefined) return this.#dialog.close()
    this.#key = key
    byId('record-title').textContent = key
    if (!this.#dialog.open) {
      this.#content.replaceChildren()
      this.#dialog.showModal()
      byId('record-close').focus()
    }
    // Until its values are there, those of the previous record are pale.
    this.#content.ariaBusy = 'true'
    const content = await this.#read(key, columns, asOf)
    if (this.#key !== key) return
    this.#content.replaceChildren(...content)
    this.#content.ariaBusy = null
  }

  async #read (key: string, columns: Columns, asOf: readonly Entry[]): Promise<readonly Node[]> {
    const search = toSearch([...asOf, ['columns', columns.age === undefined ? '*' : `*,${columns.age.name}`]])
    try {
      const { headers, body } = await this.#options.api.getWithHeaders<Row>(recordPath(key) + search)
      const reasons = headers.has('data-last-good') ? await this.#readReasons(key, columns) : []
      return [...reasons, ...this.#show(key, body, columns)]
    } catch (error) {
      const reject = error instanceof ApiError ? error.problem?.reject : undefined
      return reject === undefined ? [element('p', { class: 'problem' }, messageOf(error))] : [element('p', {}, 'This record is not served: its file is in quarantine.'), rejectElement(reject)]
    }
  }

  async #readReasons (key: string, { key: { name } }: Columns): Promise<readonly Node[]> {
    const { entries } = await this.#options.api.get<Quarantine>(`rejects${toSearch([[rejectsParameter(name), key]])}`)
    return [element('p', { class: 'warning' }, 'The current file of this record is in quarantine, so that an earlier version of the record is shown.'), ...entries.map(rejectElement)]
  }

  #show (key: string, record: Row, { all, images }: Columns): readonly Node[] {
    const pictures = images.filter(({ name }) => isImage(record[name])).map((column) => element('figure', {},
      this.#options.images.make(imagePath(key, column), `${column.title} of ${key}`, (image) => image.replaceWith(element('p', { class: 'quiet' }, 'The image cannot be shown.'))),
      images.length > 1 ? element('figcaption', {}, column.title) : undefined))
    const values = all.filter(({ kind, name }) => kind !== 'key' && record[name] !== undefined && !(kind === 'undeclared' && record[name] === null))
    return [
      ...pictures.length > 0 ? [element('div', { class: 'pictures' }, ...pictures)] : [],
      element('dl', { class: 'values' }, ...values.flatMap((column) => [element('dt', { title: column.description || undefined }, column.title), valueElement(column, record)])),
      element('p', { class: 'actions' }, this.#jsonButton(key, record))
    ]
  }

  #jsonButton (key: string, record: Row): HTMLElement {
    if (this.#options.api.key === undefined) return element('a', { href: recordPath(key), target: '_blank', rel: 'noopener' }, 'Open as JSON')
    const text = element('pre', { hidden: true, tabindex: 0 }, JSON.stringify(record, undefined, 2))
    return element('span', {}, button('Show as JSON', () => { text.hidden = !text.hidden }), text)
  }
}

function valueElement (column: Column, record: Row): HTMLElement {
  const value = record[column.name]
  const text = formatValue(column, value)
  if (text === undefined) return element('dd', { class: 'missing' }, 'no value')
  return element('dd', {}, text, column.isTime ? element('span', { class: 'note' }, ` UTC (${value})`) : undefined)
}
