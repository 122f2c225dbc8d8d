import fc from 'fast-check'
import t, { type Test } from 'tap'
import { build, csv, CLOCK_START, PNG, type TestLake } from '../support/app.js'
import { streamingEngine } from '../support/engines.js'
import { turns } from '../support/until.js'

const born = (date: string) => Date.parse(date)
const files = {
  '1.csv': csv('Ann', 'Lee', born('1990-06-15')), // 35 completed years on the day of the test, and 35.002 exact ones
  '1.png': PNG,
  '2.csv': csv('Bob', 'Ray', born('1990-06-16')), // 34
  '10.csv': csv('anna', '"Ö, X"', born('1989-06-16')), // 35
  '10.jpg': PNG,
  '3.csv': 'first_name,last_name,birthts,city\nCid,Lee,0,Rome\n' // 55
}
const ids = (response: { json: () => any }) => response.json().map((record: { user_id: string }) => record.user_id)

t.test('all records as JSON, in the order of ids', async (t) => {
  const { app, endpoint } = await build(t, { files })
  const response = await app.inject('/data')
  t.equal(response.statusCode, 200)
  t.match(response.headers, { 'content-type': 'application/json; charset=utf-8', vary: 'accept, accept-encoding', age: '0' })
  t.equal(response.headers['data-stale'], undefined)
  t.equal(response.body, '[{"user_id":"1","first_name":"Ann","last_name":"Lee","birthts":645408000000,"img_path":"source_data/1.png"},' +
    '{"user_id":"10","first_name":"anna","last_name":"Ö, X","birthts":613958400000,"img_path":"source_data/10.jpg"},' +
    '{"user_id":"2","first_name":"Bob","last_name":"Ray","birthts":645494400000,"img_path":null},' +
    '{"user_id":"3","first_name":"Cid","last_name":"Lee","birthts":0,"img_path":null}]')
  // Without a snapshot, the start also looks for the number of records that is stored with the output.
  t.match(endpoint.counts, { LIST: 1, GET: 6, HEAD: 1, PUT: 0, DELETE: 0, CREATE: 0, BEGIN: 0 })
  t.same(endpoint.gets.filter((key) => key.startsWith('source_data/')).sort(), ['source_data/1.csv', 'source_data/10.csv', 'source_data/2.csv', 'source_data/3.csv'], 'images are listed and not downloaded')
  await app.inject('/data')
  t.equal(endpoint.counts.LIST, 1, 'no listing within MAX_STALENESS')
})

t.test('each filter selects the records that match, in /data and in /stats', async (t) => {
  const { app } = await build(t, { files })
  const table: [search: string, ids: string[]][] = [
    ['image_exists=true', ['1', '10']], ['image_exists=False', ['2', '3']], ['is_image_exists=1', ['1', '10']],
    ['image_exists=0&is_image_exists=false', ['2', '3']], ['image_exists=TRUE', ['1', '10']],
    ['min_age=35', ['1', '10', '3']], ['max_age=35', ['1', '10', '2']], ['min_age=35&max_age=35', ['1', '10']],
    ['min_age=34.5&max_age=35.5', ['1', '10']], ['max_age=35.9&age_basis=exact', ['1', '2']], ['min_age=36&age_basis=exact', ['3']],
    ['min_age=35&as_of=2025-06-14T23:59:59Z', ['10', '3']], ['min_age=36&as_of=2025-06-16T00:00:00Z', ['10', '3']],
    ['min_age=35&as_of=2025-06-15T01:00:00%2B02:00', ['10', '3']], ['min_age=0&as_of=1989-06-16T00:00:00Z', ['10', '3']],
    ['max_age=0&as_of=1989-06-16T00:00:00Z', ['1', '10', '2']],
    // User 1 turns 35 on 2025-06-15 and 36 on 2026-06-15.
    ['max_age=34', ['2']], ['max_age=35&as_of=2026-06-15T00:00:00Z', ['2']], ['max_age=35&as_of=2026-06-14T23:59:59Z', ['1', '2']],
    ['user_id=10', ['10']], ['user_id=2&user_id=1&user_id=unknown', ['1', '2']], ['user_id=%20', []],
    ['first_name=ANN', ['1']], ['first_name=ann*', ['1', '10']], ['first_name=*', ['1', '10', '2', '3']], ['last_name=%C3%B6*', ['10']],
    ['where=last_name=Lee', ['1', '3']], ['where=last_name=lee', []], ['where=city=Rome', ['3']], ['where=city=', []],
    ['where=birthts=0', ['3']], ['where=user_id=1&where=first_name=Ann', ['1']], ['where=img_path=source_data/1.png', ['1']],
    ['image_exists=true&min_age=35&first_name=a*&where=last_name=Lee', ['1']]
  ]
  for (const [search, expected] of table) {
    const response = await app.inject(`/data?${search}`)
    t.same(ids(response), expected, search)
    t.equal((await app.inject(`/stats?${search}`)).json().count, expected.length, `${search}: the same in /stats`)
  }
})

