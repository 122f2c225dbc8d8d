import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { build, csv, PNG, type LogLine } from '../support/app.js'
import { wrapEngine } from '../support/engines.js'

const SHAPE = { type: /^urn:userlake:problem:/, title: String, status: Number, detail: String, code: String }

t.test('errors of Fastify have the same shape as all others', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const table: [object, number, string][] = [
    [{ url: '/nowhere' }, 404, 'not_found'],
    [{ method: 'DELETE', url: '/data' }, 405, 'method_not_allowed'],
    [{ url: '/data/%zz' }, 400, 'bad_request'],
    [{ url: '/data/' + 'x'.repeat(721) }, 414, 'uri_too_long'],
    [{ method: 'POST', url: '/data', headers: { 'content-type': 'application/json' }, payload: '{}' }, 400, 'unexpected_body'],
    [{ method: 'POST', url: '/data', payload: 'dry_run=true' }, 400, 'unexpected_body'],
    [{ method: 'POST', url: '/data', headers: { 'content-type': 'application/json' }, payload: JSON.stringify('x'.repeat(20_000)) }, 400, 'unexpected_body'],
    [{ method: 'POST', url: '/events/s3', headers: { 'content-type': 'application/json' }, payload: JSON.stringify('x'.repeat(2 ** 20)) }, 413, 'payload_too_large'],
    [{ method: 'POST', url: '/events/s3', payload: '{}' }, 415, 'unsupported_media_type']
  ]
  for (const [request, status, code] of table) {
    const response = await app.inject(request)
    t.match(response.json(), { ...SHAPE, status, code }, JSON.stringify(request).slice(0, 60))
    t.equal(response.statusCode, status)
    t.equal(response.headers['content-type'], 'application/problem+json')
  }
})

