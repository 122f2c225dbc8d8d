import t from 'tap'
import { build, csv, PNG, type LogLine } from '../support/app.js'
import { HTML_PAGE, NO_CONTENT, script, type Fault } from '../support/faults.js'
import { mapInfo, MemoryStore } from '../support/stores.js'
import { until } from '../support/until.js'

const files = { '1.csv': csv(), '1.png': PNG, '2.csv': csv(), '3.csv': csv(), '3.png': '<svg onload="alert(1)">', '4.csv': csv(), '4.png': '' }

t.test('GET returns the image with headers for caches and browsers', async (t) => {
  const { app, bucket, endpoint } = await build(t, { files })
  const response = await app.inject('/data/1/image')
  t.equal(response.statusCode, 200)
  t.same(response.rawPayload, PNG)
  t.match(response.headers, {
    'content-type': 'image/png',
    'content-length': String(PNG.length),
    etag: `"${bucket.get('source_data/1.png')!.etag}"`,
    'last-modified': 'Sun, 15 Jun 2025 12:15:30 GMT',
    'accept-ranges': 'bytes',
    'server-timing': /^store;dur=\d+\.\d$/,
    'x-content-type-options': 'nosniff'
  })
  endpoint.reset()
  await app.inject('/data/1/image')
  t.same(endpoint.gets, ['source_data/1.png'], 'the type is read once')
})

t.test('HEAD sends no body and reads none from the store', async (t) => {
  const { app, endpoint } = await build(t, { files })
  await app.inject('/data/1/image')
  endpoint.reset()
  const response = await app.inject({ method: 'HEAD', url: '/data/1/image' })
  t.match(response, { statusCode: 200, headers: { 'content-length': String(PNG.length), 'content-type': 'image/png', 'server-timing': undefined }, body: '' })
  t.same(endpoint.gets, [])
})

t.test('a range of an image is 206, a range after its end is 416, and any other Range is ignored', async (t) => {
  const { app } = await build(t, { files })
  const size = PNG.length
  const table: [string, number, string | undefined, Buffer | undefined][] = [
    ['bytes=0-3', 206, `bytes 0-3/${size}`, PNG.subarray(0, 4)],
    ['bytes=4-', 206, `bytes 4-${size - 1}/${size}`, PNG.subarray(4)],
    ['bytes=-5', 206, `bytes ${size - 5}-${size - 1}/${size}`, PNG.subarray(-5)],
    ['bytes=0-9999', 206, `bytes 0-${size - 1}/${size}`, PNG],
    ['bytes=9999-', 416, `bytes */${size}`, undefined],
    ['bytes=0-1,4-5', 200, undefined, PNG],
    ['bytes=5-2', 200, undefined, PNG],
    ['lines=1-2', 200, undefined, PNG],
    ['bytes=x', 200, undefined, PNG]
  ]
  for (const [range, status, contentRange, body] of table) {
    const response = await app.inject({ url: '/data/1/image', headers: { range } })
    t.equal(response.statusCode, status, range)
    t.equal(response.headers['content-range'], contentRange)
    if (body !== undefined) t.same(response.rawPayload, body)
  }
})

t.test('If-None-Match with the ETag of an image is 304, and If-Range with another ETag gets the whole image', async (t) => {
  const { app, bucket } = await build(t, { files })
  const etag = `"${bucket.get('source_data/1.png')!.etag}"`
  for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const response = await app.inject({ url: '/data/1/image', headers: { 'if-none-match': tags } })
    t.match(response, { statusCode: 304, headers: { etag }, body: '' }, tags)
  }
  t.equal((await app.inject({ url: '/data/1/image', headers: { 'if-none-match': '"x"' } })).statusCode, 200)
  t.equal((await app.inject({ url: '/data/1/image', headers: { range: 'bytes=0-1', 'if-range': etag } })).statusCode, 206)
  t.equal((await app.inject({ url: '/data/1/image', headers: { range: 'bytes=0-1', 'if-range': '"x"' } })).statusCode, 200)
})

