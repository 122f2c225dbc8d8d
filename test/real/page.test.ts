import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { bearer, keyOf, ONE_KEY_PER_SCOPE } from '../support/api-keys.js'
import { buildOnFolder, csv } from '../support/app.js'
import { closeBrowser, findAccessibilityProblems, listen, openPage, untilShown as until, type Page, type PageOptions } from '../support/browser.js'
import { buildOnExample, buildOnSampleData } from '../support/examples.js'

// Clicks through the web page in Chromium. Needs tools/browser: `tools/install.sh browser`, and the program in CHROMIUM or /usr/bin/chromium.

t.teardown(closeBrowser)

const PNG = readFileSync('seed-data/1001.png')

/** Opens the page of an app, and waits for its figures and its first rows. */
async function open (t: Test, app: FastifyInstance, query = '', options: PageOptions = {}): Promise<Page> {
  const page = await openPage(t, options)
  await page.goto(await listen(app) + query)
  await settled(page)
  return page
}

/** Waits until no part of the page is being read. */
async function settled (page: Page): Promise<void> {
  await page.locator('#figures .figure').first().waitFor()
  await until(async () => await page.evaluate<boolean>("document.querySelector('[aria-busy]') === null"))
}

const figuresOf = async (page: Page) => await page.locator('#figures dd').allTextContents()
const keysOf = async (page: Page) => await page.locator('#table-body a').allTextContents()
const chipsOf = async (page: Page) => await page.locator('#chips .chip span').allTextContents()
const jsonOf = async (app: FastifyInstance, url: string, headers = {}) => (await app.inject({ url, headers })).json()

/** Waits for the number of records that match. */
async function untilCount (page: Page, count: number): Promise<void> {
  await until(async () => (await page.locator('#table-status').textContent())?.startsWith(`${count.toLocaleString('en')} record`))
  await settled(page)
}

async function countIn (app: FastifyInstance, page: Page): Promise<number> {
  return (await jsonOf(app, `/stats?${new URL(page.url()).searchParams}`)).count
}

t.test('the page shows the figures and the first records', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app)
  // The second figure is the text of two elements: 92 records have an image, which is 92 %.
  t.same((await figuresOf(page)).slice(0, 2), ['100', '9292 %'])
  const { average_age: mean, median_age: median } = await jsonOf(app, '/stats')
  t.same((await figuresOf(page)).slice(2).map((text) => Number(text).toFixed(0)), [mean.toFixed(0), median.toFixed(0)])
  t.same((await keysOf(page)).slice(0, 3), ['1001', '1002', '1003'])
  await until(async () => await page.locator('#table-body img').first().evaluate((image) => image.naturalWidth) > 0)
  await until(async () => await page.locator('#live').textContent() === 'live')
  t.match(await page.locator('#quarantine-list').textContent(), /no-info-file\.png/)
})

t.test('a click on a bar filters, another one removes the filter, and the history leads back', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app)
  const bar = page.locator('.bars button').nth(3)
  const count = Number(/: (\d+) records?$/.exec((await bar.getAttribute('aria-label'))!)![1])
  await bar.click()
  await untilCount(page, count)
  t.match(page.url(), /\?min_age=\d+&max_age=\d+$/)
  t.equal(await countIn(app, page), count)
  t.same((await chipsOf(page)).map((text) => text.replace(/\d+/, 'N')), ['Age at least N', 'Age at most N'])
  t.equal((await figuresOf(page))[0], `${count}of 100`)
  t.ok(await page.locator('.bars button').count() > 10, 'the other bars are still there')
  t.equal(await page.locator('.bars button[aria-pressed=true]').count(), 1)
  await page.goBack()
  await untilCount(page, 100)
  t.same(await chipsOf(page), [])
  await page.locator('.bars button').nth(3).click()
  await untilCount(page, count)
  await page.locator('.bars button').nth(3).click()
  await untilCount(page, 100)
})

t.test('a drag over bars, or Shift with arrows, filters by a range', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app)
  const counts = await Promise.all([2, 3, 4].map(async (i) => Number(/: (\d+) rec/.exec((await page.locator('.bars button').nth(i).getAttribute('aria-label'))!)![1])))
  const total = counts.reduce((sum, count) => sum + count)
  const [from, to] = [(await page.locator('.bars button').nth(2).boundingBox())!, (await page.locator('.bars button').nth(4).boundingBox())!]
  await page.mouse.move(from.x + from.width / 2, from.y + 50)
  await page.mouse.down()
  await page.mouse.move(to.x + to.width / 2, to.y + 60, { steps: 5 })
  t.match(await page.locator('#histogram-readout').textContent(), new RegExp(`: ${total} records`))
  await page.mouse.up()
  await untilCount(page, total)
  t.equal(await countIn(app, page), total)
  await page.getByRole('button', { name: 'Clear all' }).click()
  await untilCount(page, 100)
  await page.locator('.bars button').first().focus()
  for (const key of ['ArrowRight', 'ArrowRight', 'Shift+ArrowRight', 'Shift+ArrowRight', 'Enter']) await page.keyboard.press(key)
  await untilCount(page, total)
})