t.test('exact ages are compared to the millisecond, and bounds are inclusive', async (t) => {
  const asOf = born('2025-06-15')
  const year = 365.25 * 86_400_000
  // 1e-9 years are 31.5576 ms.
  const lived = { a: 31, b: 32, c: year - 1, d: year, e: year + 1, f: 35 * year + 31, g: 35 * year + 32 }
  const files = Object.fromEntries(Object.entries(lived).map(([id, ms]) => [`${id}.csv`, csv('A', 'B', asOf - ms)]))
  const { app } = await build(t, { files })
  const table: [search: string, ids: string][] = [
    ['min_age=0.000000001', 'bcdefg'], ['max_age=0.000000001', 'a'], ['min_age=1', 'defg'], ['max_age=1', 'abcd'], ['min_age=1&max_age=1', 'd'],
    ['min_age=35.000000001', 'g'], ['max_age=35.000000001', 'abcdef'], ['min_age=35.000000001&max_age=35.000000002', 'g']
  ]
  for (const [search, expected] of table) {
    const url = `${search}&age_basis=exact&as_of=${new Date(asOf).toISOString()}`
    t.same(ids(await app.inject(`/data?${url}`)).join(''), expected, search)
    t.equal((await app.inject(`/stats?${url}`)).json().count, expected.length, `${search}: the same in /stats`)
  }
})

t.test('a person born on Feb 29 has birthdays on Mar 1 in common years', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv('Leap', 'Day', born('2000-02-29')) } })
  const table: [asOf: string, age: number][] = [
    ['2023-02-28T23:59:59Z', 22], ['2023-03-01T00:00:00Z', 23], ['2024-02-28T23:59:59Z', 23], ['2024-02-29T00:00:00Z', 24],
    ['2100-02-28T23:59:59Z', 99], ['2100-03-01T00:00:00Z', 100]
  ]
  for (const [asOf, age] of table) {
    t.same(ids(await app.inject(`/data?min_age=${age}&max_age=${age}&as_of=${asOf}`)), ['1'], asOf)
    t.same(ids(await app.inject(`/data?min_age=${age + 1}&as_of=${asOf}`)), [], asOf)
    t.same(ids(await app.inject(`/data?max_age=${age - 1}&as_of=${asOf}`)), [], asOf)
  }
})

t.test('a birthday begins at midnight in AGE_TIME_ZONE', async (t) => {
  const table: [zone: string, birthday: string][] = [
    ['UTC', '2025-06-14T00:00:00Z'],
    ['America/Los_Angeles', '2025-06-14T07:00:00Z'],
    ['Europe/Moscow', '2025-06-14T21:00:00Z'] // it was already June 15 there, by the summer time of that year
  ]
  for (const [zone, birthday] of table) {
    const { app } = await build(t, { files: { '1.csv': csv('Ann', 'Lee', born('1990-06-14T20:00:00Z')) }, settings: { AGE_TIME_ZONE: zone } })
    const eve = new Date(born(birthday) - 1).toISOString()
    t.same(ids(await app.inject(`/data?min_age=35&as_of=${birthday}`)), ['1'], zone)
    t.same(ids(await app.inject(`/data?max_age=34&as_of=${birthday}`)), [], zone)
    t.same(ids(await app.inject(`/data?min_age=35&as_of=${eve}`)), [], zone)
    t.same(ids(await app.inject(`/data?max_age=34&as_of=${eve}`)), ['1'], zone)
  }
})

