import { messageOf, type Api } from './api.js'
import { button, byId, element, setText } from './dom.js'
import { countOf, formatAgo, formatCount } from './format.js'
import { toSearch } from './query-state.js'
import type { Job } from './types.js'

/** The maximum number of jobs that are shown. */
const MAX_SHOWN = 8
/** Milliseconds between two requests for the progress of a job. */
const POLL_MS = 500

/** The jobs of the process, and the buttons that start one. While one runs, its progress is shown. */
export class Jobs {
  readonly #api: Api
  readonly #onEnd: () => void
  readonly #list = byId('jobs-list')
  readonly #message = byId('jobs-message')
  #timer: ReturnType<typeof setTimeout> | undefined
  #wasActive = false

  constructor (api: Api, onEnd: () => void) {
    this.#api = api
    this.#onEnd = onEnd
    byId('job-run').addEventListener('click', () => { this.#start({}) })
    byId('job-try').addEventListener('click', () => { this.#start({ dry_run: 'true' }) })
  }

  async show (): Promise<void> {
    clearTimeout(this.#timer)
    const { jobs } = await this.#api.get<{ readonly jobs: readonly Job[] }>('jobs')
    this.#list.replaceChildren(...jobs.length === 0 ? [element('li', { class: 'quiet' }, 'No job has run yet.')] : jobs.slice(0, MAX_SHOWN).map((job) => this.#toItem(job)))
    const isActive = jobs.some(({ finished_at: end }) => end === null)
    if (isActive) this.#timer = setTimeout(() => this.#refresh(), POLL_MS)
    if (this.#wasActive && !isActive) {
      setText(this.#message, describeJob(jobs[0]!))
      this.#onEnd()
    }
    this.#wasActive = isActive
  }

  #refresh (): void {
    this.show().catch((error) => setText(this.#message, messageOf(error)))
  }

  async #start (parameters: Readonly<Record<string, string>>): Promise<void> {
    setText(this.#message, 'The job has been started.')
    try {
      await this.#api.send(`data${toSearch(Object.entries(parameters))}`, { method: 'POST', headers: { prefer: 'respond-async' } })
      this.#wasActive = true
      await this.show()
    } catch (error) {
      setText(this.#message, messageOf(error))
    }
  }

  #toItem (job: Job): HTMLElement {
    const { state, finished_at: end, created_at: start, progress, trigger, dry_run: isDryRun, result } = job
    const confirm = result?.confirm
    const seconds = (Date.now() - Date.parse(end ?? start)) / 1000
    return element('li', { class: 'job' },
      element('p', {}, element('span', { class: `state ${state}` }, state), element('span', { class: 'note' }, `${isDryRun ? 'dry run, ' : ''}${trigger}, ${formatAgo(seconds)}`)),
      end === null ? progressElement(progress) : element('p', {}, describeJob(job)),
      // About a held output, the page asks in words of its own.
      ...(result?.warnings ?? []).filter(({ code }) => code !== 'output_held').map(({ detail }) => element('p', { class: 'hint' }, detail)),
      state === 'held' && confirm !== undefined ? this.#question(job.id, confirm) : undefined)
  }

  /** The question whether to publish a held output, which a click on its summary opens. It stays open when `show` replaces the list. */
  #question (id: string, confirm: string): HTMLElement {
    const open = this.#list.querySelector<HTMLDetailsElement>(`#held-${id}`)?.open
    return element('details', { id: `held-${id}`, open }, element('summary', {}, 'Publish it anyway'), element('p', {}, 'The lost records will not be in the output. Publish? ', button('Publish', () => { this.#start({ confirm }) })))
  }
}

function progressElement ({ listed, to_fetch: toFetch, fetched }: Job['progress']): HTMLElement {
  const text = toFetch === 0 ? `${countOf(listed, 'object')} listed` : `${formatCount(fetched)} of ${countOf(toFetch, 'file')} read`
  return element('p', {}, element('progress', { 'aria-label': 'Progress of the job', ...toFetch > 0 && { max: toFetch, value: fetched } }), ' ', text)
}

function describeJob ({ error, result, dry_run: isDryRun, state }: Job): string {
  if (error !== null) return error.detail
  if (result === null) return ''
  const { records, added, changed, removed, rejected, skipped, output_key: output } = result
  const text = ([[added, 'added'], [changed, 'changed'], [removed, 'removed'], [rejected, 'rejected']] as const).filter(([count]) => count > 0).map(([count, what]) => `${formatCount(count)} ${what}`).join(', ')
  // The result of a dry run is always `skipped`.
  const what = state === 'held' ? 'Held, because many records would be lost' : isDryRun && added + changed + removed > 0 ? 'Would be published' : skipped ? 'Nothing to write' : `Written to ${output}`
  return `${what}: ${countOf(records, 'record')}${text && ` (${text})`}.`
}
