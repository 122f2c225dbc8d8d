import { gunzipSync } from 'node:zlib'
import type { LightMyRequestResponse } from 'fastify'
import t from 'tap'
import { sealText } from '../../routes/http/sealed-text.js'
import { build, csv, PNG, type LogLine } from '../support/app.js'

/** 25 rejects and 5 orphans, in ascending order of their keys, and 3 ignored objects. */
const files = {
  ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${10 + i}.csv`, csv('Ann', 'Lee', 'never')])),
  ...Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`${30 + i}.csv`, ''])),
  ...Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`${40 + i}.png`, PNG])),
  '50.csv': csv(),
  'a.TXT': '',
  'b.txt': '',
  readme: ''
}
const counts = { rejects: 25, orphans: 5, ignored: 3 }
const keys = ({ entries }: { entries: { key: string }[] }) => entries.map(({ key }) => key.replace('source_data/', ''))
const allKeys = Object.keys(files).slice(0, 30)

t.test('the report contains entries by key, counts, and ignored objects by extension', async (t) => {
  const log: LogLine[] = []
  const { app, bucket } = await build(t, { files, log })
  const response = await app.inject('/rejects')
  t.equal(response.headers['x-total-count'], '30')
  t.equal(response.headers['content-type'], 'application/json; charset=utf-8')
  t.match(response.headers['cache-control'], /^private, max-age=\d$/)
  const body = response.json()
  t.same(Object.keys(body), ['counts', 'entries', 'ignored'])
  t.same(body.counts, counts)
  t.same(keys(body), allKeys)
  t.same(body.entries[0], {
    user_id: '10',
    key: 'source_data/10.csv',
    etag: bucket.get('source_data/10.csv')!.etag,
    code: 'invalid_value',
    detail: 'birthts is not an integer from -8640000000000000 to 8640000000000000 (milliseconds since 1970-01-01 UTC)',
    hint: null,
    line: 2,
    column: 'birthts',
    excerpt: 'never',
    last_good: null
  })
  t.match(body.entries[29], { user_id: '44', code: 'orphan', etag: bucket.get('source_data/44.png')!.etag, line: null })
  t.same(body.ignored, [{ extension: 'txt', count: 2, example: 'source_data/a.TXT' }, { extension: null, count: 1, example: 'source_data/readme' }])
  t.match(log.filter(({ msg }) => msg.endsWith('ignored')), [
    { level: 30, extension: 'txt', count: 2, msg: 'Objects with this extension are ignored' },
    { level: 30, extension: null, count: 1, msg: 'Objects without an extension, or with one beyond the first 100, are ignored' }
  ])
})

t.test('the CSV has the options of /data.csv, which its pages keep', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv('Ann', 'Lee', '=1+1'), '2.csv': '' } })
  t.match((await app.inject('/rejects.csv?bom=true&delimiter=;&escape_formulas=true&user_id=1')).body, /^\ufeffuser_id;key;etag;.*\r\n1;source_data\/1\.csv;.*;'=1\+1;;\r\n$/)
  for (const path of ['/rejects.csv?', '/rejects?format=csv&']) {
    const first = await app.inject(`${path}delimiter=%5Ct&limit=1`)
    t.not(first.headers.etag, (await app.inject(`${path}limit=1`)).headers.etag)
    const next = /^<([^>]+)>/.exec(String(first.headers.link))![1]!
    t.match((await app.inject(next)).body, /^user_id\tkey\t.*\r\n2\tsource_data\/2\.csv\t/, path)
  }
  t.match((await app.inject('/rejects?bom=true')).json(), { errors: [{ parameter: 'bom', detail: 'applies to CSV only; use format=csv' }] })
})

t.test('entries are filtered by id and code; the counts stay those of the whole quarantine', async (t) => {
  const { app } = await build(t, { files })
  for (const [query, expected] of Object.entries({
    'user_id=12': ['12.csv'],
    'user_id=12&user_id=41&user_id=none': ['12.csv', '41.png'],
    'code=orphan': allKeys.slice(25),
    'code=orphan&code=empty_file': allKeys.slice(20),
    'code=orphan&user_id=12': [],
    'code=download_failed': []
  })) {
    const response = await app.inject(`/rejects?${query}`)
    t.same(keys(response.json()), expected, query)
    t.equal(response.headers['x-total-count'], String(expected.length), query)
    t.same(response.json().counts, counts, 'the counts are those of the whole quarantine')
  }
  t.match((await app.inject('/rejects?code=orphans')).json(), { status: 400, errors: [{ parameter: 'code', detail: /got "orphans"; must be one of invalid_id, .*, orphan$/ }] })
})

t.test('pages continue after the last key, even if the quarantine changes in between', async (t) => {
  const { app, bucket, fresh } = await build(t, { files })
  for (const [query, limit, expected] of [['', 7, allKeys], ['', 30, allKeys], ['code=orphan&code=empty_file&', 3, allKeys.slice(20)]] as const) {
    const found: string[] = []
    let next: string | undefined = `/rejects?${query}limit=${limit}`
    for (let page = 0; next !== undefined; page++) {
      const { headers, json }: LightMyRequestResponse = await app.inject(next)
      found.push(...keys(json()))
      t.equal(headers['x-total-count'], String(expected.length))
      next = /^<(.*)>; rel="next"$/.exec(String(headers['link']))?.[1]
      if (next !== undefined) t.equal(next, `/rejects?limit=${limit}&cursor=${headers['next-cursor']}`)
    }
    t.same(found, expected)
  }
  const { headers } = await app.inject('/rejects?limit=7')
  bucket.delete('source_data/16.csv')
  bucket.put('source_data/165.csv', '')
  t.same(keys((await fresh(`/rejects?cursor=${headers['next-cursor']}`)).json), ['165.csv', ...allKeys.slice(7, 13)], 'the page after the last key, with the limit of the cursor')
  t.same(keys((await app.inject(`/rejects?limit=2&cursor=${headers['next-cursor']}`)).json()), ['165.csv', '17.csv'])
})

t.test('the content of a cursor is validated like parameters', async (t) => {
  const { app } = await build(t, { files })
  const next = async (url: string) => String((await app.inject(url)).headers['next-cursor'])
  const cursor = await next('/rejects?code=orphan&limit=2')
  t.equal((await app.inject(`/rejects?code=orphan&cursor=${cursor}`)).statusCode, 200)
  const wrong = {
    [`code=empty_file&cursor=${cursor}`]: /belongs to a query with other parameters/,
    [`cursor=${await next('/data?limit=1').then((found) => found === 'undefined' ? 'x' : found)}`]: /is not a cursor of this listing/,
    ...Object.fromEntries([
      null, 7, 'x', [], ['rejects'], ['rejects', [], 7], ['rejects', 'x', 'a'], ['rejects', [['limit', '0']], 'a'], ['rejects', [['limit', '1e9']], 'a'],
      ['rejects', [['code', 'x']], 'a'], ['rejects', [[7, 7]], 'a'], ['rejects', [['__proto__', 'x']], 'a'], ['data', [], 'a']
    ].map((content) => [`cursor=${sealText(content)}`, /is not a cursor of this listing/])),
    [`cursor=${cursor}.x`]: /is not a cursor of this listing/,
    'limit=10001': /must be an integer from 1 to 10000/
  }
  for (const [query, detail] of Object.entries(wrong)) t.match((await app.inject(`/rejects?${query}`)).json(), { status: 400, code: 'invalid_parameter', detail }, query)
})

t.test('CSV is selected by the parameter format or by Accept', async (t) => {
  const { app, bucket, fresh } = await build(t, { files: { '1.csv': csv('Good'), '2.png': PNG } })
  await app.inject('/data')
  const good = bucket.get('source_data/1.csv')!.etag
  bucket.put('source_data/1.csv', 'a "b",c\nx\n')
  await fresh('/data')
  const { headers, body } = await app.inject('/rejects?format=csv')
  t.equal(headers['content-type'], 'text/csv; charset=utf-8; header=present')
  const [header, first, second, ...rest] = body.split('\r\n')
  t.equal(header, 'user_id,key,etag,code,detail,hint,line,column,excerpt,last_good_key,last_good_etag')
  t.match(first, new RegExp(`^1,source_data/1.csv,${bucket.get('source_data/1.csv')!.etag},malformed_csv,.*,source_data/1.csv,${good}$`))
  t.match(second, /^2,source_data\/2.png,\w+,orphan,[^,]+,,,,,,$/)
  t.same(rest, [''])
  t.equal((await app.inject({ url: '/rejects', headers: { accept: 'text/csv' } })).body, body)
  t.match((await app.inject({ url: '/rejects', headers: { accept: 'application/x-ndjson' } })).json(), { status: 406, code: 'not_acceptable' })
})

t.test('the report has an ETag, HEAD and gzip; a request with its ETag gets 304 until the report changes', async (t) => {
  const { app, bucket, fresh } = await build(t, { files })
  const url = '/rejects?limit=2'
  const { headers: { etag }, body } = await app.inject(url)
  t.match(etag, /^"[\w-]{22}"$/)
  const again = { url, headers: { 'if-none-match': String(etag) } }
  t.match(await app.inject(again), { statusCode: 304, body: '' })
  const others = ['/rejects', '/rejects?limit=3', '/rejects?limit=2&code=orphan', '/rejects?limit=2&format=csv'].map(async (url) => (await app.inject(url)).headers.etag)
  t.equal(new Set([etag, ...await Promise.all(others)]).size, 5)
  t.match(await app.inject({ method: 'HEAD', url }), { statusCode: 200, body: '', headers: { etag, 'x-total-count': '30', link: /rel="next"/ } })
  const zipped = await app.inject({ url, headers: { 'accept-encoding': 'gzip' } })
  t.match(zipped.headers, { 'content-encoding': 'gzip', vary: 'accept, accept-encoding' })
  t.not(zipped.headers.etag, etag)
  t.equal(gunzipSync(zipped.rawPayload).toString(), body)
  bucket.put('source_data/50.csv', csv('Amy'))
  await fresh('/data')
  t.equal((await app.inject(again)).statusCode, 304, 'a changed record does not change the report')
  bucket.put('source_data/10.csv', csv('Amy'))
  await fresh('/data')
  t.equal((await app.inject(again)).statusCode, 200)
})