t.test('ages are right for the earliest and the latest valid birth timestamps, and for a birth later in this minute', async (t) => {
  const minute = CLOCK_START - CLOCK_START % 60_000
  const births = { earliest: -8.64e15, latest: 8.64e15, now: minute, soon: minute + 1 }
  const files = Object.fromEntries(Object.entries(births).map(([id, birthts]) => [`${id}.csv`, csv('A', 'B', birthts)]))
  const table: [search: string, ids: string[]][] = [
    ['min_age=9999', ['earliest']], ['max_age=9999', ['latest', 'now', 'soon']],
    ['min_age=0', ['earliest', 'now']], ['max_age=0', ['latest', 'now', 'soon']], ['min_age=0&max_age=0', ['now']]
  ]
  for (const zone of ['UTC', 'Pacific/Kiritimati', 'America/Los_Angeles']) {
    const { app } = await build(t, { files, settings: { AGE_TIME_ZONE: zone } })
    for (const [search, expected] of table) {
      for (const basis of ['completed', 'exact']) t.same(ids(await app.inject(`/data?${search}&age_basis=${basis}`)), expected, `${zone} ${search} ${basis}`)
      t.equal((await app.inject(`/stats?${search}`)).json().count, expected.length, `${zone} ${search}: the same in /stats`)
    }
  }
})

t.test('a where condition is split at its first equals sign, and null equals no value', async (t) => {
  const withCity = (city: string) => `first_name,last_name,birthts,city\nA,B,0,${city}\n`
  // The image path of nul must not be taken for null.
  const { app } = await build(t, { files: { 'none.csv': csv(), 'empty.csv': withCity(''), 'equation.csv': withCity('x=y'), 'null.csv': withCity('null'), 'nul.csv': csv(), 'nul.png': PNG, 'undefined.csv': withCity('undefined') } })
  const table: [search: string, ids: string[]][] = [
    ['where=city=', ['empty']], ['where=city=null', ['null']], ['where=city=undefined', ['undefined']], ['where=city=x=y', ['equation']], ['where=city=x', []],
    ['where=city=&where=first_name=A', ['empty']]
  ]
  for (const [search, expected] of table) t.same(ids(await app.inject(`/data?${search}`)), expected, search)
})

t.test('names match regardless of case and of Unicode normalization', async (t) => {
  const names = { straße: 'Straße', jose: 'Jose', josé: 'Jos\u00e9', decomposed: 'Jose\u0301', istanbul: '\u0130stanbul', ilk: 'ilk', irmak: '\u0131rmak', office: 'o\ufb03ce', sisyphus: 'Σίσυφος', square: 'x²' }
  const { app } = await build(t, { files: Object.fromEntries(Object.entries(names).map(([id, name]) => [`${id}.csv`, csv(name, name)])) })
  const table: [name: string, ids: string[]][] = [
    ['STRASSE', ['straße']], ['strasse', ['straße']], ['STRAß*', ['straße']], ['stras*', ['straße']],
    ['JOS\u00c9', ['decomposed', 'josé']], ['jose\u0301', ['decomposed', 'josé']], ['jose*', ['jose']], ['jos*', ['decomposed', 'jose', 'josé']],
    ['\u0130STANBUL', ['istanbul']], ['istanbul', []], ['ILK', ['ilk']], ['\u0130LK', []], ['IRMAK', ['irmak']], ['i*', ['ilk', 'irmak']],
    ['OFFICE', ['office']], ['off*', ['office']], ['ΣΊΣΥΦΟΣ', ['sisyphus']], ['σίσυφοσ', ['sisyphus']], ['x2', []]
  ]
  for (const [name, expected] of table) {
    for (const column of ['first_name', 'last_name']) t.same(ids(await app.inject(`/data?${column}=${encodeURIComponent(name)}`)).sort(), expected, name)
  }
})

