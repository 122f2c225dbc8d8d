import { createHash } from 'node:crypto'
import t from 'tap'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { build, csv, PNG } from '../support/app.js'
import { testInProcess } from '../support/engine-of-tests.js'

const files = Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`${i}.csv`, csv(`Name ${i % 3}`, 'Lee', Date.UTC(1970 + i, 0, 1))]))

/** Requests the page of a URL and all next ones: the ids on each page, the data versions, and the response of a page that failed. */
async function pages (app: FastifyInstance, url: string, onPage: () => void = () => {}) {
  const ids: string[][] = []
  const versions = new Set<unknown>()
  let next: string | undefined = url
  while (next !== undefined) {
    const response: LightMyRequestResponse = await app.inject(next)
    if (response.statusCode !== 200) return { ids, versions, failed: response }
    ids.push(response.json().map((record: { user_id: string }) => record.user_id))
    versions.add(response.headers['data-version'])
    next = /^<([^>]+)>; rel="next"$/.exec(String(response.headers['link'] ?? ''))?.[1]
    onPage()
  }
  return { ids, versions, failed: undefined }
}

t.test('the pages contain the whole listing, for every sort', async (t) => {
  const { app } = await build(t, { files: { ...files, '7.png': PNG, '9.png': PNG, '11.png': PNG } })
  for (const sort of ['user_id', '-user_id', 'first_name', '-first_name', 'last_name', '-last_name', 'birthts', '-birthts']) {
    for (const filter of ['', '&min_age=40&as_of=2025-01-01T00:00:00Z', '&first_name=name 1', '&image_exists=true', '&image_exists=false&first_name=name*', '&user_id=3&user_id=5']) {
      const whole = await app.inject(`/data?sort=${sort}${filter}`)
      const expected = whole.json().map((record: { user_id: string }) => record.user_id)
      t.equal(whole.headers['x-total-count'], String(expected.length))
      for (const limit of [1, 4, 25, 100]) {
        const { ids } = await pages(app, `/data?limit=${limit}&sort=${sort}${filter}`)
        t.same(ids.flat(), expected, `${sort} ${filter} ${limit}`)
        t.ok(ids.every((page, i) => i === ids.length - 1 || page.length === limit))
      }
    }
  }
})

t.test('a cursor contains the columns, the format, the instant and the limit of its listing', async (t) => {
  const { app, clock } = await build(t, { files })
  const first = await app.inject('/data?limit=2&columns=birthts,user_id&format=csv&max_age=40&sort=-birthts')
  const link = String(first.headers['link']).slice(1).split('>')[0]!
  const cursor = new URLSearchParams(link.split('?')[1]).get('cursor')!
  clock.advance(60_000)
  const second = await app.inject(`/data?cursor=${cursor}`)
  t.match(second.body, /^birthts,user_id\r\n\d+,22\r\n\d+,21\r\n$/)
  t.equal(second.headers['x-total-count'], first.headers['x-total-count'])
  t.equal((await app.inject(`/data?cursor=${cursor}&limit=1`)).body.split('\r\n').length, 3, 'another limit')
  t.equal((await app.inject(`/data?limit=2&columns=birthts,user_id&format=csv&max_age=40&sort=-birthts&cursor=${cursor}`)).body, second.body, 'the same parameters together with the cursor')
  t.match((await app.inject(`/data?limit=2&max_age=41&cursor=${cursor}`)).json(), { status: 400, errors: [{ parameter: 'cursor', detail: /to continue that query, or begin another query without a cursor$/ }] }, 'other parameters together with the cursor')
})

t.test('the pages of a listing are of one version, even if the data changes', async (t) => {
  const { app, bucket, clock } = await build(t, { files })
  const expected = (await app.inject('/data')).json().map((record: { user_id: string }) => record.user_id)
  let changes = 0
  const { ids, versions } = await pages(app, '/data?limit=3&sort=user_id', () => {
    // Changes before the position, after it, and everywhere.
    bucket.delete(`source_data/${changes}.csv`)
    bucket.put(`source_data/new-${changes++}.csv`, csv())
    bucket.put('source_data/20.csv', csv(`Changed ${changes}`))
    clock.advance(3000)
  })
  t.same(ids.flat(), expected)
  t.equal(versions.size, 1)
  t.not((await app.inject('/data')).headers['data-version'], [...versions][0], 'the current version is another one')
})

