import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { setTimeout } from 'node:timers/promises'
import './file-timeout.js'

// Chromium, driven by tools/browser: `tools/install.sh browser`. The types have the part of playwright-core that the tests use.

export interface Locator {
  click (options?: { position?: { x: number, y: number }, timeout?: number }): Promise<void>
  fill (text: string): Promise<void>
  press (key: string): Promise<void>
  focus (): Promise<void>
  hover (): Promise<void>
  selectOption (value: string): Promise<unknown>
  textContent (): Promise<string | null>
  getAttribute (name: string): Promise<string | null>
  inputValue (): Promise<string>
  count (): Promise<number>
  isVisible (): Promise<boolean>
  allTextContents (): Promise<string[]>
  boundingBox (): Promise<{ x: number, y: number, width: number, height: number } | null>
  waitFor (options?: { state?: 'visible' | 'hidden' | 'attached' | 'detached' }): Promise<void>
  evaluate<T> (run: (element: any) => T): Promise<T>
  first (): Locator
  nth (index: number): Locator
  locator (selector: string): Locator
  getByRole (role: string, options?: { name?: string | RegExp, exact?: boolean }): Locator
}

export interface Download { path (): Promise<string>, suggestedFilename (): string }

export interface Page {
  goto (url: string): Promise<unknown>
  goBack (): Promise<unknown>
  reload (): Promise<unknown>
  url (): string
  locator (selector: string): Locator
  getByRole (role: string, options?: { name?: string | RegExp, exact?: boolean }): Locator
  getByLabel (text: string, options?: { exact?: boolean }): Locator
  evaluate<T, A = undefined> (run: string | ((argument: A) => T | Promise<T>), argument?: A): Promise<T>
  addScriptTag (options: { content: string }): Promise<unknown>
  addInitScript (script: string): Promise<void>
  screenshot (options: { path: string, fullPage?: boolean }): Promise<Buffer>
  waitForEvent (name: 'download'): Promise<Download>
  on (event: string, listener: (argument: any) => void): void
  readonly keyboard: { press (key: string): Promise<void>, type (text: string): Promise<void> }
  readonly mouse: { move (x: number, y: number, options?: { steps: number }): Promise<void>, down (): Promise<void>, up (): Promise<void>, wheel (x: number, y: number): Promise<void> }
}

interface Request { url (): string, failure (): { readonly errorText: string } | null }

interface Browser {
  newContext (options: object): Promise<{ newPage (): Promise<Page>, close (): Promise<void>, setDefaultTimeout (ms: number): void, grantPermissions (names: string[]): Promise<void> }>
  close (): Promise<void>
}

export interface PageOptions {
  readonly colorScheme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
  /** Errors of the console that the test expects. */
  readonly expected?: RegExp
  /** Whether the policy of the page is not applied, so that axe-core can be added to it. */
  readonly bypassCSP?: boolean
  readonly permissions?: readonly string[]
}

const require = createRequire(new URL('../../../tools/browser/package.json', import.meta.url))
const { chromium } = require('playwright-core') as { chromium: { launch (options: object): Promise<Browser> } }
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

/** Milliseconds after which a wait fails: many times what it takes on a slow machine. */
const LIMIT_MS = 120_000
/** The maximum number of times that a page is loaded again. */
const MAX_RELOADS = 3
/** Chromium ends requests with this error when an interface of the machine appears or disappears, which other programs may cause. */
const NETWORK_CHANGED = 'ERR_NETWORK_CHANGED'

let browser: Promise<Browser> | undefined

/** Polls until the condition is true. Fails after a limit, so that a page that never becomes ready does not stop the tests. */
export async function untilShown (condition: () => Promise<unknown> | unknown): Promise<void> {
  const end = performance.now() + LIMIT_MS
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not true after ${LIMIT_MS / 1000} s: ${condition}`)
    await setTimeout(5)
  }
}

/** Makes the app listen; returns its URL, with a final slash. */
export async function listen (app: FastifyInstance): Promise<string> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/`
}

/** Opens a page in a browser session of its own. The test or program fails at its end if the console has an unexpected error or warning, or if something has violated the policy of the page. */
export async function openPage (t: { readonly teardown: (end: () => Promise<void>) => void }, { colorScheme = 'light', width = 1280, height = 900, expected, bypassCSP = false, permissions = [] }: PageOptions = {}): Promise<Page> {
  browser ??= chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  const context = await (await browser).newContext({ colorScheme, viewport: { width, height }, bypassCSP, locale: 'en', timezoneId: 'UTC' })
  context.setDefaultTimeout(LIMIT_MS)
  await context.grantPermissions([...permissions])
  const page = await context.newPage()
  const errors: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !message.text().includes(NETWORK_CHANGED)) errors.push(message.text())
  })
  page.on('pageerror', (error: Error) => errors.push(String(error.stack)))
  await page.addInitScript("addEventListener('securitypolicyviolation', (event) => console.error('violates', event.violatedDirective, event.blockedURI, event.sample))")
  reloadAfterNetworkChange(page)
  t.teardown(async () => {
    await context.close()
    const unexpected = errors.filter((error) => expected === undefined || !expected.test(error))
    // A teardown cannot assert.
    if (unexpected.length > 0) throw new Error(`The console has errors:\n${unexpected.join('\n')}`)
  })
  return page
}

/** Makes `goto` load the page again if requests of it, such as modules, were lost because the network changed: the page does not repeat them. */
function reloadAfterNetworkChange (page: Page): void {
  const goto = page.goto.bind(page)
  let isLost = false
  page.on('requestfailed', (request: Request) => {
    // The page itself opens its event stream (/changes) again.
    if (request.failure()?.errorText.includes(NETWORK_CHANGED) && !request.url().endsWith('/changes')) isLost = true
  })
  const load = async (how: () => Promise<unknown>): Promise<unknown> => {
    isLost = false
    try {
      return await how()
    } catch (error) {
      if (!String(error).includes(NETWORK_CHANGED)) throw error
      isLost = true
      return null
    }
  }
  page.goto = async (url) => {
    let response = await load(() => goto(url))
    for (let reloads = 0; ; reloads++) {
      if (!isLost) return response
      if (reloads === MAX_RELOADS) throw new Error(`${url}: ${NETWORK_CHANGED} ${reloads + 1} times`)
      // A URL with a fragment that is open already would not be loaded again.
      response = await load(() => page.url() === url ? page.reload() : goto(url))
    }
  }
}

export async function closeBrowser (): Promise<void> {
  await (await browser)?.close()
  browser = undefined
}

/** What axe-core finds in a page, which must have been opened with bypassCSP. */
export async function findAccessibilityProblems (page: Page): Promise<string[]> {
  await page.addScriptTag({ content: AXE })
  return await page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' ' + target.join(' ') + ' ' + failureSummary)))`)
}