t.test('the text below the histogram has the range of the filters and the number of records in it, also if it ends within a bar', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app, '?min_age=23&max_age=47')
  const { count } = await jsonOf(app, '/stats?min_age=23&max_age=47')
  t.equal(await page.locator('#histogram-readout').textContent(), `23 – 47: ${count} records`)
  // A click on the bars that the range overlaps selects all of them.
  const selected = page.locator('.bars button[aria-pressed=true]')
  await selected.first().focus()
  for (let i = await selected.count(); i > 1; i--) await page.keyboard.press('Shift+ArrowRight')
  await page.keyboard.press('Enter')
  await until(() => new URL(page.url()).search === '?min_age=20&max_age=49')
  await untilCount(page, (await jsonOf(app, '/stats?min_age=20&max_age=49')).count)
})

t.test('if no record matches, no bar looks selected, and a button clears the filters', async (t) => {
  const app = await buildOnSampleData(t)
  /** The number of pixels of the histogram that have the colour of selected bars (`--bar` in web/style.css). */
  const dark = async (page: Page) => await page.evaluate<number>(`(() => {
    const canvas = document.querySelector('#plot canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const [r, g, b] = [0x3f, 0x7f, 0xc4]
    let count = 0
    for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count++
    return count
  })()`)
  const page = await open(t, app, '?min_age=900')
  t.equal(await page.locator('#histogram-readout').textContent(), 'from 900: 0 records')
  t.equal(await dark(page), 0)
  t.equal(await page.locator('#groups').textContent(), 'No groups.')
  t.match(await page.locator('#table-message').textContent(), 'No records match.')
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await untilCount(page, 100)
  t.ok(await dark(page) > 0)
  t.equal(await page.locator('#table-message').textContent(), '')
  await page.goto(`${await listen(app)}?where=last_name=nobody`)
  await until(async () => await page.locator('#plot').textContent() === 'No records match.')
})

t.test('groups filter by their value', async (t) => {
  const app = await buildOnExample(t, 'devices')
  const page = await open(t, app)
  const group = page.locator('.group').first()
  const [kind, count] = [await group.locator('.label').textContent(), Number(await group.locator('.count').textContent())]
  await group.click()
  await untilCount(page, count)
  t.equal(new URL(page.url()).searchParams.get('where'), `kind=${kind}`)
  t.same(await chipsOf(page), [`Kind is ${kind}`])
  t.equal(await page.locator('.group').first().getAttribute('aria-pressed'), 'true')
  t.ok(await page.locator('.group').count() > 1, 'the other groups are still there')
  const { groups, count: total } = await jsonOf(app, '/stats?group_by=kind&columns=temperature')
  t.same([await group.locator('.share').textContent(), Number(await group.locator('.mean').textContent())], [`${Math.round(100 * count / total)} %`, Number(groups[0].columns.temperature.mean.toPrecision(3))])
  t.match(await group.getAttribute('title'), new RegExp(`^${kind}: ${count} records, \\d+ %, mean temperature .*\\d$`))
  for (let i = 0; i < await page.locator('.group').count(); i++) {
    const [end, figure] = [(await page.locator('.group .bar').nth(i).boundingBox())!, (await page.locator('.group .count').nth(i).boundingBox())!]
    t.ok(end.x + end.width <= figure.x, 'the bar ends before the figures')
  }
  await page.evaluate("document.querySelector('#groups-head .mean').textContent = 'mean elevation above the level of the sea'")
  t.ok(await page.evaluate("(() => { const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.querySelector('#groups-head .mean'); return scrollWidth <= clientWidth && scrollHeight <= clientHeight })()"), 'a long head is not cut off')
  await page.locator('#group-column').selectOption('online')
  await until(async () => (await page.locator('.group .label').allTextContents()).includes('yes'))
  t.match(page.url(), /#group=online$/)
})

t.test('the mean of the groups names its column, a date of it is not broken, and a button lists the other groups', async (t) => {
  const app = await buildOnExample(t, 'pets')
  const page = await open(t, app, '?where=born#chart=born&group=name', { width: 1280, bypassCSP: true })
  const { groups } = await jsonOf(app, '/stats?where=born&group_by=name&limit=1000')
  const [rest, bars] = [page.locator('#groups-rest'), page.locator('.group')]
  t.match(await rest.textContent(), new RegExp(`^The mean is that of Date of birth, chosen in Distribution. ${groups.length - 8} other values: \\d+ records Show more$`))
  t.match(await bars.first().locator('.mean').textContent(), /^\d{4}-\d\d-\d\d$/)
  t.equal(await bars.first().locator('.mean').evaluate((mean) => {
    const range = mean.ownerDocument.createRange()
    range.selectNodeContents(mean)
    return range.getClientRects().length
  }), 1, 'one line')
  await rest.getByRole('button').click()
  await until(async () => await bars.count() === groups.length)
  t.equal(await rest.textContent(), 'The mean is that of Date of birth, chosen in Distribution. ')
  await until(async () => await bars.nth(8).evaluate((bar) => bar === bar.ownerDocument.activeElement))
  t.same(await findAccessibilityProblems(page), [])
})

t.test('filters are made by a form and by the search box, and removed by their chips', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app)
  await page.getByLabel('Column', { exact: true }).selectOption('last_name')
  t.same((await page.locator('#filter-operator option').allTextContents()).slice(0, 4), ['contains', 'begins with (same case)', 'is (same case)', 'is not (same case)'])
  await page.getByLabel('Condition').selectOption('^=')
  await page.getByLabel('Value').fill('Ash')
  await page.getByRole('button', { name: 'Add filter' }).click()
  await untilCount(page, await countIn(app, page))
  t.same(await chipsOf(page), ['Last name begins with Ash (same case)'])
  t.equal(new URL(page.url()).searchParams.get('where'), 'last_name^=Ash')
  await page.getByLabel('Search in all text columns').fill('wren')
  await until(() => page.url().includes('q=wren'))
  await untilCount(page, await countIn(app, page))
  await until(async () => (await keysOf(page)).includes('wren.ashgrove'))
  await page.getByRole('button', { name: 'Remove the filter: Last name begins with Ash (same case)' }).click()
  await until(async () => (await chipsOf(page)).length === 0)
  await page.getByLabel('Search in all text columns').fill('')
  await untilCount(page, 100)
  t.equal(new URL(page.url()).search, '')
})

