import t from 'tap'
import { build, csv, PNG } from '../support/app.js'

const files = { '1.csv': csv('Ann', 'Lee', Date.UTC(1990, 5, 15)), '1.png': PNG, 'bad.csv': 'x' }

/** A URL of each documented path with GET, and of the routes that are not in the document. */
const URLS: Readonly<Record<string, string>> = {
  '/data': '/data',
  '/data.csv': '/data.csv',
  '/data.ndjson': '/data.ndjson?limit=1',
  '/data/{user_id}': '/data/1',
  '/data/{user_id}/image': '/data/1/image',
  '/data/{user_id}/attachments/{field}': '/data/1/attachments/img_path',
  '/changes': '/changes',
  '/schema': '/schema',
  '/jobs': '/jobs',
  '/jobs/{id}': '/jobs/<id>',
  '/stats': '/stats',
  '/rejects': '/rejects',
  '/rejects.csv': '/rejects.csv',
  '/metrics': '/metrics',
  '/livez': '/livez',
  '/readyz': '/readyz',
  '/startupz': '/startupz',
  '/version': '/version'
}
const UNDOCUMENTED = ['/', '/openapi.json', '/docs', '/docs/', '/docs/static/swagger-ui-bundle.js', '/docs/json', '/docs/yaml']

t.test('every 200 has a Cache-Control header, and an Age header if it contains data', async (t) => {
  const { app } = await build(t, { files, settings: { MAX_STALENESS: '100s' } })
  const { id } = (await app.inject({ method: 'POST', url: '/data' })).json()
  const { paths } = (await app.inject('/openapi.json')).json() as { paths: Record<string, Record<string, unknown>> }
  const documented = Object.keys(paths).filter((path) => paths[path]!['get'] !== undefined)
  t.same(documented.filter((path) => URLS[path] === undefined), [], 'the test covers every route')
  for (const url of [...documented.map((path) => URLS[path]!.replace('<id>', id)), ...UNDOCUMENTED]) {
    for (const method of ['GET', 'HEAD'] as const) {
      const { statusCode, headers } = await app.inject({ method, url })
      t.equal(statusCode, 200, `${method} ${url}`)
      t.match(headers['cache-control'], /^(no-store|no-cache|private, max-age=\d+|public, max-age=0)$/, `${method} ${url}`)
      t.equal(/max-age=[1-9]/.test(String(headers['cache-control'])), headers['etag'] !== undefined && headers['age'] !== undefined, `${url}: only responses that can be revalidated have a positive max-age`)
      t.equal(headers['age'] !== undefined, headers['data-version'] !== undefined, `${url}: data has an age`)
    }
  }
})

t.test('a problem has Cache-Control: no-store, even if its route has set another value before', async (t) => {
  const { app } = await build(t, { files })
  for (const url of ['/data?min_agee=1', '/data/unknown', '/data/unknown/image', '/nothing', '/data?cursor=x', '/%']) {
    t.equal((await app.inject(url)).headers['cache-control'], 'no-store', url)
  }
  t.match(await app.inject({ url: '/data', headers: { 'if-match': '"x"' } }), { statusCode: 412, headers: { 'cache-control': 'no-store', etag: /^"/ } })
})

t.test('an image has the same max-age as the data', async (t) => {
  const { app, clock, bucket } = await build(t, { files, settings: { MAX_STALENESS: '100s' } })
  const cacheControl = async (headers = {}) => (await app.inject({ url: '/data/1/image', headers })).headers['cache-control']
  t.equal(await cacheControl(), 'private, max-age=100')
  clock.advance(70_000)
  t.equal(await cacheControl(), 'private, max-age=30')
  t.equal(await cacheControl({ range: 'bytes=0-3' }), 'private, max-age=30')
  t.equal(await cacheControl({ 'if-none-match': `"${bucket.get('source_data/1.png')!.etag}"` }), 'private, max-age=30', '304')
})
