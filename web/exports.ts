import { messageOf, type Api } from './api.js'
import type { Columns } from './columns.js'
import { snippetsOf } from './copy-as.js'
import { button, byId, element, setText } from './dom.js'
import { entriesOf, toSearch, type Query } from './query-state.js'

/** The downloads, and the query in other languages. */
export class Exports {
  readonly #api: Api
  readonly #message = byId('export-message')

  constructor (api: Api) {
    this.#api = api
    for (const format of ['csv', 'ndjson'] as const) {
      byId(`download-${format}`).addEventListener('click', (event) => {
        if (api.key === undefined) return
        // A link sends no key.
        event.preventDefault()
        this.#download(format, (event.currentTarget as HTMLAnchorElement).href)
      })
    }
    byId('copy-open').addEventListener('click', () => byId<HTMLDialogElement>('copy').showModal())
  }

  show (query: Query, columns: Columns): void {
    const entries = entriesOf(query)
    for (const format of ['csv', 'ndjson']) byId<HTMLAnchorElement>(`download-${format}`).href = `data.${format}${toSearch(entries)}`
    const origin = new URL('.', location.href).href
    byId('copy-snippets').replaceChildren(...snippetsOf(origin, entries, columns, this.#api.key !== undefined).map(({ name, text }) => {
      const pre = element('pre', { tabindex: 0, 'aria-label': name }, text)
      const copy = button('Copy', () => { this.#copy(name, text, pre) }, { 'aria-label': `Copy ${name}` })
      return element('section', {}, element('header', {}, element('h3', {}, name), copy), pre)
    }))
  }

  async #copy (name: string, text: string, pre: HTMLElement): Promise<void> {
    const message = byId('copy-message')
    try {
      await navigator.clipboard.writeText(text)
      setText(message, `${name} has been copied.`)
    } catch {
      // Browsers let pages write to the clipboard only over TLS or from this machine.
      getSelection()?.selectAllChildren(pre)
      setText(message, 'The text is selected: copy it with the keyboard.')
    }
  }

  async #download (format: string, url: string): Promise<void> {
    setText(this.#message, 'The download has been started.')
    try {
      const response = await this.#api.send(url)
      const object = URL.createObjectURL(await response.blob())
      element('a', { href: object, download: `data.${format}` }).click()
      setTimeout(() => URL.revokeObjectURL(object), 60_000)
      setText(this.#message, 'The download is complete.')
    } catch (error) {
      setText(this.#message, messageOf(error))
    }
  }
}