t.test('the form never sends another number than the one that was typed', async (t) => {
  const page = await open(t, await buildOnExample(t, 'products'), '', { bypassCSP: true })
  await page.getByLabel('Column', { exact: true }).selectOption('price')
  const [value, message] = [page.getByLabel('Value'), page.locator('#filter-message')]
  const add = async (text: string) => {
    await value.focus()
    await page.keyboard.type(text)
    await page.keyboard.press('Enter')
  }
  await add('3.000,50')
  t.equal(await message.textContent(), 'Type a number such as 1.8 or 1,8, without thousands separators.')
  t.same([await value.inputValue(), await value.getAttribute('aria-invalid'), await value.getAttribute('aria-describedby'), await chipsOf(page)], ['3.000,50', 'true', 'filter-message', []])
  t.same(await findAccessibilityProblems(page), [])
  await value.fill('')
  await add('1,8')
  await until(async () => (await chipsOf(page)).length === 1)
  t.same(await chipsOf(page), ['Price in euros at least 1.8'])
  t.same([await message.textContent(), await message.isVisible()], ['', false])
})

t.test('an error that several parts have is shown once, above them, and a button clears the filters', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await openPage(t, { expected: /400 \(Bad Request\)/ })
  await page.goto(`${await listen(app)}?min_agee=3`)
  await page.locator('#problem').waitFor()
  await until(async () => await page.evaluate<boolean>("document.querySelector('[aria-busy]') === null"))
  const text = await page.evaluate<string>('document.body.innerText')
  t.equal(text.split('did you mean min_age?').length, 2, text)
  for (const part of ['#figures', '#charts .card', '#table-scroller', '#download-csv']) t.notOk(await page.locator(part).first().isVisible(), part)
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await untilCount(page, 100)
  t.notOk(await page.locator('#problem').isVisible())
  for (const part of ['#figures', '#histogram', '#group-section', '#table-scroller', '#download-csv']) t.ok(await page.locator(part).isVisible(), part)
  t.ok(await page.locator('.bars button').count() > 10)
  // The routes accept different parameters; the page has those of GET /data.
  for (const query of ['foo=1', 'bins=5']) {
    await page.goto(`${await listen(app)}?${query}`)
    await page.locator('#problem').waitFor()
    await until(async () => await page.evaluate<boolean>("document.querySelector('[aria-busy]') === null"))
    t.same(await page.locator('#problem p').allTextContents(), [(await jsonOf(app, `/data?${query}`)).detail])
  }
})

