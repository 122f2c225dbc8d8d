import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { build, csv } from '../support/app.js'
import { testInProcess } from '../support/engine-of-tests.js'
import { wrapEngine } from '../support/engines.js'

const files = { '1.csv': csv('Ann', 'Lee', Date.UTC(1990, 5, 15)), '2.csv': csv('Bob', 'Ray', 0) }

t.test('a response has an ETag, and a request with that ETag in If-None-Match gets 304', async (t) => {
  const { app } = await build(t, { files })
  for (const url of ['/data', '/data?min_age=30&format=csv', '/data?limit=1', '/data/1', '/stats', '/stats?first_name=ann']) {
    const { headers } = await app.inject(url)
    const etag = String(headers['etag'])
    t.match(etag, /^"[\w-]{22}"$/, url)
    for (const tag of [etag, `W/${etag}`, '*', `"other", ${etag}`, `"a,b" ,W/"c",${etag}`]) {
      const conditional = await app.inject({ url, headers: { 'if-none-match': tag } })
      t.equal(conditional.statusCode, 304, `${url} ${tag}`)
      t.equal(conditional.body, '')
      t.match(conditional.headers, { etag, 'data-version': headers['data-version'], 'cache-control': headers['cache-control'] })
      t.equal(conditional.headers['content-length'], undefined)
    }
    for (const other of ['"other"', 'W/"other"', etag.slice(1, -1), '']) {
      t.equal((await app.inject({ url, headers: { 'if-none-match': other } })).statusCode, 200, `${url} ${other}`)
    }
  }
})

t.test('If-Match with another ETag is 412; conditions with dates are ignored, because the data has none', async (t) => {
  const { app } = await build(t, { files })
  for (const url of ['/data', '/data.csv', '/data/1', '/stats']) {
    const status = async (headers: Record<string, string>) => (await app.inject({ url, headers })).statusCode
    const etag = String((await app.inject(url)).headers['etag'])
    t.equal(await status({ 'if-match': etag }), 200, url)
    t.equal(await status({ 'if-match': '*' }), 200, url)
    t.equal(await status({ 'if-match': '"x"' }), 412, url)
    t.equal(await status({ 'if-match': `W/${etag}` }), 412, url)
    t.equal(await status({ 'if-modified-since': 'Mon, 01 Jan 2035 00:00:00 GMT' }), 200, url)
    t.equal(await status({ 'if-unmodified-since': 'Mon, 01 Jan 1990 00:00:00 GMT' }), 200, url)
  }
})

t.test('equal responses have equal ETags, different ones have different ETags', async (t) => {
  const { app, bucket, clock } = await build(t, { files })
  const tag = async (url: string, headers = {}) => String((await app.inject({ url, headers })).headers['etag'])
  const urls = [
    '/data', '/data?sort=-user_id', '/data?columns=user_id', '/data?format=ndjson', '/data?format=csv', '/data?limit=1', '/data?limit=2', '/data?image_exists=true',
    '/data?min_age=30', '/data?max_age=30', '/data?min_age=30&age_basis=exact', '/data?user_id=1', '/data?user_id=1&user_id=2', '/data?first_name=ann', '/data?first_name=ann*',
    '/data?last_name=ann', '/data?where=first_name=ann', '/data/1', '/data/2', '/stats', '/stats?bin_width=5', '/stats?min_age=30', '/stats?as_of=2025-01-01T00:00:00Z'
  ]
  const tags = new Map<string, string>()
  for (const url of urls) tags.set(await tag(url), url)
  tags.set(await tag('/data', { 'accept-encoding': 'gzip' }), 'gzip')
  t.equal(tags.size, urls.length + 1)
  t.equal(await tag('/data?is_image_exists=TRUE'), await tag('/data?image_exists=1'), 'another spelling of the same request')
  t.equal(await tag('/data', { accept: 'text/csv' }), await tag('/data?format=csv'))
  const before = await tag('/data')
  bucket.put('source_data/1.csv', csv('Amy'))
  clock.advance(5000)
  t.not(await tag('/data'), before)
  bucket.put('source_data/1.csv', files['1.csv'])
  clock.advance(5000)
  t.equal(await tag('/data'), before, 'equal data has the same version and ETag')
})

