import t from 'tap'
import { TableVersion } from '../../lib/query/table-version.js'
import { build, csv, PNG } from '../support/app.js'
import { wrapEngine } from '../support/engines.js'

const OLD = { '1.csv': csv('Old', 'Lee', 0), '1.png': PNG }
const NEW = { '1.csv': csv('New', 'Lee', 0), '1.png': PNG, '2.csv': csv('Ann', 'Ray', 1e12) }
const URLS = [
  '/data', '/data?format=csv&columns=first_name', '/data.ndjson', '/data?limit=1', '/data?first_name=*', '/data?min_age=1&sort=-first_name', '/data/1', '/stats', '/stats?max_age=100'
]

/** Opens an engine whose calls wait while a gate is closed, and a function that closes the gate. */
function gatedEngine () {
  let onEntered = () => {}
  let open = () => {}
  let gate: Promise<void> | undefined
  const wait = async () => {
    onEntered()
    await gate
  }
  const openVersion = wrapEngine((version) => ({
    select: async (query) => {
      await wait()
      return await version.select(query)
    },
    statistics: async (query) => {
      await wait()
      return await version.statistics(query)
    }
  }))
  /** Closes the gate. Returns a promise that resolves when a call waits there, and a function that opens the gate. */
  const close = () => {
    const entered = new Promise<void>((resolve) => { onEntered = resolve })
    gate = new Promise((resolve) => { open = resolve })
    return { entered, open: () => open() }
  }
  return { openVersion, close }
}

t.test('with a slow engine, the body and the ETag of a response are of the same version, and 304 is never wrong', async (t) => {
  const before = await build(t, { files: OLD })
  const after = await build(t, { files: NEW })
  for (const url of URLS) {
    const { openVersion, close } = gatedEngine()
    const { app, bucket } = await build(t, { files: OLD, openVersion })
    await app.transformer.reconcile()
    const gate = close()
    const running = app.inject(url)
    await gate.entered
    for (const [name, body] of Object.entries(NEW)) bucket.put(`source_data/${name}`, body)
    await app.transformer.reconcile({ fresh: true })
    gate.open()
    const [first, old, current] = [await running, await before.app.inject(url), await after.app.inject(url)]
    t.equal(first.body, old.body, `${url}: the body is of the version that the request began with`)
    t.not(old.body, current.body)
    for (const name of ['etag', 'data-version']) t.equal(first.headers[name], old.headers[name], `${url}: ${name} is of the same version`)
    const again = await app.inject({ url, headers: { 'if-none-match': String(first.headers['etag']) } })
    t.equal(again.statusCode, 200, `${url}: the old ETag is not that of the new version`)
    t.equal(again.body, current.body)
    for (const name of ['etag', 'data-version']) t.equal(again.headers[name], current.headers[name], `${url}: ${name} of the new version`)
    t.equal((await app.inject({ url, headers: { 'if-none-match': String(again.headers['etag']) } })).statusCode, 304)
  }
})

t.test('the links of a page belong to the version of its body', async (t) => {
  const { openVersion, close } = gatedEngine()
  const { app, bucket } = await build(t, { files: NEW, openVersion })
  await app.transformer.reconcile()
  const gate = close()
  const running = app.inject('/data?limit=1')
  await gate.entered
  bucket.put('source_data/2.csv', csv('Changed'))
  await app.transformer.reconcile({ fresh: true })
  gate.open()
  const next = await app.inject(String((await running).headers['link']).slice(1).split('>')[0]!)
  t.match(next, { statusCode: 200, headers: { 'data-version': (await running).headers['data-version'] } })
  t.equal(next.json()[0].first_name, 'Ann')
})

t.test('an engine that fails to open a version leaves the current one in place', async (t) => {
  let isBroken = false
  const { app, bucket, clock } = await build(t, {
    files: OLD,
    openVersion: ({ table, images }, timeZone) => {
      if (isBroken) throw new Error('out of order')
      return new TableVersion(table, timeZone, images)
    }
  })
  await app.inject('/data')
  isBroken = true
  bucket.put('source_data/1.csv', csv('New'))
  clock.advance(5000)
  t.match(await app.inject('/data/1'), { statusCode: 200, headers: { 'data-stale': 'internal_error' }, body: /Old/ })
  isBroken = false
  clock.advance(5000)
  const recovered = await app.inject('/data/1')
  t.equal(recovered.headers['data-stale'], undefined)
  t.match(recovered.body, /New/)
})