t.test('a column of the URL that the lake does not have is named, and left out of all links', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app, '?columns=user_id,first_name,height&sort=-height#chart=weight')
  t.match(await page.locator('#notices').textContent(), /“height”.*“weight”/)
  t.same((await page.locator('th').allTextContents()).filter((text) => text !== ''), ['User id', 'First name'])
  t.same((await keysOf(page))[0], '1001')
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#download-csv').click()])
  t.match(readFileSync(await download.path(), 'utf8'), /^user_id,first_name\r\n/)
  await page.locator('#chart-column').selectOption('birthts')
  await until(() => page.url().endsWith('?columns=user_id,first_name#chart=birthts'))
  t.notOk(await page.locator('#notices').isVisible())
})

t.test('a click on the head of a column sorts by it', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app)
  const head = page.getByRole('columnheader', { name: 'Birth timestamp' })
  for (const [sort, direction] of [['birthts', 'ascending'], ['-birthts', 'descending']] as const) {
    await head.getByRole('button').click()
    await until(async () => await head.getAttribute('aria-sort') === direction)
    t.equal(new URL(page.url()).searchParams.get('sort'), sort)
    const expected = (await jsonOf(app, `/data?sort=${sort}&limit=5`)).map(({ user_id: id }: { user_id: string }) => id)
    await until(async () => JSON.stringify((await keysOf(page)).slice(0, 5)) === JSON.stringify(expected))
  }
})

const scrollTo = async (page: Page, top: number) => await page.evaluate(`document.getElementById('table-scroller').scrollTop = ${top}`)

t.test('a long table keeps few rows in the document, reads two pages ahead, and goes to its end without the records before it', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`k${String(i).padStart(4, '0')}.csv`, csv('A', 'B', i)]))
  const { app } = await buildOnFolder(t, { source_data: files })
  await app.inject({ method: 'POST', url: '/data' })
  const page = await open(t, app)
  const countRequests = async () => await page.evaluate<number>("performance.getEntriesByType('resource').filter(({ name }) => name.includes('cursor=')).length")
  await until(async () => await countRequests() === 2)
  await scrollTo(page, 1e9)
  await page.locator('tr[data-key=k1199]').waitFor()
  t.equal(await page.locator('tr[data-key=k1199]').getAttribute('aria-rowindex'), '1201')
  t.ok(await page.locator('#table-body tr').count() < 80)
  // Five more: the cursor of the last page, that page, the cursor of the first of the two pages before it, and these two.
  await until(async () => await countRequests() === 7)
  await scrollTo(page, 0)
  await until(async () => (await keysOf(page))[0] === 'k0000')
  t.ok(await page.locator('#table-body tr').count() < 80)
})

t.test('a table that is too high for browsers is scrolled to its end, and everywhere by single pixels', async (t) => {
  const [count, rowHeight, limit] = [1200, 8000, 8_000_000]
  const files = Object.fromEntries(Array.from({ length: count }, (_, i) => [`${String(i).padStart(4, '0')}.csv`, csv('A', 'B', i)]))
  const { app } = await buildOnFolder(t, { source_data: files })
  await app.inject({ method: 'POST', url: '/data' })
  const page = await open(t, app)
  // Higher rows in place of more rows: each is as high as 180 usual ones. The policy forbids a style element, but not a rule.
  await page.evaluate(`document.styleSheets[0].insertRule('tr[data-key] td { height: ${rowHeight}px }')`)
  await scrollTo(page, 1)
  await until(async () => await page.evaluate<number>("document.getElementById('table-scroller').scrollHeight") > limit)
  /** The scroll position, and how many pixels of rows are above and below the part of the table that is in view; undefined while no row is read. */
  const measure = async () => await page.evaluate<{ readonly top: number, readonly above?: number, readonly below?: number }>(`(() => {
    const scroller = document.getElementById('table-scroller')
    const row = document.querySelector('#table-body tr[data-key]')
    const { top, height } = row?.getBoundingClientRect() ?? {}
    const start = document.querySelector('#table-head th').getBoundingClientRect().bottom
    const above = Number(row?.dataset.key) * height + start - top
    const view = scroller.getBoundingClientRect().top + scroller.clientTop + scroller.clientHeight - start
    return { top: scroller.scrollTop, ...row && { above, below: ${count} * height - above - view } }
  })()`)
  const isNear = (value: number | undefined, expected: number) => value !== undefined && Math.abs(value - expected) < 2
  await page.locator('#table-scroller').focus()
  /** Presses a key until the table is where it leads: on a slow machine, the correction of the scroll position can interrupt the smooth scrolling to an end. */
  const pressUntil = async (key: string, isThere: () => Promise<boolean>) => await until(async () => {
    if (await isThere()) return true
    await page.keyboard.press(key)
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 500))')
    return await isThere()
  })
  await pressUntil('End', async () => isNear((await measure()).below, 0))
  t.equal(await page.locator('#table-body tr').nth(-2).getAttribute('aria-rowindex'), String(count + 1))
  t.equal(await page.locator('#table-status').textContent(), '1,200 records')
  await page.keyboard.press('ArrowUp')
  await until(async () => isNear((await measure()).below, 40))
  await pressUntil('Home', async () => isNear((await measure()).above, 0))
  await page.keyboard.press('PageDown')
  // Keys scroll smoothly: the table is at rest when nothing moves for some frames.
  await until(async () => {
    const before = await measure()
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 100))')
    const { above = 0 } = await measure()
    return above > 300 && above < 700 && above === before.above
  })
  // The middle of the scroll bar is the middle of the rows. There, the wheel scrolls by its pixels; then the scroll bar is corrected.
  await scrollTo(page, limit / 2)
  const middle = count / 2 * rowHeight
  await until(async () => isNear((await measure()).above, middle))
  await page.locator('#table-scroller').hover()
  await page.mouse.wheel(0, 450)
  await until(async () => {
    const { top, above } = await measure()
    // Between the two edges of 1,000,000 pixels, 6,000,000 scroll positions stand for 7,600,000 pixels of rows (`shiftAt` in web/row-window.ts).
    return isNear(above, middle + 450) && isNear(top, limit / 2 + 450 * 6 / 7.6)
  })
})

