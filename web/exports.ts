import { messageOf, type Api } from './api.js'
import type { Columns } from './columns.js'
import { snippetsOf } from './copy-as.js'
import { button, byId, element, setText } from './dom.js'
import { toSearch, type Query } from './query-state.js'
import { requestEntries } from './table.js'

/** The formats of the downloads, by the ids of their links, with their options. */
const DOWNLOADS = {
  csv: ['csv'],
  spreadsheet: ['csv', ['delimiter', ';'], ['bom', 'true']],
  ndjson: ['ndjson']
} as const

/** The downloads, and the query in other languages. */
export class Exports {
  readonly #api: Api
  readonly #message = byId('export-message')

  constructor (api: Api) {
    this.#api = api
    for (const id of Object.keys(DOWNLOADS)) {
      byId(`download-${id}`).addEventListener('click', (event) => {
        if (api.key === undefined) return
        // A link sends no key.
        event.preventDefault()
        this.#download(event.currentTarget as HTMLAnchorElement)
      })
    }
    byId('copy-open').addEventListener('click', () => byId<HTMLDialogElement>('copy').showModal())
  }

  show (query: Query, columns: Columns): void {
    const entries = requestEntries(query, columns)
    for (const [id, [format, ...options]] of Object.entries(DOWNLOADS)) byId<HTMLAnchorElement>(`download-${id}`).href = `data.${format}${toSearch([...entries, ...options])}`
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

  async #download ({ href, download }: HTMLAnchorElement): Promise<void> {
    setText(this.#message, 'The download has been started.')
    try {
      const response = await this.#api.send(href)
      const object = URL.createObjectURL(await response.blob())
      element('a', { href: object, download }).click()
      setTimeout(() => URL.revokeObjectURL(object), 60_000)
      setText(this.#message, 'The download is complete.')
    } catch (error) {
      setText(this.#message, messageOf(error))
    }
  }
}