t.test('the ETag of a response that depends on ages changes with the minute', async (t) => {
  const { app, clock } = await build(t, { files })
  const tag = async (url: string) => String((await app.inject(url)).headers['etag'])
  const urls = ['/stats', '/data?min_age=30&age_basis=exact', '/data', '/stats?as_of=2025-01-01T00:00:00Z']
  const before = await Promise.all(urls.map(tag))
  clock.advance(29_000) // within the same minute
  t.same(await Promise.all(urls.map(tag)), before)
  clock.advance(1000)
  const after = await Promise.all(urls.map(tag))
  t.same(after.map((tag, i) => tag === before[i]), [false, false, true, true])
})

t.test('equal rows have the same data version under different settings', async (t) => {
  const moscow = await build(t, { files, settings: { AGE_TIME_ZONE: 'Europe/Moscow' } })
  const utc = await build(t, { files })
  const [a, b] = [await moscow.app.inject('/data'), await utc.app.inject('/data')]
  t.equal(a.headers['data-version'], b.headers['data-version'], 'equal rows')
  t.not(a.headers['etag'], b.headers['etag'])
})

t.test('max-age is the time for which the response certainly remains valid', async (t) => {
  const { app, clock, endpoint } = await build(t, { files, settings: { MAX_STALENESS: '100s' } })
  const cacheControl = async (url: string) => (await app.inject(url)).headers['cache-control']
  t.equal(await cacheControl('/data'), 'private, max-age=100')
  t.equal(await cacheControl('/stats'), 'private, max-age=29', 'the minute ends in 29.5 s')
  t.equal(await cacheControl('/data?max_age=30'), 'private, max-age=29')
  t.equal(await cacheControl('/stats?as_of=2025-01-01T00:00:00Z'), 'private, max-age=100')
  clock.advance(80_000)
  t.equal(await cacheControl('/data'), 'private, max-age=20')
  endpoint.intercept = () => 'drop'
  clock.advance(20_001)
  const stale = await app.inject('/data')
  t.match(stale.headers, { 'cache-control': 'private, max-age=0', 'data-stale': 'unreachable', age: '100' })
})

t.test('the data is refreshed before a conditional request gets 304', async (t) => {
  const { app, bucket, clock } = await build(t, { files })
  const { headers } = await app.inject('/data')
  bucket.put('source_data/3.csv', csv('New'))
  clock.advance(3000)
  t.equal((await app.inject({ url: '/data', headers: { 'if-none-match': headers['etag'] } })).statusCode, 200)
})

t.test('no-cache forces a refresh, in upper or lower case and among other directives', async (t) => {
  const { app, bucket } = await build(t, { files })
  const table: [header: string, isFresh: boolean][] = [
    ['no-cache', true], ['No-Cache', true], ['NO-CACHE', true], ['max-age=0, no-cache', true], ['no-cache, max-age=0', true], ['max-age=0,no-cache , no-transform', true],
    ['max-age=60', false], ['no-cached', false], ['x-no-cache', false], ['no-cache-please', false], ['x="a no-cache"', false]
  ]
  await app.inject('/data')
  for (const [i, [header, isFresh]] of table.entries()) {
    bucket.put('source_data/1.csv', csv(`Name ${i}`))
    const { first_name: name } = (await app.inject({ url: '/data/1', headers: { 'cache-control': header } })).json()
    t.equal(name === `Name ${i}`, isFresh, header)
  }
})

t.test('HEAD has the headers of GET and no body', async (t) => {
  let isBroken = false
  const render = () => { throw new Error('the body cannot be rendered') }
  const openVersion = wrapEngine((version) => ({
    select: async (query) => ({ ...await version.select(query), ...isBroken && { text: render, batches: render } })
  }))
  const { app, bucket } = await build(t, { files, openVersion })
  for (const url of ['/data', '/data?limit=1', '/data?format=csv', '/data/1', '/stats']) {
    const [get, head] = [await app.inject(url), await app.inject({ method: 'HEAD', url })]
    t.equal(head.statusCode, 200)
    t.equal(head.body, '')
    for (const name of ['etag', 'age', 'data-version', 'cache-control', 'content-type', 'vary', 'x-total-count', 'link']) t.equal(head.headers[name], get.headers[name], `${url} ${name}`)
    t.equal(head.headers['content-length'], String(get.rawPayload.length), `${url} content-length`)
  }
  isBroken = true
  bucket.put('source_data/3.csv', csv())
  await app.inject({ method: 'HEAD', url: '/data', headers: { 'cache-control': 'no-cache' } })
  t.equal((await app.inject({ method: 'HEAD', url: '/data', headers: { 'accept-encoding': 'gzip' } })).statusCode, 200, 'HEAD renders no body to compress it')
  t.equal((await app.inject({ method: 'HEAD', url: '/data' })).statusCode, 500, 'HEAD renders a body for its length')
  t.equal((await app.inject({ method: 'HEAD', url: '/data/1' })).statusCode, 500, 'HEAD reads a single record')
})