t.test('columns are chosen, and the choice is part of the URL', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app)
  await page.locator('summary').click()
  await page.getByRole('checkbox', { name: 'Birth timestamp' }).click()
  await until(() => page.url().includes('columns='))
  await until(async () => !(await page.locator('th').allTextContents()).includes('Birth timestamp (UTC)'))
  t.same(new URL(page.url()).searchParams.get('columns'), 'img_path,user_id,age,first_name,last_name')
})

t.test('a record is shown with its image, and the arrows lead to the next one', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app)
  await page.getByRole('link', { name: '1001', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: '1001' })
  await dialog.locator('.values').waitFor()
  t.match(await dialog.locator('.values').textContent(), /Birth timestamp.*UTC.*Age/)
  await until(async () => await dialog.locator('img').evaluate((image) => image.naturalWidth) > 0)
  t.match(page.url(), /#record=1001$/)
  await page.getByRole('button', { name: 'Next record' }).click()
  await page.getByRole('dialog', { name: '1002' }).waitFor()
  await page.keyboard.press('Escape')
  await until(() => !page.url().includes('record='))
  await page.goto(`${await listen(app)}#record=wren.ashgrove`)
  await page.getByRole('dialog', { name: 'wren.ashgrove' }).locator('.values').waitFor()
})

t.test('a record that is opened right after another one was closed stays open', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app, '#record=1001')
  await page.locator('#record-content .values').waitFor()
  // In one task, so that the event of the close comes after the next record was opened.
  await page.evaluate("document.getElementById('record').close(); document.querySelector('tr[data-key=\"1002\"] a').click()")
  const dialog = page.getByRole('dialog', { name: '1002' })
  await dialog.locator('.values').waitFor()
  t.match(page.url(), /#record=1002$/)
  await page.keyboard.press('Escape')
  await until(() => !page.url().includes('record='))
})

t.test('a record with several images has all of them', async (t) => {
  const app = await buildOnExample(t, 'products')
  const page = await open(t, app, '#record=A134')
  await page.getByRole('dialog', { name: 'A134' }).locator('figure').nth(1).waitFor()
  t.same(await page.locator('figcaption').allTextContents(), ['Photo', 'Label'])
})

t.test('the downloads have the filters of the page, and the columns that its table shows', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app, '?where=last_name=Ashgrove')
  const query = 'where=last_name=Ashgrove&columns=img_path,user_id,age,first_name,last_name,birthts'
  for (const [id, format, options] of [['csv', 'csv', ''], ['spreadsheet', 'csv', '&delimiter=%3B&bom=true'], ['ndjson', 'ndjson', '']] as const) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator(`#download-${id}`).click()])
    t.equal(download.suggestedFilename(), `data.${format}`)
    t.equal(readFileSync(await download.path(), 'utf8'), (await app.inject(`/data.${format}?${query}${options}`)).body)
  }
})

t.test('the query is copied as a command', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app, '?where=last_name=Ashgrove', { permissions: ['clipboard-read', 'clipboard-write'] })
  await page.getByRole('button', { name: 'Copy as …' }).click()
  await page.getByRole('button', { name: 'Copy curl' }).click()
  await until(async () => await page.locator('#copy-message').textContent() !== '')
  t.equal(await page.evaluate('navigator.clipboard.readText()'), `curl '${await listen(app)}data?where=last_name=Ashgrove&columns=img_path,user_id,age,first_name,last_name,birthts'`)
})

t.test('a button runs a job, and the message describes what it did', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app)
  const before = app.jobs.list().length
  await page.getByRole('button', { name: 'Update the output' }).click()
  await until(async () => /100 records/.test(await page.locator('#jobs-message').textContent() ?? ''))
  await page.getByRole('button', { name: 'Dry run' }).click()
  await until(async () => /^Nothing to write: 100 records/.test(await page.locator('#jobs-message').textContent() ?? ''))
  t.equal(app.jobs.list().length, before + 2)
})