t.test('preconditions are evaluated in the order of RFC 9110', async (t) => {
  const { app, bucket } = await build(t, { files })
  const etag = `"${bucket.get('source_data/1.png')!.etag}"`
  const [before, uploaded, after] = ['Sun, 15 Jun 2025 12:15:29 GMT', 'Sun, 15 Jun 2025 12:15:30 GMT', 'Mon, 16 Jun 2025 00:00:00 GMT']
  const table: [status: number, headers: Record<string, string>][] = [
    [304, { 'if-modified-since': uploaded }],
    [304, { 'if-modified-since': after }],
    [304, { 'if-modified-since': 'Sunday, 15-Jun-25 12:15:30 GMT' }],
    [304, { 'if-modified-since': 'Sun Jun 15 12:15:30 2025' }],
    [200, { 'if-modified-since': before }],
    [200, { 'if-modified-since': 'Sun Jun 15 12:15:29 2025' }],
    [200, { 'if-modified-since': 'yesterday' }],
    [200, { 'if-modified-since': '5' }],
    [200, { 'if-modified-since': after, 'if-none-match': '"x"' }],
    [304, { 'if-modified-since': before, 'if-none-match': etag }],
    [200, { 'if-match': etag }],
    [200, { 'if-match': `"x", ${etag}` }],
    [200, { 'if-match': '*' }],
    [412, { 'if-match': '"x"' }],
    [412, { 'if-match': `W/${etag}` }],
    [304, { 'if-match': etag, 'if-none-match': etag }],
    [412, { 'if-match': '"x"', 'if-none-match': etag }],
    [200, { 'if-unmodified-since': uploaded }],
    [200, { 'if-unmodified-since': after }],
    [200, { 'if-unmodified-since': 'yesterday' }],
    [412, { 'if-unmodified-since': before }],
    [200, { 'if-unmodified-since': before, 'if-match': etag }],
    [412, { 'if-unmodified-since': after, 'if-match': '"x"' }],
    [412, { 'if-match': '"x"', range: 'bytes=0-1' }],
    [206, { 'if-match': etag, range: 'bytes=0-1' }]
  ]
  for (const [status, headers] of table) {
    const response = await app.inject({ url: '/data/1/image', headers })
    t.equal(response.statusCode, status, JSON.stringify(headers))
    if (status === 412) t.match(response, { headers: { etag } }, 'the current ETag')
    if (status === 412) t.match(response.json(), { code: 'condition_not_met' })
  }
  const detailOf = async (headers: Record<string, string>) => (await app.inject({ url: '/data/1/image', headers })).json().detail
  t.equal(await detailOf({ 'if-match': '"x"' }), `If-Match: got "x"; must contain the current ETag, ${etag}`)
  t.equal(await detailOf({ 'if-unmodified-since': before }), `If-Unmodified-Since: got ${before}; must not be before the current Last-Modified, ${uploaded}`)
})

t.test('an image that was changed since the listing is read again', async (t) => {
  const { app, bucket } = await build(t, { files })
  await app.inject('/data/1/image')
  const other = Buffer.from('\xff\xd8\xff and the rest of it', 'latin1')
  bucket.put('source_data/1.png', other)
  const response = await app.inject('/data/1/image')
  t.same(response.rawPayload, other)
  t.match(response.headers, { 'content-type': 'image/jpeg', etag: `"${bucket.get('source_data/1.png')!.etag}"` })
  bucket.delete('source_data/1.png')
  t.match((await app.inject('/data/1/image')).json(), { status: 404, code: 'image_not_found' })
})