t.test('a cursor of an evicted version gets 410 with links to restart and to continue', async (t) => {
  const { app, bucket, clock } = await build(t, { files, settings: { VERSIONS_MAX_AGE: '10s' } })
  const first = await app.inject('/data?limit=10&sort=birthts&first_name=name*')
  const link = String(first.headers['link']).slice(1).split('>')[0]!
  bucket.put('source_data/100.csv', csv('Name x', 'New', Date.UTC(1960, 0, 1)))
  bucket.delete('source_data/9.csv')
  clock.advance(3000)
  t.equal((await app.inject(link)).statusCode, 200, 'the version is still retained')
  clock.advance(10_001)
  const gone = await app.inject(link)
  t.match(gone.json(), { status: 410, code: 'version_gone' })
  const restarted = await pages(app, gone.json().restart)
  t.equal(restarted.ids[0]![0], '100')
  t.equal(restarted.ids.flat().length, 25)
  const continued = await pages(app, gone.json().continue)
  t.same(continued.ids.flat(), Array.from({ length: 15 }, (_, i) => String(i + 10)), 'after the last record, although that was deleted')
  t.not([...continued.versions][0], first.headers['data-version'])
})

t.test('another replica accepts a cursor only if it has the same version', async (t) => {
  const one = await build(t, { files })
  const same = await build(t, { files })
  const other = await build(t, { files: { '1.csv': csv() } })
  const link = String((await one.app.inject('/data?limit=20')).headers['link']).slice(1).split('>')[0]!
  await same.app.inject('/data')
  await other.app.inject('/data')
  t.equal((await same.app.inject(link)).json().length, 5)
  t.match((await other.app.inject(link)).json(), { status: 410 })
})

testInProcess('VERSIONS_MAX_BYTES limits the bytes of all retained versions', async (t) => {
  const { app, bucket, clock } = await build(t, { files, settings: { VERSIONS_MAX_BYTES: '1KiB' } })
  const link = String((await app.inject('/data?limit=20')).headers['link']).slice(1).split('>')[0]!
  bucket.put('source_data/1.csv', csv('Other'))
  clock.advance(3000)
  t.equal((await app.inject(link)).statusCode, 410)
})

t.test('a damaged cursor and an invalid limit are 400', async (t) => {
  const { app } = await build(t, { files })
  const link = String((await app.inject('/data?limit=2')).headers['link']).slice(1).split('>')[0]!
  const cursor = new URLSearchParams(link.split('?')[1]).get('cursor')!
  for (let i = 0; i < cursor.length; i++) {
    const damaged = cursor.slice(0, i) + (cursor[i] === 'A' ? 'B' : 'A') + cursor.slice(i + 1)
    const { statusCode } = await app.inject(`/data?cursor=${encodeURIComponent(damaged)}`)
    if (statusCode !== 400) t.fail(`changed at ${i}: ${statusCode}`)
  }
  for (const bad of ['cursor=x', 'cursor=', 'cursor=a.b', 'limit=0', 'limit=-1', 'limit=1.5', 'limit=10001', 'limit=x', 'limit=', 'limit=1&limit=2', `cursor=${cursor}&cursor=${cursor}`]) {
    const { errors, ...problem } = (await app.inject(`/data?${bad}`)).json()
    t.match(problem, { status: 400, code: 'invalid_parameter' }, bad)
    t.match(errors, [{ parameter: bad.split('=')[0] }], bad)
  }
  t.equal((await app.inject('/data?limit=10000')).json().length, 25)
  t.match((await app.inject('/stats?cursor=x')).json(), { status: 400 }, '/stats has no pages')
})

/** A cursor with this content and a valid checksum, which every client can compute. */
function forge (content: unknown): string {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
  const check = createHash('sha256').update('userlake cursor 1').update(bytes).digest().subarray(0, 9).toString('base64url')
  return `${bytes.toString('base64url')}.${check}`
}

