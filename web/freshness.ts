import { ApiError, type Api } from './api.js'
import { byId, setItems, setText } from './dom.js'
import { EventParser } from './event-stream.js'
import { formatAgo } from './format.js'
import type { Detail } from './types.js'

/** Milliseconds between two requests for the age and the warnings. */
const POLL_MS = 15_000
const SECOND_MS = 1000
/** The longest pause before the page connects to the event stream again. The pause is a second at first and doubles with each failure. */
const MAX_PAUSE_MS = 30_000

/** The state of the data: its version, its age, and whether changes arrive as they happen. */
export class Freshness {
  readonly #api: Api
  readonly #onChange: () => void
  #version: string | undefined
  /** When the data was last known to be current, in milliseconds of `performance.now()`. */
  #asOf: number | undefined
  #isLive = false
  #isStarted = false
  #stream: AbortController | undefined
  #lastId: string | undefined
  #pauseMs = SECOND_MS

  constructor (api: Api, onChange: () => void) {
    this.#api = api
    this.#onChange = onChange
  }

  /** Begins, or begins again with another key. */
  start (): void {
    this.#stream?.abort()
    this.#poll()
    this.#listen()
    if (this.#isStarted) return
    this.#isStarted = true
    setInterval(() => this.#show(), SECOND_MS)
    setInterval(() => { if (!document.hidden) this.#poll() }, POLL_MS)
    // Browsers open few connections to one server: a tab that is not seen needs none.
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) return this.#stream?.abort()
      this.#poll()
      this.#listen()
    })
  }

  async #poll (): Promise<void> {
    const warnings = fetch('readyz').then(async (response) => (await response.json() as { readonly details?: readonly Detail[] }).details ?? [])
    try {
      const { headers } = await this.#api.send('schema', { method: 'HEAD' })
      this.#read(headers)
      byId('freshness').classList.toggle('stale', headers.has('data-stale'))
    } catch {
      byId('freshness').classList.add('stale')
    }
    const details = await warnings.catch(() => [{ detail: 'The service cannot be reached.' }])
    setItems(byId('warnings'), details.map(({ detail }) => detail))
    this.#show()
  }

  #read (headers: Headers): void {
    this.#asOf = performance.now() - Number(headers.get('age') ?? 0) * 1000
    const version = headers.get('data-version') ?? undefined
    const hasChanged = this.#version !== undefined && version !== this.#version
    this.#version = version
    if (hasChanged) this.#onChange()
  }

  /** Follows the changes until the tab is hidden; connects again after a failure. */
  async #listen (): Promise<void> {
    if (document.hidden) return
    const stream = new AbortController()
    this.#stream = stream
    try {
      const { body } = await this.#api.send('changes', { signal: stream.signal, headers: { accept: 'text/event-stream', ...this.#lastId !== undefined && { 'last-event-id': this.#lastId } } })
      this.#setLive(true)
      this.#pauseMs = SECOND_MS
      const events = new EventParser()
      const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        for (const { id } of events.push(value!)) {
          this.#lastId = id
          this.#version = id?.split('~', 1)[0]
          this.#asOf = performance.now()
          this.#onChange()
        }
      }
    } catch (error) {
      // The dialog asks for another key.
      if (error instanceof ApiError && error.status === 401) stream.abort()
    }
    if (this.#stream !== stream) return
    this.#setLive(false)
    if (stream.signal.aborted) return
    setTimeout(() => { if (this.#stream === stream) this.#listen() }, this.#pauseMs)
    this.#pauseMs = Math.min(MAX_PAUSE_MS, this.#pauseMs * 2)
  }

  #setLive (isLive: boolean): void {
    this.#isLive = isLive
    this.#show()
  }

  #show (): void {
    const node = byId('freshness')
    node.classList.toggle('live', this.#isLive)
    setText(byId('live'), this.#isLive ? 'live' : 'not live')
    setText(byId('age'), this.#asOf === undefined ? '' : `checked ${formatAgo((performance.now() - this.#asOf) / 1000)}`)
    setText(byId('version'), this.#version === undefined ? '' : `version ${this.#version.slice(0, 6)}`)
    byId('version').title = `data version ${this.#version ?? ''}`
  }
}