t.test('a name matches its own upper and lower case, in any script', async (t) => {
  const names = ['Straße', 'Ταΐς', 'Μαΰ', 'İpek', 'Ἀχιλλεῖ', 'ŉ', 'ǰ', 'ﬀ', 'ϴ']
  const { app } = await build(t, { files: Object.fromEntries(names.map((name, i) => [`${i}.csv`, csv(name)])) })
  for (const [i, name] of names.entries()) {
    const cases = new Set([name.toUpperCase(), name.toLowerCase(), name.toUpperCase().toLowerCase(), name.replace('ß', 'ẞ').toUpperCase()])
    for (const requested of [...cases].flatMap((text) => [text, text.normalize('NFC'), text.normalize('NFD')])) {
      t.same(ids(await app.inject(`/data?first_name=${encodeURIComponent(requested)}`)), [String(i)], `${requested} for ${name}`)
    }
  }
})

t.test('INPUT_DELIMITER sets the delimiter of info files', async (t) => {
  const fields = [['first_name', 'last_name', 'birthts'], ['Ann', 'Lee, Jr', '5']]
  for (const [setting, delimiter] of [[';', ';'], ['||', '||'], ['\\t', '\t'], ['\t', '\t']] as const) {
    const { app } = await build(t, { files: { '1.csv': fields.map((row) => row.join(delimiter) + '\n').join('') }, settings: { INPUT_DELIMITER: setting } })
    t.match((await app.inject('/data')).json(), [{ first_name: 'Ann', last_name: 'Lee, Jr', birthts: 5 }], setting)
  }
})

t.test('columns selects and orders the columns, and sort orders the records', async (t) => {
  const { app } = await build(t, { files })
  t.equal((await app.inject('/data?columns=city,user_id&user_id=3&user_id=1')).body, '[{"city":null,"user_id":"1"},{"city":"Rome","user_id":"3"}]')
  const sorts = {
    user_id: ['1', '10', '2', '3'],
    '-user_id': ['3', '2', '10', '1'],
    birthts: ['3', '10', '1', '2'],
    '-birthts': ['2', '1', '10', '3'],
    first_name: ['1', '2', '3', '10'],
    last_name: ['1', '3', '2', '10'],
    '-last_name': ['10', '2', '3', '1']
  }
  for (const [sort, expected] of Object.entries(sorts)) t.same(ids(await app.inject(`/data?sort=${sort}`)), expected, sort)
})

t.test('the format is selected by parameter or by Accept', async (t) => {
  const { app } = await build(t, { files })
  const url = '/data?user_id=10&columns=user_id,last_name'
  const json = '[{"user_id":"10","last_name":"Ö, X"}]'
  const ndjson = '{"user_id":"10","last_name":"Ö, X"}\n'
  const csvText = 'user_id,last_name\r\n10,"Ö, X"\r\n'
  const table: [string, string | undefined, string, string][] = [
    ['', undefined, 'application/json; charset=utf-8', json],
    ['', '*/*', 'application/json; charset=utf-8', json],
    ['', 'text/html,application/xhtml+xml,*/*;q=0.8', 'application/json; charset=utf-8', json],
    ['', 'text/csv', 'text/csv; charset=utf-8; header=present', csvText],
    ['', 'text/*', 'text/csv; charset=utf-8; header=present', csvText],
    ['', 'application/json;q=0.5, application/x-ndjson', 'application/x-ndjson; charset=utf-8', ndjson],
    ['', 'application/ndjson', 'application/x-ndjson; charset=utf-8', ndjson],
    ['', 'application/json; charset=utf-8', 'application/json; charset=utf-8', json],
    ['', 'text/csv;header=absent; q=0.9, application/json;odata=verbose;q=0.5', 'text/csv; charset=utf-8; header=present', csvText],
    ['', 'text/html;level=1, application/json; q=0.1', 'application/json; charset=utf-8', json],
    ['&format=csv', 'application/json', 'text/csv; charset=utf-8; header=present', csvText],
    ['&format=ndjson', undefined, 'application/x-ndjson; charset=utf-8', ndjson],
    ['&format=json', 'text/plain', 'application/json; charset=utf-8', json]
  ]
  for (const [format, accept, type, body] of table) {
    const response = await app.inject({ url: url + format, headers: accept === undefined ? {} : { accept } })
    t.equal(response.headers['content-type'], type)
    t.equal(response.body, body)
  }
  const refused = await app.inject({ url, headers: { accept: 'text/html' } })
  t.match(refused.json(), { status: 406, code: 'not_acceptable' })
  t.match(refused.headers, { vary: 'accept, accept-encoding' })
  t.match((await app.inject({ url, headers: { accept: 'application/json;q=0' } })).json(), { status: 406 })
})