t.test('a job that is held asks before it publishes, and the question stays when the list is read again', async (t) => {
  const { app, root } = await buildOnFolder(t, { source_data: Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`${i}.csv`, csv()])) })
  const post = async () => (await app.inject({ method: 'POST', url: '/data' })).json()
  t.equal((await post()).result.records, 150)
  for (let i = 0; i < 120; i++) rmSync(join(root, `source_data/${i}.csv`))
  await until(async () => (await post()).state === 'held')
  const page = await open(t, app)
  const held = page.locator('#jobs-list details').first()
  t.notOk(await held.getByRole('button').isVisible())
  await held.locator('summary').click()
  t.match(await held.textContent(), 'The lost records will not be in the output. Publish?')
  await page.getByRole('button', { name: 'Dry run' }).click()
  await until(async () => /Would be/.test(await page.locator('#jobs-message').textContent() ?? ''))
  t.equal((await post()).state, 'held', 'nothing is published yet')
  await page.locator('#jobs-list details[open]').getByRole('button', { name: 'Publish' }).click()
  await until(async () => /^Written to .*30 records/.test(await page.locator('#jobs-message').textContent() ?? ''))
})

t.test('an attachment that is not an image is shown by its type, and not requested as an image', async (t) => {
  const schema = { fields: [{ name: 'id', type: 'string', source: 'key' }, { name: 'first_name', type: 'string' }, { name: 'manual', type: 'string', source: 'image', extensions: ['pdf'] }] } as const
  const { app } = await buildOnFolder(t, { source_data: { 'a.csv': 'first_name\nAnn\n', 'a.pdf': 'x' } }, { schema })
  await app.inject({ method: 'POST', url: '/data' })
  const page = await open(t, app, '#record=a')
  t.equal(await page.locator('#table-body td.image').first().textContent(), 'PDF')
  await page.locator('#record-content .values').waitFor()
  t.match(await page.locator('#record-content .values').textContent(), 'source_data/a.pdf')
  t.equal(await page.locator('#record-content img, #table-body img').count(), 0)
})

t.test('files in quarantine are listed with reasons and hints, which the details of their records show as well', async (t) => {
  const { app, root } = await buildOnFolder(t, { source_data: { 'bad.csv': csv('A', 'B', 'yesterday'), 'good.csv': csv('Good'), 'other.csv': csv('Other'), 'notes.txt': 'x' } })
  await app.inject({ method: 'POST', url: '/data' })
  writeFileSync(join(root, 'source_data/good.csv'), csv('Good', 'B', 'tomorrow'))
  await app.inject({ method: 'POST', url: '/data' })
  const page = await open(t, app, '', { expected: /404 \(Not Found\)/ })
  t.equal(await page.locator('#quarantine-count').textContent(), '2')
  t.match(await page.locator('#quarantine-list').textContent(), /source_data\/bad\.csv.*invalid_.*birthts.*yesterday/)
  t.match(await page.locator('tr[data-key=good]').textContent(), 'last good')
  t.notMatch(await page.locator('tr[data-key=other]').textContent(), 'last good')
  t.match(await page.locator('#ignored').textContent(), /\.txt: 1 object, such as source_data\/notes\.txt/)
  await page.goto(`${await listen(app)}#record=good`)
  await until(async () => /earlier version.*tomorrow/s.test(await page.locator('#record-content').textContent() ?? ''))
  t.match(await page.locator('#record-content .values').textContent(), /Good/)
  await page.goto(`${await listen(app)}?image_exists=false#record=bad`)
  await until(async () => /is in quarantine.*birthts/s.test(await page.locator('#record-content').textContent() ?? ''))
})

t.test('an empty lake shows a guide, and a first file appears without a reload', async (t) => {
  const { app, root } = await buildOnFolder(t, { source_data: {} })
  await app.inject({ method: 'POST', url: '/data' })
  const page = await open(t, app)
  await page.locator('#guide').waitFor()
  t.match(await page.locator('#guide').textContent(), /The lake is empty.*first_name,last_name,birthts/s)
  t.notOk(await page.locator('#records').isVisible())
  writeFileSync(join(root, 'source_data/first.csv'), csv('Ann'))
  await page.locator('tr[data-key=first]').waitFor()
  t.notOk(await page.locator('#guide').isVisible())
})