t.test('Content-Type belongs to the version of the body', async (t) => {
  const { app, bucket } = await build(t, { files })
  await app.inject('/data')
  const other = Buffer.from('\xff\xd8\xff and the rest of it', 'latin1')
  const { etag } = bucket.put('source_data/1.png', other)
  const changed = { statusCode: 200, headers: { 'content-type': 'image/jpeg', etag: `"${etag}"`, 'content-length': String(other.length) } }
  t.match(await app.inject({ method: 'HEAD', url: '/data/1/image' }), changed, 'the type was not read before')
  t.match(await app.inject('/data/1/image'), changed)
  bucket.put('source_data/1.png', PNG)
  t.match(await app.inject('/data/1/image'), { statusCode: 200, headers: { 'content-type': 'image/png' }, rawPayload: PNG }, 'the image is again the one of the listing')
})

t.test('a record without an image and an unknown record are 404, and a file that is not an image is 415', async (t) => {
  const { app } = await build(t, { files })
  for (const id of ['2', 'unknown']) t.match((await app.inject(`/data/${id}/image`)).json(), { status: 404, code: 'image_not_found' })
  for (const id of ['3', '4']) t.match((await app.inject(`/data/${id}/image`)).json(), { status: 415, code: 'unsupported_image' })
})

t.test('Content-Type follows the content of a file, and only configured types are served', async (t) => {
  const bodies = { jpg: '\xff\xd8\xff', gif: 'GIF89a', webp: 'RIFF0000WEBP', png: '\x89PNG\r\n\x1a\n' }
  const files = Object.fromEntries(Object.entries(bodies).flatMap(([id, body]) => [[`${id}.csv`, csv()], [`${id}.png`, Buffer.from(body + '...', 'latin1')]]))
  const { app } = await build(t, { files, settings: { IMAGE_EXTENSIONS: 'png,jpg,webp' } })
  const types = { jpg: 'image/jpeg', webp: 'image/webp', png: 'image/png' }
  for (const [id, type] of Object.entries(types)) t.equal((await app.inject(`/data/${id}/image`)).headers['content-type'], type)
  t.equal((await app.inject('/data/gif/image')).statusCode, 415)
})

t.test('extensions match in upper or lower case', async (t) => {
  const files = { '1.csv': csv(), '1.png': PNG, '2.csv': csv(), '2.JPG': PNG, '3.csv': csv(), '3.gif': PNG }
  const { app } = await build(t, { files, settings: { IMAGE_EXTENSIONS: 'PNG,Jpg' } })
  t.same((await app.inject('/data')).json().map((record: any) => record.img_path), ['source_data/1.png', 'source_data/2.JPG', null])
  t.equal((await app.inject('/data/1/image')).statusCode, 200)
})

t.test('if the bucket fails, the response is a 503 that discloses nothing about the store', async (t) => {
  const { app, endpoint } = await build(t, { files })
  await app.inject('/data')
  await endpoint.stop()
  const response = await app.inject('/data/1/image')
  t.match(response.json(), { status: 503, code: 'unreachable' })
  t.notMatch(response.body, endpoint.url)
  await endpoint.start()
})

t.test('if the store fails in the middle of an image, the connection is broken', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv(), '1.png': Buffer.concat([PNG, Buffer.alloc(3_000_000)]) } })
  await app.inject({ method: 'HEAD', url: '/data/1/image' })
  const address = await app.listen({ port: 0 })
  endpoint.intercept = ({ operation }) => operation === 'GET' ? 'cut body' : undefined
  const response = await fetch(`${address}/data/1/image`)
  t.equal(response.status, 200)
  await t.rejects(response.arrayBuffer())
})

t.test('a page of a proxy is not passed on as an image', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv(), '1.png': Buffer.concat([PNG, Buffer.alloc(3_000_000)]) } })
  await app.inject({ method: 'HEAD', url: '/data/1/image' })
  for (const fault of [HTML_PAGE, NO_CONTENT]) {
    endpoint.intercept = script({ on: 'GET', fault }, { on: 'HEAD', fault })
    for (const headers of [{}, { range: 'bytes=5-9' }]) t.match((await app.inject({ url: '/data/1/image', headers })).json(), { status: 503, code: 'corrupt' })
  }
})

