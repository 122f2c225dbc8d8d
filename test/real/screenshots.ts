import { mkdirSync } from 'node:fs'
import t from 'tap'
import { closeBrowser, listen, openPage } from '../support/browser.js'
import { buildOnSampleData } from '../support/examples.js'
import { until } from '../support/until.js'

// Makes the pictures of the web page in docs/screenshots: npm run screenshots. Fonts for many scripts (Debian: fonts-noto-core, fonts-noto-cjk) make the names legible.

const FOLDER = 'docs/screenshots'

t.teardown(closeBrowser)

t.test('the pictures of the documents', async (t) => {
  mkdirSync(FOLDER, { recursive: true })
  const url = await listen(await buildOnSampleData(t))
  const pictures = [
    { name: 'light', query: '?min_age=20&max_age=49', colorScheme: 'light', width: 1200, height: 840 },
    { name: 'dark', query: '#record=wren.ashgrove', colorScheme: 'dark', width: 1200, height: 840 },
    { name: 'phone', query: '', colorScheme: 'light', width: 360, height: 720 }
  ] as const
  for (const { name, query, ...options } of pictures) {
    const page = await openPage(t, options)
    await page.goto(url + query)
    await page.locator('#table-body img').first().waitFor()
    if (query.startsWith('#record')) await page.locator('#record-content .values').waitFor()
    await until(async () => await page.evaluate<boolean>("document.querySelector('[aria-busy]') === null && [...document.images].every(({ complete, loading }) => complete || loading === 'lazy')"))
    await until(async () => await page.locator('#live').textContent() === 'live')
    await page.screenshot({ path: `${FOLDER}/${name}.png` })
    t.pass(name)
  }
})