t.test('if no file fits, the guide shows why', async (t) => {
  const { app } = await buildOnFolder(t, { source_data: { '1.csv': 'first_name;last_name;birthts\nA;B;3\n' } })
  await app.inject({ method: 'POST', url: '/data' })
  const page = await open(t, app)
  await page.locator('#guide').waitFor()
  const { entries: [{ detail, hint }] } = await jsonOf(app, '/rejects')
  const text = await page.locator('#guide').textContent()
  t.match(text, 'No file of the lake fits yet')
  t.ok(text!.includes(detail) && text!.includes(hint), text!)
})

t.test('the page follows the changes of the lake', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app)
  await until(async () => await page.locator('#live').textContent() === 'live')
  const root = new URL(app.config.LAKE_URL).pathname
  mkdirSync(join(root, 'source_data'), { recursive: true })
  writeFileSync(join(root, 'source_data/0001.csv'), csv('New', 'Record'))
  await page.locator('tr[data-key="0001"]').waitFor()
  t.equal((await figuresOf(page))[0], '101')
  rmSync(join(root, 'source_data/0001.csv'))
  await page.locator('tr[data-key="0001"]').waitFor({ state: 'detached' })
})

t.test('a change of the lake does not replace the text that is being typed into the search box', async (t) => {
  const { app, root } = await buildOnFolder(t, { source_data: { '1.csv': csv('Ann') } })
  const page = await open(t, app)
  await until(async () => await page.locator('#live').textContent() === 'live')
  writeFileSync(join(root, 'source_data/2.csv'), csv('Bob'))
  const search = page.getByLabel('Search in all text columns')
  await search.focus()
  let typed = ''
  // The search begins after a pause, and the keys leave none until the page has shown the change.
  await until(async () => {
    await page.keyboard.press('a')
    typed += 'a'
    return /2$/.test((await figuresOf(page))[0] ?? '')
  })
  t.equal(await search.inputValue(), typed)
  await until(() => page.url().endsWith(`?q=${typed}`))
})

t.test('a change of the lake does not replace what has been entered for a filter', async (t) => {
  const { app, root } = await buildOnFolder(t, { source_data: { '1.csv': csv('Ann') } })
  const page = await open(t, app)
  await until(async () => await page.locator('#live').textContent() === 'live')
  await page.getByLabel('Column', { exact: true }).selectOption('last_name')
  await page.getByLabel('Condition').selectOption('^=')
  await page.getByLabel('Value').fill('Ash')
  writeFileSync(join(root, 'source_data/2.csv'), csv('Bob'))
  await untilCount(page, 2)
  t.equal(await page.getByLabel('Column', { exact: true }).inputValue(), 'last_name')
  t.equal(await page.getByLabel('Condition').inputValue(), '^=')
  t.equal(await page.getByLabel('Value').inputValue(), 'Ash')
})

t.test('with API keys, the page asks for one, and shows records, images, changes and downloads with it', async (t) => {
  const { app, root } = await buildOnFolder(t, { source_data: { '1.csv': csv('Ann'), '2.csv': csv('Bob') } }, {
    settings: { API_KEYS: ONE_KEY_PER_SCOPE },
    fill: (root) => writeFileSync(join(root, 'source_data/1.png'), PNG)
  })
  await app.inject({ url: '/data', headers: { ...bearer(keyOf('read')), 'cache-control': 'no-cache' } })
  const page = await openPage(t, { expected: /401 \(Unauthorized\)|403 \(Forbidden\)/ })
  await page.goto(await listen(app))
  const dialog = page.getByRole('dialog', { name: 'Sign in' })
  await dialog.waitFor()
  await page.getByLabel('Key').fill('wrong-key')
  await dialog.getByRole('button', { name: 'Sign in' }).click()
  await until(async () => /not valid/.test(await page.locator('#sign-in-message').textContent() ?? ''))
  await page.getByLabel('Key').fill(keyOf('read'))
  await page.keyboard.press('Enter')
  await dialog.waitFor({ state: 'hidden' })
  await settled(page)
  t.same(await keysOf(page), ['1', '2'])
  await until(async () => await page.locator('#table-body img').first().evaluate((image) => image.naturalWidth) > 0)
  const image = () => page.locator('#table-body img').first().getAttribute('src')
  const before = await image()
  t.match(before, /^blob:/)
  await until(async () => await page.locator('#live').textContent() === 'live')
  writeFileSync(join(root, 'source_data/3.csv'), csv('Eve'))
  writeFileSync(join(root, 'source_data/1.png'), readFileSync('seed-data/1002.png'))
  await page.locator('tr[data-key="3"]').waitFor()
  await until(async () => await image() !== before)
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#download-csv').click()])
  t.match(readFileSync(await download.path(), 'utf8'), /Eve/)
  t.notMatch(page.url(), keyOf('read'))
  await page.getByRole('button', { name: 'Update the output' }).click()
  await until(async () => /scope|write/.test(await page.locator('#jobs-message').textContent() ?? ''))
  await page.goto(await listen(app))
  await settled(page)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await dialog.waitFor()
})

