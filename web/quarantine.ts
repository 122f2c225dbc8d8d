import { messageOf, type Api } from './api.js'
import { byId, element, setText } from './dom.js'
import { countOf, formatCount } from './format.js'
import { toSearch } from './query-state.js'
import type { Quarantine, QuarantineEntry, Reject } from './types.js'

const PAGE_ENTRIES = 20

/** Shows the files that are not served, with reasons and hints. */
export class QuarantineList {
  readonly #api: Api
  readonly #list = byId('quarantine-list')
  readonly #more = byId<HTMLButtonElement>('quarantine-more')
  #cursor: string | undefined

  constructor (api: Api) {
    this.#api = api
    this.#more.addEventListener('click', () => { this.#readMore().catch((error) => setText(byId('quarantine-summary'), messageOf(error))) })
  }

  /** Shows the first page. Returns it, for the guide. */
  async show (): Promise<Quarantine> {
    const quarantine = await this.#read()
    const { counts, entries, ignored } = quarantine
    const summary = [
      ...counts.rejects > 0 ? [`${countOf(counts.rejects, 'file')} rejected`] : [],
      ...counts.orphans > 0 ? [countOf(counts.orphans, 'image without an info file', 'images without an info file')] : [],
      ...counts.ignored > 0 ? [`${countOf(counts.ignored, 'object')} ignored`] : []
    ]
    setText(byId('quarantine-summary'), summary.length === 0 ? 'Every file of the lake is served.' : `${summary.join(', ')}.`)
    const count = counts.rejects + counts.orphans
    setText(byId('quarantine-count'), count === 0 ? '' : formatCount(count))
    byId('quarantine-count').hidden = count === 0
    this.#list.replaceChildren(...entries.map(toItem))
    byId('ignored').replaceChildren(...ignored.map(({ extension, count, example }) =>
      element('li', {}, extension === null ? 'Other names' : `.${extension}`, `: ${countOf(count, 'object')}, such as `, element('code', {}, example))))
    byId('ignored-title').hidden = ignored.length === 0
    return quarantine
  }

  async #readMore (): Promise<void> {
    const { entries } = await this.#read(this.#cursor)
    this.#list.append(...entries.map(toItem))
  }

  async #read (cursor?: string): Promise<Quarantine> {
    const search = toSearch([['limit', String(PAGE_ENTRIES)], ...cursor === undefined ? [] : [['cursor', cursor] as const]])
    const { headers, body } = await this.#api.getWithHeaders<Quarantine>(`rejects${search}`)
    this.#cursor = headers.get('next-cursor') ?? undefined
    this.#more.hidden = this.#cursor === undefined
    return body
  }
}

function toItem (entry: QuarantineEntry): HTMLElement {
  return element('li', {}, rejectElement(entry))
}

/** Why a file is not served, and how to correct it. */
export function rejectElement (reject: Reject & Partial<QuarantineEntry>): HTMLElement {
  const { key, code, detail, hint, line, column, excerpt, last_good: lastGood } = reject
  const place = [line && `line ${line}`, column && `column ${column}`].filter(Boolean).join(', ')
  return element('div', { class: 'reject' },
    element('p', {}, element('code', { class: 'file' }, key), ' ', element('span', { class: 'code' }, code), place === '' ? undefined : element('span', { class: 'note' }, place)),
    element('p', {}, detail),
    excerpt ? element('p', {}, element('code', {}, excerpt)) : undefined,
    hint === null ? undefined : element('p', { class: 'hint' }, hint),
    lastGood ? element('p', { class: 'note' }, 'The last good version of the record is served.') : undefined)
}