testInProcess('Content-Length is the length of the body, also in the first response, and of a long body that is requested by HEAD first', async (t) => {
  const [many, few] = [12_000, 1500].map((count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}.csv`, csv(`Ann${'n'.repeat(200)}`, `Lee ${i}`, i)])))
  const names = ['/data', '/data?image_exists=false', '/data?sort=-birthts', '/data.ndjson', '/data.ndjson?limit=10000', '/data.csv', '/data?columns=user_id,first_name,last_name', '/data.csv?limit=2', '/data?user_id=none', '/data.ndjson?user_id=none']
  for (const [files, hasChunks] of [[many!, true], [few!, false]] as const) {
    const [{ app: gets }, { app: heads }] = [await build(t, { files }), await build(t, { files })]
    for (const url of names) {
      const [{ headers, rawPayload }, head] = [await gets.inject(url), await heads.inject({ method: 'HEAD', url })]
      t.equal(head.headers['content-length'], String(rawPayload.length), `HEAD ${url}`)
      t.equal(head.body, '')
      const isRendered = hasChunks && (url === '/data.csv' || url.includes('columns'))
      t.equal(headers['content-length'], isRendered ? undefined : String(rawPayload.length), `GET ${url}`)
      const zipped = { url, headers: { 'accept-encoding': 'gzip' } }
      t.equal((await heads.inject({ ...zipped, method: 'HEAD' })).headers['content-length'], undefined, 'the length of what is not compressed yet is not known')
    }
  }
})

t.test('responses are compressed if the client accepts gzip, and 406 if it accepts neither gzip nor identity', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`${i}.csv`, csv('Ann', `Lee ${i}`, i)]))
  const { app } = await build(t, { files: { ...many, 'bad.csv': 'x' } })
  const urls: [url: string, vary: string][] = [
    ...['/data', '/data?format=csv', '/data?format=ndjson', '/data?columns=user_id', '/data?last_name=lee 1*', '/data?user_id=unknown', '/rejects'].map((url): [string, string] => [url, 'accept, accept-encoding']),
    ...['/data.csv', '/data.ndjson?limit=2', '/data/1', '/stats', '/stats?bin_width=1', '/rejects.csv'].map((url): [string, string] => [url, 'accept-encoding'])
  ]
  const encodings: [string, string | undefined | 406][] = [
    ['identity', undefined], ['br', undefined], ['*', 'gzip'], ['gzip;q=0', undefined], ['identity;q=0, gzip', 'gzip'], ['identity;q=0', 406], ['*;q=0', 406], ['gzip;q=0, identity;q=0', 406], ['br, identity;q=0', 406]
  ]
  for (const [url, vary] of urls) {
    const plain = await app.inject(url)
    t.match(plain.headers, { vary, 'content-encoding': undefined })
    const plainTag = plain.headers['etag']
    for (let i = 0; i < 2; i++) {
      const zipped = await app.inject({ url, headers: { 'accept-encoding': 'deflate, gzip;q=0.5, br' } })
      t.match(zipped.headers, { vary, 'content-encoding': 'gzip' })
      t.equal(gunzipSync(zipped.rawPayload).toString(), plain.body, `${url} ${i}`)
      t.not(zipped.headers['etag'], plainTag, 'another representation')
      const head = await app.inject({ method: 'HEAD', url, headers: { 'accept-encoding': 'gzip' } })
      for (const name of ['etag', 'vary', 'content-encoding', 'content-type']) t.equal(head.headers[name], zipped.headers[name], `HEAD ${url} ${name}`)
      t.equal((await app.inject({ url, headers: { 'accept-encoding': 'gzip', 'if-none-match': String(zipped.headers['etag']) } })).statusCode, 304)
    }
    for (const [header, expected] of encodings) {
      const response = await app.inject({ url, headers: { 'accept-encoding': header } })
      if (expected === 406) t.match(response.json(), { status: 406, code: 'not_acceptable' }, `${url} ${header}`)
      else t.equal(response.headers['content-encoding'], expected, `${url} ${header}`)
    }
  }
})