t.test('an empty result is valid in each format', async (t) => {
  const { app } = await build(t)
  t.equal((await app.inject('/data')).body, '[]')
  t.equal((await app.inject('/data?format=ndjson')).body, '')
  t.equal((await app.inject('/data?format=csv')).body, 'user_id,first_name,last_name,birthts,img_path\r\n')
  t.match((await app.inject('/stats')).json(), { count: 0, average_age: -1, median_age: null, age_histogram: { length: 0 } })
})

t.test('a result of several batches is complete in each format', async (t) => {
  const { app } = await build(t, { files: Object.fromEntries(Array.from({ length: 1203 }, (_, i) => [`${i}.csv`, csv('N', 'N', i)])) })
  const expected = Array.from({ length: 1203 }, (_, i) => String(i)).sort()
  t.same(ids(await app.inject('/data')), expected)
  t.same((await app.inject('/data?format=ndjson')).body.trim().split('\n').map((line) => JSON.parse(line).user_id), expected)
  t.same((await app.inject('/data?format=csv')).body.trim().split('\r\n').slice(1).map((line) => line.split(',')[0]), expected)
})

t.test('GET /data/{user_id} returns one record, or 404', async (t) => {
  const { app } = await build(t, { files: { ...files, 'a b%+.csv': csv() } })
  t.equal((await app.inject('/data/10')).body.trim(), '{"user_id":"10","first_name":"anna","last_name":"Ö, X","birthts":613958400000,"img_path":"source_data/10.jpg"}')
  t.match((await app.inject('/data/a%20b%25%2B')).json(), { user_id: 'a b%+' })
  t.match((await app.inject('/data/unknown')).json(), { status: 404, code: 'record_not_found', detail: 'There is no record "unknown"' })
  for (const hostile of ['..%2F..%2Fetc', '%00', '%F0%9F%98%80', 'a'.repeat(241)]) t.equal((await app.inject(`/data/${hostile}`)).statusCode, 404, hostile)
})

t.test('a no-cache request sees files that were overwritten in the same second, deleted or added, and downloads nothing else', async (t) => {
  const { app, endpoint, bucket, fresh } = await build(t, { files })
  await app.inject('/data')
  endpoint.reset()
  bucket.put('source_data/1.csv', csv('Amy', 'Lee', born('1990-06-15')))
  bucket.delete('source_data/2.csv')
  bucket.put('source_data/4.csv', csv('Dan', 'Ray', 0))
  t.equal((await app.inject('/data/1')).json().first_name, 'Ann', 'within MAX_STALENESS')
  const { json } = await fresh('/data')
  t.same(json.map((r: any) => [r.user_id, r.first_name]), [['1', 'Amy'], ['10', 'anna'], ['3', 'Cid'], ['4', 'Dan']])
  t.same(endpoint.gets.sort(), ['source_data/1.csv', 'source_data/4.csv'])
})

