import t from 'tap'
import { build, csv } from '../support/app.js'

/** Different spellings of the same requests, which must have the same ETag and the same next page. */
const spellings: [first: string, ...others: string[]][] = [
  ['/data?min_age=30&limit=1', '/data?min_age=30.0000000000&limit=1', '/data?min_age=3e1&limit=1.0', '/data?min_age=3E%2B1&limit=1', '/data?min_age=3E+1&limit=1e0', '/data?min_age=030&limit=1',
    '/data?min_age=30&limit=1&age_basis=completed&sort=user_id', '/data?min_age=29.9999999999&limit=1'],
  ['/data?max_age=100.3&limit=1', '/data?max_age=100.30000000000001&limit=1', '/data?max_age=1003e-1&limit=1'],
  ['/data?min_age=0&limit=1', '/data?min_age=-0&limit=1', '/data?min_age=1e-999&limit=1'],
  ['/data?columns=user_id,last_name&limit=1', '/data?columns=user_id&columns=last_name&limit=1'],
  ['/data?columns=user_id,last_name,birthts&limit=1', '/data?columns=user_id&columns=last_name,birthts&limit=1'],
  ['/data?image_exists=false&limit=1', '/data?image_exists=FALSE&limit=1', '/data?image_exists=0&limit=1'],
  ['/data?as_of=2025-06-01T00:00:00Z&max_age=99&limit=1', '/data?as_of=2025-06-01T02:00:00.000%2B02:00&max_age=99&limit=1', '/data?as_of=2025-06-01&max_age=99&limit=1', '/data?as_of=2025-06-01T00:00:00Z&max_age=99&age_basis=Completed&limit=1'],
  ['/data?format=csv', '/data?format=CSV', '/data?format=Csv'],
  ['/stats?min_age=0.3', '/stats?min_age=0.30000000000000004', '/stats?min_age=0.3&bin_width=10', '/stats?min_age=0.3&bin_width=1e1']
]

t.test('all spellings of a request have the same response', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv('Ann', 'Lee', 0), '2.csv': csv('Bob', 'Ray', 1000) } })
  for (const [first, ...others] of spellings) {
    const expected = await app.inject(first)
    t.equal(expected.statusCode, 200, first)
    for (const url of others) {
      const response = await app.inject(url)
      t.equal(response.statusCode, 200, url)
      t.equal(response.headers['etag'], expected.headers['etag'], url)
      t.equal(response.headers['next-cursor'], expected.headers['next-cursor'], url)
      t.equal(response.body, expected.body, url)
    }
  }
})

t.test('Next-Cursor is the cursor of the next link, and is valid together with parameters that have their default value', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv('Ann', 'Lee', 0), '2.csv': csv('Bob', 'Ray', 1000) } })
  for (const [path, last] of [['/data', /"2"/], ['/data.csv', /\r\n2,/], ['/data.ndjson', /^\{"user_id":"2"/]] as const) {
    const first = await app.inject(`${path}?limit=1&min_age=1`)
    const cursor = String(first.headers['next-cursor'])
    t.equal(first.headers['link'], `<${path}?limit=1&cursor=${cursor}>; rel="next"`)
    const second = await app.inject(`${path}?cursor=${cursor}&age_basis=completed&sort=user_id`)
    t.match(second.body, last)
    t.equal(second.headers['next-cursor'], undefined, 'no page after the last one')
    t.equal(second.headers['link'], undefined)
  }
})

t.test('/data.csv and /data.ndjson return /data in their format, regardless of Accept', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv('Ann', 'Lee', 0), '2.csv': csv('Bob', 'Ray', 1000) } })
  for (const format of ['csv', 'ndjson']) {
    const expected = await app.inject(`/data?first_name=b*&columns=last_name&format=${format}`)
    const response = await app.inject({ url: `/data.${format}?first_name=b*&columns=last_name`, headers: { accept: 'application/json' } })
    t.equal(response.body, expected.body)
    t.equal(response.headers['content-type'], expected.headers['content-type'])
    t.equal(response.headers['vary'], 'accept-encoding')
    t.equal((await app.inject({ url: `/data.${format}?first_name=b*&columns=last_name`, headers: { 'if-none-match': String(response.headers['etag']) } })).statusCode, 304)
    t.match((await app.inject(`/data.${format}?format=json`)).json(), { status: 400, errors: [{ parameter: 'format' }] })
  }
})
