import t, { type Test } from 'tap'
import { bearer, entryOf, keyOf } from '../support/api-keys.js'
import { build, PNG } from '../support/app.js'

const infoFile = (city: string, height: number | '', birth: string) => `first_name,last_name,birthts,city,height\nAnn,Lee,${Date.parse(birth)},${city},${height}\n`

/** Six records with the city Rome and three with Oslo; one has an image. */
const files = {
  ...Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`${i}.csv`, infoFile('Rome', 150 + i, `198${i}-01-01`)])),
  ...Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`x${i}.csv`, infoFile('Oslo', '', `195${i}-01-01`)])),
  '0.png': PNG
}

async function buildWithKeys (t: Test) {
  const { app } = await build(t, { files, settings: { API_KEYS: `${entryOf('stats')},${entryOf('read')}` } })
  const get = async (search: string, scope: 'stats' | 'read' = 'stats', method: 'GET' | 'HEAD' = 'GET') => await app.inject({ method, url: `/stats?${search}`, headers: bearer(keyOf(scope)) })
  return { app, get }
}

t.test('with the scope stats, statistics have nothing about single records', async (t) => {
  const { get } = await buildWithKeys(t)
  const all = await get('as_of=2025-01-01T00:00:00Z&group_by=city', 'read')
  const shown = await get('as_of=2025-01-01T00:00:00Z&group_by=city')
  t.match(all.json(), { count: 9, youngest_age: Number, with_image: 1, groups: [{ value: 'Rome', count: 6 }, { value: 'Oslo', count: 3 }] })
  const { average_age: average, median_age: median, ...others } = shown.json()
  t.same({ average_age: average, median_age: median }, { average_age: all.json().average_age, median_age: all.json().median_age })
  t.same(others, {
    count: 9,
    youngest_age: null,
    oldest_age: null,
    with_image: 0,
    age_histogram: [{ min_age: 40, max_age: 49, count: 6 }],
    as_of: '2025-01-01T00:00:00.000Z',
    group_by: 'city',
    groups: [{ value: 'Rome', count: 6 }]
  })
  t.not(shown.headers.etag, all.headers.etag)
  t.equal(shown.headers['vary'], 'accept-encoding, authorization')
  const columns = (await get('columns=birthts')).json().columns.birthts
  t.match(columns, { count: 9, min: null, max: null, histogram: { length: 0 } })
  t.same((await get('empty_bins=true&bin_width=1&as_of=2025-01-01T00:00:00Z')).json().age_histogram, [])
})

t.test('with the scope stats, statistics of fewer than five records are 403', async (t) => {
  const { app, get } = await buildWithKeys(t)
  for (const search of ['min_age=60', 'where=city=Oslo', 'image_exists=true', 'first_name=nobody']) {
    t.match((await get(search)).json(), { status: 403, code: 'too_few' }, search)
    t.match((await get(search)).json(), { status: 403, code: 'too_few' }, `${search}, a second time`)
    t.equal((await get(search, 'stats', 'HEAD')).statusCode, 403)
    t.equal((await app.inject({ url: `/stats?${search}`, headers: { ...bearer(keyOf('stats')), 'if-none-match': '*' } })).statusCode, 403, 'not 304')
    t.equal((await get(search, 'read')).statusCode, 200)
    t.match((await get(search)).json(), { status: 403, code: 'too_few' }, `${search}, after a client that may read`)
  }
  t.equal((await get('where=city=Rome', 'stats', 'HEAD')).statusCode, 200)
})

t.test('with the scope stats, no parameter selects records by their key', async (t) => {
  const { get } = await buildWithKeys(t)
  for (const search of ['user_id=1', 'where=user_id!=1', 'where=user_id^=x', 'where=user_id>=0', 'q=ann', 'img_path=source_data/0.png', 'where=img_path~0', 'group_by=user_id', 'group_by=img_path']) {
    t.match((await get(search)).json(), { status: 403, code: 'insufficient_scope', detail: 'The credentials must have the scope read to filter or group by user_id, by the key of an image, or by q' }, search)
    t.equal((await get(search, 'read')).statusCode, 200, search)
  }
  for (const search of ['image_exists=false', 'where=!img_path', 'where=user_id', 'first_name=Ann', 'first_name=a*&first_name=b']) t.equal((await get(search)).statusCode, 200, search)
})

t.test('the scope stats allows nothing else', async (t) => {
  const { app, get } = await buildWithKeys(t)
  for (const url of ['/data', '/data/1', '/changes', '/schema', '/rejects', '/jobs', '/version']) t.equal((await app.inject({ url, headers: bearer(keyOf('stats')) })).statusCode, 403, url)
  t.equal((await get('')).headers['data-last-good'], undefined)
})