t.test('Age is the age of the data, and data older than MAX_STALENESS is refreshed', async (t) => {
  const { app, endpoint, bucket, clock } = await build(t, { files })
  await app.inject('/data')
  bucket.delete('source_data/1.csv')
  clock.advance(1999)
  t.match(await app.inject('/data/1'), { statusCode: 200, headers: { age: '1' } })
  clock.advance(2)
  t.match(await app.inject('/data/1'), { statusCode: 404, headers: { age: '0' } })
  t.equal(endpoint.counts.LIST, 2)
})

/** Sends a request after each delay, and checks the age of the response and the number of listings so far. */
async function checkAges (t: Test, { app, endpoint, clock }: TestLake, steps: readonly [afterMs: number, age: string, listings: number][]): Promise<void> {
  for (const [afterMs, age, listings] of steps) {
    clock.advance(afterMs)
    t.match(await app.inject('/data'), { headers: { age } })
    t.equal(endpoint.counts.LIST, listings)
  }
}

t.test('MAX_STALENESS limits the age of the data', async (t) => {
  const lake = await build(t, { files, settings: { MAX_STALENESS: '10s' } })
  await checkAges(t, lake, [[0, '0', 1], [9999, '9', 1], [2, '0', 2]])
})

t.test('the age counts from the beginning of a listing, and no request waits for a refresh that begins before the data is old', async (t) => {
  const lake = await build(t, { files })
  const { app, endpoint, clock } = lake
  endpoint.intercept = ({ operation }) => {
    if (operation === 'LIST') clock.advance(5000)
    return undefined
  }
  await checkAges(t, lake, [[0, '5', 1]])
  endpoint.reset()
  clock.advance(4999)
  t.match(await app.inject('/data'), { headers: { age: '9', 'data-stale': undefined } })
  await app.transformer.reconcile()
  await checkAges(t, lake, [[0, '0', 1]])
})

t.test('while the bucket fails, the last data is served and marked as stale, until MAX_STALE_IF_ERROR has passed', async (t) => {
  const { app, endpoint, clock } = await build(t, { files, settings: { MAX_STALE_IF_ERROR: '1m' } })
  await app.inject('/data')
  endpoint.intercept = () => ({ status: 403, headers: {}, body: '<Error><Code>AccessDenied</Code></Error>' })
  clock.advance(3000)
  t.match(await app.inject('/data'), { statusCode: 200, headers: { age: '3', 'data-stale': 'access_denied' } })
  t.equal((await app.inject('/readyz')).statusCode, 200)
  clock.advance(60_000)
  const late = await app.inject('/data')
  t.match(late, { statusCode: 503, headers: { 'retry-after': '1' } })
  t.match(late.json(), { code: 'data_too_old' })
  t.equal((await app.inject('/readyz')).statusCode, 200, 'the service remains ready')
  endpoint.reset()
  clock.advance(1000)
  const healed = await app.inject('/data')
  t.match(healed, { statusCode: 200, headers: { age: '0' } })
  t.equal(healed.headers['data-stale'], undefined)
})

t.test('if a listing takes longer than REFRESH_WAIT, the last data is served and marked as stale', async (t) => {
  const { app, endpoint, clock } = await build(t, { files, settings: { REFRESH_WAIT: '30ms' } })
  await app.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })
  let release = () => {}
  const gate = new Promise<undefined>((resolve) => { release = () => resolve(undefined) })
  endpoint.intercept = () => gate
  clock.advance(3000)
  t.match(await app.inject('/data'), { statusCode: 200, headers: { age: '3', 'data-stale': 'refresh_slow' } })
  release()
  await app.transformer.reconcile()
  t.match(await app.inject('/data'), { statusCode: 200, headers: { age: '0' } })
})

t.test('if the engine fails in the middle of a response, the connection is broken', async (t) => {
  const openVersion = streamingEngine(async function * () {
    yield [['1']]
    throw new Error('in mid-stream')
  })
  const { app } = await build(t, { files, openVersion })
  const address = await app.listen({ port: 0 })
  const response = await fetch(`${address}/data`, { headers: { 'accept-encoding': 'identity' } })
  t.equal(response.status, 200)
  await t.rejects(response.text())
})