t.test('names and values of the data are text, whatever they contain', async (t) => {
  const hostile = ['<img src=x onerror=hacked=1>', '"><script>hacked=1</script>', "'-hacked-'", 'javascript:hacked=1', '{{hacked}}', '</td></tr></table><script>hacked=1</script>']
  const files = Object.fromEntries(hostile.map((text, i) => {
    const cell = `"${text.replaceAll('"', '""')}"`
    return [`${text.replaceAll('/', '∕')}.csv`, `first_name,last_name,birthts,${cell}\n${cell},${cell},${i},${cell}\n`]
  }))
  const { app } = await buildOnFolder(t, { source_data: { ...files, '<svg onload=hacked=1>.csv': csv('<b>', 'x', '<img src=x onerror=hacked=1>'), '<img src=x onerror=hacked=1>.png': PNG } })
  await app.inject({ method: 'POST', url: '/data' })
  const page = await open(t, app, '?columns=*&where=first_name!=%3Cscript%3Ehacked=1%3C/script%3E')
  t.equal(await page.locator('#table-body tr[data-key]').count(), hostile.length)
  t.match(await page.locator('#quarantine-list').textContent(), '<svg onload=hacked=1>.csv')
  await page.locator('#group-column').selectOption('first_name')
  await until(async () => (await page.locator('.group .label').allTextContents()).includes(hostile[0]!))
  for (const row of await keysOf(page)) {
    await page.goto(`${await listen(app)}?columns=*#${new URLSearchParams({ record: row })}`)
    await page.locator('#record-content .values').waitFor()
    await page.keyboard.press('Escape')
    await until(() => !page.url().includes('record='))
  }
  await page.locator('summary').click()
  await page.getByRole('button', { name: 'Copy as …' }).click()
  t.equal(await page.evaluate('typeof hacked'), 'undefined')
  t.equal(await page.locator('#main script, dialog script').count(), 0)
})

t.test('every example lake is shown without an error', async (t) => {
  for (const [name, figures] of [['devices', 3], ['products', 4], ['pets', 4]] as const) {
    const app = await buildOnExample(t, name)
    const page = await open(t, app)
    t.equal((await figuresOf(page)).length, figures, name)
    t.ok(await page.locator('.bars button').count() > 1, name)
    for (const option of await page.locator('#chart-column').evaluate((select) => [...select.options].map(({ value }: { value: string }) => value))) {
      await page.locator('#chart-column').selectOption(option)
      await settled(page)
      t.ok(await page.locator('.bars button').count() > 0, `${name} ${option}`)
      await page.locator('.bars button').first().click()
      await until(async () => (await chipsOf(page)).length === 2)
      await settled(page)
      await page.getByRole('button', { name: 'Clear all' }).click()
      await until(async () => (await chipsOf(page)).length === 0)
    }
  }
})

for (const colorScheme of ['light', 'dark'] as const) {
  t.test(`axe-core finds no accessibility problem: ${colorScheme}`, async (t) => {
    const app = await buildOnSampleData(t)
    for (const [state, query, width] of [['the table', '?min_age=20&max_age=60&q=a&sort=-age', 1280], ['a record', '#record=1001', 1280], ['a phone', '?where=last_name~a', 360]] as const) {
      const page = await open(t, app, query, { colorScheme, width, bypassCSP: true })
      if (state === 'a record') await page.locator('#record-content .values').waitFor()
      t.same(await findAccessibilityProblems(page), [], state)
      if (state !== 'the table') continue
      await page.getByRole('button', { name: 'Copy as …' }).click()
      t.same(await findAccessibilityProblems(page), [], 'copy as')
    }
  })
}

t.test('on a phone, nothing is wider than the screen', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app, '?where=last_name~a&min_age=3', { width: 360, height: 740 })
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
  const head = (await page.getByRole('columnheader', { name: /^Age/ }).boundingBox())!
  t.ok(head.x + head.width < 360, 'ages are in view')
  await page.getByRole('link', { name: '1011', exact: true }).click()
  await page.locator('#record-content .values').waitFor()
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
})

t.test('everything is reached by the keyboard', async (t) => {
  const app = await buildOnSampleData(t)
  const page = await open(t, app)
  const stops: string[] = []
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab')
    stops.push(await page.evaluate('document.activeElement.id || document.activeElement.className || document.activeElement.textContent.trim()'))
  }
  for (const stop of ['skip', 'chart-column', 'group-column', 'download-csv', 'copy-open', 'search', 'filter-column', 'filter-operator', 'table-scroller', 'sort', '1001']) t.ok(stops.includes(stop), `${stop}: ${stops}`)
  t.equal(stops.filter((stop) => stop === 'bars').length, 0)
  await page.keyboard.press('Enter')
  await page.locator('#record[open]').waitFor()
})