t.test('a problem names what is wrong with the URL, the method, a parameter or the body, and what to use instead', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv(), 'a b.csv': csv(), 'a b.png': PNG } })
  const details: [object, string][] = [
    [{ url: '/data/%ff' }, 'The path of the URL must be percent-encoded UTF-8'],
    [{ url: '/data/' + 'x'.repeat(721) }, 'A path parameter is longer than 720 characters'],
    [{ url: '/data/1000?min_age=1' }, 'min_age: unknown parameter; min_age is a parameter of GET /data'],
    [{ url: '/jobs?=1' }, '"": unknown parameter; this URL accepts no parameters'],
    [{ url: '/rejects?=1' }, '"": unknown parameter; this URL accepts user_id, code, limit, cursor, bom, delimiter, escape_formulas, format'],
    [{ url: '/data?first_name=' }, 'first_name: got ""; must be non-empty text; use where=!first_name for no value, where=first_name= for empty text'],
    [{ method: 'DELETE', url: '/data' }, 'DELETE is not allowed for this URL; allowed: GET, HEAD, POST'],
    [{ method: 'POST', url: '/data', payload: 'x' }, 'POST /data must not have a body; its parameters are in the URL'],
    [{ url: '/dta?limit=1' }, 'There is no route GET /dta; did you mean /data? GET /docs shows the routes'],
    [{ url: '/Data/' }, 'There is no route GET /Data/; did you mean /data? GET /docs shows the routes'],
    [{ url: '/data/nord/ST-0010' }, 'There is no route GET /data/nord/ST-0010; the path of a record is /data/<id>, without the folder of its file, and that of an image is /data/<id>/attachments/<field>; GET /docs shows the routes'],
    [{ url: '/data/1000/photos' }, 'There is no route GET /data/1000/photos; did you mean /data/1000/image? GET /docs shows the routes'],
    [{ url: '/data/1007/attachment/img_path' }, 'There is no route GET /data/1007/attachment/img_path; did you mean /data/1007/attachments/img_path? GET /docs shows the routes'],
    [{ url: '/data/1001/img' }, 'There is no route GET /data/1001/img; did you mean /data/1001/image? GET /docs shows the routes'],
    [{ url: '/source_data/1001.png' }, 'There is no route GET /source_data/1001.png; did you mean /data/1001/image? GET /docs shows the routes'],
    [{ url: '/images/a.b.JPG' }, 'There is no route GET /images/a.b.JPG; did you mean /data/a.b/image? GET /docs shows the routes'],
    [{ url: '/data/1001/image.png' }, 'There is no route GET /data/1001/image.png; did you mean /data/1001/image? GET /docs shows the routes'],
    [{ url: '/data/1001/changes' }, 'There is no route GET /data/1001/changes; the path of a record is /data/<id>, without the folder of its file, and that of an image is /data/<id>/attachments/<field>; GET /docs shows the routes'],
    [{ url: '/data/' }, 'There is no route GET /data/; did you mean /data? GET /docs shows the routes'],
    [{ url: '/jobs/' }, 'There is no route GET /jobs/; did you mean /jobs? GET /docs shows the routes'],
    [{ url: '/data/1/attachments/' }, 'There is no route GET /data/1/attachments/; the path of an attachment is /data/<id>/attachments/<field>; GET /docs shows the routes'],
    [{ url: '/data?min_agee=1&limitt=2' }, 'min_agee: unknown parameter; did you mean min_age? limitt: unknown parameter; did you mean limit?'],
    [{ url: '/rejects.csv?format=json' }, 'format: unknown parameter; /rejects.csv is always CSV; GET /rejects has format'],
    [{ url: '/data.csv?format=json' }, 'format: unknown parameter; /data.csv is always CSV; GET /data has format'],
    [{ url: '/data.ndjson?format=json' }, 'format: unknown parameter; /data.ndjson is always NDJSON; GET /data has format'],
    [{ url: '/stats?format=csv' }, 'format: unknown parameter; the response is always JSON; docs/clients.md has a recipe for its groups as a table'],
    ...['/schema', '/jobs', '/jobs/1', '/data/1', '/version'].map((url): [object, string] => [{ url: `${url}?format=csv` }, 'format: unknown parameter; the response is always JSON']),
    [{ url: '/metrics?format=csv' }, 'format: unknown parameter; this URL accepts no parameters'],
    [{ url: '/data?cursor=' }, 'cursor: got ""; must be the Next-Cursor of an earlier response'],
    [{ url: '/stats?group_by=' }, 'group_by: got ""; must be the name of a column'],
    [{ url: '/data?q=' }, 'q: got ""; must be 1 to 16 words, separated by spaces'],
    [{ url: '/stats?columns=*' }, 'columns: * is not accepted here; name columns of numbers, dates or datetimes: birthts, age'],
    [{ url: '/stats?group_by=*' }, 'group_by: * is not accepted here; name one column'],
    [{ url: '/data?sort=*' }, 'sort: * is not accepted here; name the columns to sort by'],
    [{ url: '/data?sort=user_id,last_name,DESC' }, 'sort: unknown column DESC; use -last_name in place of last_name,DESC'],
    [{ url: '/data?sort=-last_name,asc' }, 'sort: unknown column asc; use last_name in place of -last_name,asc'],
    [{ url: '/data/1000/attachments' }, 'There is no route GET /data/1000/attachments; the path of an attachment is /data/<id>/attachments/<field>; GET /docs shows the routes'],
    [{ url: '/data/' + 'x/'.repeat(200) + 'y'.repeat(300) }, `There is no route GET /data/${'x/'.repeat(97)}...; the path of a record is /data/<id>, without the folder of its file; GET /docs shows the routes`],
    [{ url: '/users' }, 'There is no route GET /users; did you mean /data? GET /docs shows the routes'],
    [{ url: '/Users/1000/' }, 'There is no route GET /Users/1000/; did you mean /data/1000? GET /docs shows the routes'],
    [{ url: '/api/v1/users?limit=1' }, 'There is no route GET /api/v1/users; did you mean /data? GET /docs shows the routes'],
    [{ url: '/api/stats' }, 'There is no route GET /api/stats; did you mean /stats? GET /docs shows the routes'],
    [{ url: '/healthz' }, 'There is no route GET /healthz; did you mean /readyz? GET /docs shows the routes'],
    [{ url: '/api' }, 'There is no route GET /api; did you mean /docs? GET /docs shows the routes'],
    [{ url: '/data/1.json' }, 'There is no record "1.json"; did you mean /data/1?'],
    [{ url: '/data/1.csv.gz' }, 'There is no record "1.csv.gz"; did you mean /data/1?'],
    [{ url: '/data/1.png' }, 'There is no record "1.png"; did you mean /data/1?'],
    [{ url: '/data/1000.json' }, 'There is no record "1000.json"'],
    [{ url: '/data/1000.png' }, 'There is no record "1000.png"'],
    [{ url: '/data/001' }, 'There is no record "001"; did you mean /data/1?'],
    [{ url: '/data/2' }, 'There is no record "2"'],
    [{ url: '/data/count' }, 'There is no record "count"; did you mean /stats?'],
    [{ url: '/data/schema' }, 'There is no record "schema"; did you mean /schema?'],
    [{ url: '/data/a%20b.PNG' }, 'There is no record "a b.PNG"; did you mean /data/a%20b/image?'],
    [{ url: '/nowhere' }, 'There is no route GET /nowhere; GET /docs shows the routes'],
    [{ url: '/data.json?limit=1' }, 'There is no route GET /data.json; GET /data returns JSON; GET /docs shows the routes'],
    [{ url: '/changes.json' }, 'There is no route GET /changes.json; GET /changes returns JSON; GET /docs shows the routes'],
    [{ url: '/stats.csv' }, 'There is no route GET /stats.csv; GET /stats returns JSON, and docs/clients.md has a recipe for its groups as a table; GET /docs shows the routes'],
    [{ url: '/data.parquet' }, 'There is no route GET /data.parquet; userlake export --format parquet writes Parquet, and OUTPUT_FORMATS=csv,parquet publishes it; GET /docs shows the routes'],
    [{ url: '/jobs/1' }, 'This process has no job "1"; GET /jobs lists its last 100']
  ]
  for (const [request, detail] of details) t.equal((await app.inject(request)).json().detail, detail)
})