t.test('concurrent responses are complete, even if clients read some of them slowly or abort them', async (t) => {
  const files = Array.from({ length: 3000 }, (_, i) => [`${1000 + i}.csv`, csv('x'.repeat(60), '', i)])
  const { app } = await build(t, { files: Object.fromEntries(files), settings: { MAX_STALENESS: '1h' } })
  const address = await app.listen({ port: 0 })
  const { body: whole } = await app.inject('/data')
  const rows = JSON.parse(whole) as { birthts: number }[]
  const request = async (i: number) => {
    // Each request selects different rows: those born at i * 10 ms or later.
    const asOf = new Date(Math.ceil(31_557_600_000 / 1000) * 1000 + i * 10).toISOString()
    const aborter = new AbortController()
    const response = await fetch(`${address}/data?age_basis=exact&max_age=1&as_of=${asOf}`, { headers: { 'accept-encoding': i % 5 === 0 ? 'gzip' : 'identity' }, signal: aborter.signal })
    if (i % 7 === 0) return aborter.abort()
    if (i % 3 === 0) await turns(i)
    t.equal(await response.text(), JSON.stringify(rows.filter(({ birthts }) => birthts >= i * 10)))
  }
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 40 }, (_, i) => request(i + round)))
})

t.test('an unknown column costs little CPU, even if its name and those in the lake are long', async (t) => {
  const names = Array.from({ length: 60 }, (_, i) => `c${i}${'x'.repeat(17_000)}`)
  const { app } = await build(t, { files: { '1.csv': `first_name,last_name,birthts,${names.join(',')}\nA,B,0${',y'.repeat(60)}\n` } })
  await app.inject('/data')
  const began = process.cpuUsage()
  for (const length of [60, 300, 10_000]) t.equal((await app.inject(`/data?columns=${'x'.repeat(length)}`)).statusCode, 400)
  const { user, system } = process.cpuUsage(began)
  t.ok(user + system < 3e6, `${user + system} microseconds`)
})

t.test('hostile ids are looked up and never become keys: they are 404 or 400, and no object is requested', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv(), '1.png': PNG, 'source_data/../secret.csv': csv(), 'secret.csv': csv() } })
  await app.inject('/data')
  endpoint.reset()
  const ids = ['..', '../secret', '..%2Fsecret', '%2e%2e%2fsecret', '..%252fsecret', '..\\secret', 'source_data/1', '/1', '1/', '1.csv', '1.png', './1', '1%00', '%00', '1%0d%0aX: y', '%ff', '%c0%ae%c0%ae%2fsecret',
    '１', '1\u200b', '\u202e1', ' 1', '1 ', '__proto__', 'constructor', 'toString', '*', '$(id)', "' OR 1=1 --", '<script>', 'a'.repeat(240), 'a'.repeat(5000), 's3://datalake/source_data/1']
  const random = fc.sample(fc.string({ unit: fc.constantFrom('.', '/', '\\', '%', '0', '2', 'e', 'f', '1', '\0', '\n', '１', '😀', '%2f', '%2e', '..'), maxLength: 12 }).filter((id) => id !== '1'), 300)
  for (const id of [...ids, ...random]) {
    const encoded = encodeURIComponent(id)
    if (encoded === '' || encoded === '.' || encoded === '..') continue // a client resolves these in a URL
    for (const path of [`/data/${encoded}`, `/data/${encoded}/image`]) {
      const { statusCode } = await app.inject(path)
      if (![400, 404, 414].includes(statusCode)) t.fail(`${path}: ${statusCode}`)
    }
    const { statusCode, body } = await app.inject(`/data?user_id=${encoded}&columns=user_id`)
    if (statusCode !== 400 && body !== '[]') t.fail(`${id}: ${statusCode} ${body}`)
  }
  for (const path of ['/data/%00', '/data/%ff', '/data/..%2fsecret', '/data/%2e%2e%2fsecret/image', '//data/1', '/data//image', '/data/%']) t.ok([400, 404].includes((await app.inject(path)).statusCode), path)
  t.same(endpoint.gets, [])
  t.equal(endpoint.counts.HEAD, 0)
})