t.test('a store that fails before the first byte or in the middle of images is logged when that begins and when it has ended, for each cause, without a stack', async (t) => {
  const log: LogLine[] = []
  const { app, endpoint, clock } = await build(t, { files: { '1.csv': csv(), '1.png': Buffer.concat([PNG, Buffer.alloc(3_000_000)]) }, log })
  const address = await app.listen({ port: 0 })
  await app.jobs.idle()
  await app.inject({ method: 'HEAD', url: '/data/1/image' })
  const failures = () => log.filter(({ msg }) => /^The lake (failed in the middle|could not be read)/.test(msg))
  const read = async (fault: Fault) => {
    endpoint.intercept = script({ key: /png$/, fault })
    const count = failures().length
    const outcome = await fetch(`${address}/data/1/image`).then((response) => response.arrayBuffer()).catch((error: Error) => error.name)
    await until(() => failures().length > count)
    return outcome
  }
  await read({ cutAt: 1 })
  t.equal(await read('cut body'), 'TypeError')
  for (let i = 0; i < 10; i++) await read({ status: 500 })
  await read('cut body')
  const warnings = () => failures().filter(({ level }) => level > 20)
  t.match(warnings(), [{ level: 40, code: 'unreachable', cause: String }, { level: 40, code: 'store_error', cause: /HTTP 500/ }])
  endpoint.intercept = undefined
  const succeed = async () => t.equal((await app.inject('/data/1/image')).statusCode, 200)
  const ends = () => log.filter(({ msg }) => /^Requests no longer fail/.test(msg))
  clock.advance(59_000)
  await succeed()
  t.same(ends(), [], 'a success between failures is not their end')
  await read({ status: 500 })
  endpoint.intercept = undefined
  clock.advance(1000)
  await succeed()
  t.match(ends(), [{ level: 30, code: 'unreachable', failures: 3 }])
  clock.advance(59_000)
  await succeed()
  t.match(ends()[1], { code: 'store_error', failures: 11 })
  await read({ status: 500 })
  t.equal(warnings().length, 3, 'after the end, the next failure is a new one')
  t.notMatch(JSON.stringify(log), /node_modules/)
})

t.test('if the store has no ETags, an image has no validator, and its changes are detected', async (t) => {
  const { app, bucket } = await build(t, {
    files: { '1.csv': csv(), '1.png': PNG },
    store: (bucket) => mapInfo(new MemoryStore(bucket), (info) => ({ ...info, etag: '' }))
  })
  const first = await app.inject('/data/1/image')
  t.match(first, { statusCode: 200, headers: { 'content-type': 'image/png' } })
  t.equal(first.headers['etag'], undefined)
  bucket.put('source_data/1.png', Buffer.from('GIF89a, and longer than before', 'latin1'))
  const second = await app.inject({ url: '/data/1/image', headers: { 'if-none-match': '""' } })
  t.match(second, { statusCode: 200, headers: { 'content-type': 'image/gif' }, body: 'GIF89a, and longer than before' })
  t.match(await app.inject({ url: '/data/1/image', headers: { 'if-match': '*' } }), { statusCode: 200 })
  const unmet = await app.inject({ url: '/data/1/image', headers: { 'if-match': '"x"' } })
  t.match(unmet, { statusCode: 412, headers: { etag: undefined } })
  t.equal(unmet.json().detail, 'If-Match: got "x"; must be *, because the current response has no ETag')
})

t.test('an image without a record is not served', async (t) => {
  const { app } = await build(t, { files: { '1.csv': 'bad', '1.png': PNG } })
  t.equal((await app.inject('/data/1')).statusCode, 404)
  t.equal((await app.inject('/data/1/image')).statusCode, 404)
})