t.test('in a lake whose schema has no image field, no hint leads to an image', async (t) => {
  const { app } = await build(t, { files: { '1.csv': 'name\nAnn\n' }, schema: { fields: [{ name: 'id', type: 'string', source: 'key' }, { name: 'name', type: 'string' }] } })
  const details: [string, string][] = [
    ...['/data/1/image', '/data/1/photos', '/data/1/attachments/front'].map((url): [string, string] => [url, `There is no route GET ${url}; the schema has no image field; GET /docs shows the routes`]),
    ['/data/1.png', 'There is no record "1.png"; did you mean /data/1?'],
    ['/data/1/changes', 'There is no route GET /data/1/changes; the path of a record is /data/<id>, without the folder of its file; GET /docs shows the routes'],
    ['/data?columns=image_exists', 'columns: unknown column image_exists; the schema has no image field'],
    ['/stats?where=image_exists', 'where: got "image_exists"; unknown column image_exists; the schema has no image field']
  ]
  for (const [url, detail] of details) t.equal((await app.inject(url)).json().detail, detail)
})

t.test('a request that fails because the lake cannot be read is a warning with its cause, without a stack', async (t) => {
  const log: LogLine[] = []
  const { app, endpoint } = await build(t, { files: { '1.csv': csv(), '1.png': 'x' }, log })
  await app.inject('/data')
  endpoint.intercept = ({ operation }) => operation === 'GET' ? { status: 403 } : undefined
  t.equal((await app.inject('/data/1/image')).statusCode, 503)
  t.match(log.filter(({ level }) => level >= 40).filter(({ request_id: id }) => id), [{ level: 40, code: 'access_denied', cause: String, err: undefined }])
})

t.test('the response to an unexpected error does not contain its message', async (t) => {
  const openVersion = wrapEngine(() => ({ select: async () => { throw new Error('secret') } }))
  const { app } = await build(t, { files: { '1.csv': csv() }, openVersion })
  const response = await app.inject('/data')
  t.match(response.json(), { ...SHAPE, status: 500, code: 'internal_error' })
  t.notMatch(response.body, 'secret')
})

t.test('malformed HTTP is a problem with status 400, and headers that are too large are one with 431', async (t) => {
  const { app } = await build(t)
  await app.listen({ port: 0 })
  const send = async (text: string) => {
    const socket = connect((app.server.address() as { port: number }).port, '127.0.0.1')
    socket.write(text)
    let response = ''
    socket.on('data', (data) => { response += data })
    await once(socket, 'close')
    const [head, body] = response.split('\r\n\r\n') as [string, string]
    return { status: Number(head.split(' ')[1]), type: /content-type: (.*)/i.exec(head)?.[1], body: JSON.parse(body) }
  }
  t.match(await send('hello\r\n\r\n'), { status: 400, type: 'application/problem+json', body: { ...SHAPE, status: 400, code: 'bad_request' } })
  t.match(await send('GET /data HTTP/1.1\r\nConnection: close\r\n\r\n'), { status: 400, type: 'application/problem+json', body: { ...SHAPE, status: 400, code: 'bad_request', detail: /Host/ } })
  t.match(await send(`GET /data?${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`), { status: 431, type: 'application/problem+json', body: { ...SHAPE, status: 431 } })
})