t.test('the content of a forged cursor is validated like the parameters of a request', async (t) => {
  const { app } = await build(t, { files })
  const cursorOf = async (url: string) => String((await app.inject(url)).headers['next-cursor'])
  const good = await cursorOf('/data?limit=2')
  const [version, parameters, limit, asOf, id, values] = JSON.parse(Buffer.from(good.split('.')[0]!, 'base64url').toString())
  t.equal(forge([version, parameters, limit, asOf, id, values]), good)
  const forged: unknown[] = [
    '', 'x', '{', 'null', null, 1, 'true', {}, [], [[]], [version], [version, parameters, limit, asOf, id], [version, parameters, limit, asOf, id, values, 1],
    ...[1, true, {}, []].map((version) => [version, parameters, limit, asOf, id, values]),
    ...[null, 1, 'x', {}, [1], [[]], [['sort']], [['sort', 1]], [['sort', 'x']], [['sort', 'user_id', 'x']], [['limit', '1']], [['cursor', good]], [['min_age', 'x']],
      [['min_age', '1'], ['min_age', '2']], [['where', 'x']], [['columns', 'nothing']], [['__proto__', 'x']]].map((parameters) => [version, parameters, limit, asOf, id, values]),
    ...[1e9, 10_001, 0, -1, 1.5, 'abc', '2', null, [], true].map((limit) => [version, parameters, limit, asOf, id, values]),
    ...[null, 'x', 1.5, 1e300, {}].map((asOf) => [version, parameters, limit, asOf, id, values]),
    ...[1, null, true, {}, []].map((id) => [version, parameters, limit, asOf, id, values]),
    ...[null, 1, 'x', true, {}, [null], [1], ['x']].map((values) => [version, parameters, limit, asOf, id, values]),
    ...[null, 1, [], ['x'], ['1'], [true], [{}], [[]], [1.5], [1e300], [1, 1]].map((values) => [version, [['sort', 'birthts']], limit, asOf, id, values]),
    ...['x', [], [1], [true], [{}]].map((values) => [version, [['sort', '-first_name']], limit, asOf, id, values]),
    ...[['x'], ['x', 'y'], [1, 'x']].map((values) => [version, [['sort', 'first_name'], ['sort', '-birthts']], limit, asOf, id, values])
  ]
  for (const content of forged) {
    const { statusCode, body } = await app.inject(`/data?cursor=${forge(content)}`)
    t.equal(statusCode, 400, JSON.stringify(content))
    t.match(JSON.parse(body), { code: 'invalid_parameter' })
  }
  for (const text of [`${good}.x`, `${good}.`, `.${good}`, `${good}=`, `=${good}`, ` ${good}`, good.replace('.', '..'), good.replace('.', '=.'), good.split('.')[0]!, `${good.split('.')[0]}.`]) {
    t.equal((await app.inject(`/data?cursor=${encodeURIComponent(text)}`)).statusCode, 400, text)
  }
  t.match((await app.inject(`/data?cursor=${forge(['x', parameters, limit, asOf, id, values])}`)), { statusCode: 410 }, 'an unknown version')
  for (const sort of ['birthts', '-birthts', 'first_name', '-last_name', '-user_id']) {
    const response = await app.inject(`/data?cursor=${await cursorOf(`/data?limit=2&sort=${sort}`)}`)
    t.equal(response.statusCode, 200, sort)
  }
})

t.test('listings and pages are sorted by the UTF-8 bytes of ids and names', async (t) => {
  const ascending = ['Z', 'a', '\u00e9', '\ue000', '\uffff', '𐀀', '😀'] // in UTF-16 order, the last two come before \ue000
  const files = Object.fromEntries(ascending.map((name, i) => [`${name}.csv`, csv(name, ascending.at(-1 - i))]))
  const { app, bucket, clock } = await build(t, { files, settings: { VERSIONS_MAX_AGE: '10s' } })
  const sorts: Record<string, string[]> = { user_id: ascending, first_name: ascending, last_name: ascending.toReversed() }
  for (const [sort, expected] of Object.entries(sorts)) {
    for (const [name, ids] of [[sort, expected], [`-${sort}`, expected.toReversed()]] as const) {
      t.same((await app.inject(`/data?sort=${name}`)).json().map((record: { user_id: string }) => record.user_id), ids, name)
      for (const limit of [1, 2, 3]) t.same((await pages(app, `/data?sort=${name}&limit=${limit}`)).ids.flat(), ids, `${name} ${limit}`)
    }
  }
  for (const [i, name] of ascending.slice(0, -1).entries()) {
    // The last record of a page is deleted, and the version evicted: the listing continues after its position.
    const { headers } = await app.inject(`/data?sort=first_name&limit=${i + 1}`)
    bucket.delete(`source_data/${name}.csv`)
    clock.advance(3000)
    await app.inject('/data')
    clock.advance(10_001)
    const gone = await app.inject(String(headers['link']).slice(1).split('>')[0]!)
    t.same((await pages(app, gone.json().continue)).ids.flat(), ascending.slice(i + 1), name)
    bucket.put(`source_data/${name}.csv`, files[`${name}.csv`]!)
    clock.advance(3000)
  }
})

t.test('long names do not make cursors long, and pages are correct', async (t) => {
  const long = 'x'.repeat(5000)
  const { app } = await build(t, { files: Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`${i}.csv`, csv(`${long}😀${5 - i}`)])) })
  for (const sort of ['first_name', '-first_name']) {
    const expected = (await app.inject(`/data?sort=${sort}`)).json().map((record: { user_id: string }) => record.user_id)
    const { ids } = await pages(app, `/data?limit=1&sort=${sort}`)
    t.same(ids.flat(), expected)
  }
  t.ok(String((await app.inject('/data?limit=1&sort=first_name')).headers['link']).length < 1000)
})
