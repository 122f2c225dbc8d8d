import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { bearer, entryOf, keyOf } from '../support/api-keys.js'
import { build, csv, type LogLine } from '../support/app.js'
import { gate, until } from '../support/until.js'

async function start (t: Test, settings: Record<string, string> = {}) {
  const log: LogLine[] = []
  const { app, endpoint } = await build(t, { files: { '1.csv': csv() }, settings, log })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const send = async (text: string) => {
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1').end(text)
    let response = ''
    socket.on('data', (data) => { response += data })
    await once(socket, 'close')
    return response
  }
  /** Waits until the log has `count` lines with the id of a request. Returns these lines. */
  const requestLines = async (count: number): Promise<LogLine[]> => {
    const requests = () => log.filter(({ request_id: id }) => id !== undefined)
    await until(() => requests().length >= count)
    return requests()
  }
  return { app, endpoint, url, log, send, requestLines }
}

t.test('the line of a request names its client', async (t) => {
  const { url, requestLines } = await start(t, { API_KEYS: entryOf('read', 'write') })
  await (await fetch(`${url}/data`, { headers: bearer(keyOf('read', 'write')) })).text()
  await (await fetch(`${url}/data`)).text()
  await (await fetch(`${url}/livez`, { headers: bearer(keyOf('read', 'write')) })).text()
  // Three requests, and the audit line of the second.
  const lines = (await requestLines(4)).filter(({ msg }) => msg === 'Request')
  t.same(lines.map(({ path, status, client }) => [path, status, client]), [['/data', 200, 'read.write'], ['/data', 401, undefined], ['/livez', 200, undefined]])
})

t.test('the lines of a request and of its job have the trace id of a valid traceparent', async (t) => {
  const { url, log, requestLines } = await start(t, { AGGREGATE_INTERVAL: '1h' })
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const response = await fetch(`${url}/data?dry_run=true`, { method: 'POST', headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } })
  await response.text()
  t.match(response.headers.get('server-timing'), /^list;dur=[\d.]+, download;dur=[\d.]+, build;dur=[\d.]+, publish;dur=[\d.]+$/)
  await (await fetch(`${url}/livez`, { headers: { traceparent: 'nonsense' } })).text()
  t.same((await requestLines(2)).map((line) => line['trace_id']), [traceId, undefined])
  t.equal(log.find(({ job, dry_run: dryRun }) => job !== undefined && dryRun)!['trace_id'], traceId)
})

t.test('each request is one line with its method, path, status, duration and bytes sent', async (t) => {
  const { url, send, requestLines } = await start(t)
  const response = await fetch(`${url}/data?first_name=Ann`)
  await response.text()
  await fetch(`${url}/nowhere`)
  const broken = await send('GET /data/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const unexpected = await send('GET /data HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nConnection: close\r\n\r\n')
  const malformed = await send('hello\r\n\r\n')
  const requests = await requestLines(5)
  t.equal(requests.length, 5)
  t.match(requests, [
    { level: 30, request_id: response.headers.get('request-id'), method: 'GET', path: '/data', status: 200, msg: 'Request' },
    { method: 'GET', path: '/nowhere', status: 404 },
    { method: 'GET', path: '/data/%zz', status: 400, bytes: Buffer.byteLength(broken) },
    { method: 'GET', path: '/data', status: 417, bytes: Buffer.byteLength(unexpected) },
    { status: 400, error: 'HPE_INVALID_METHOD', msg: 'Malformed request' }
  ])
  t.ok(requests[0]!['ms'] > 0 && requests[0]!['ms'] < 60_000)
  t.notMatch(JSON.stringify(requests), 'Ann', 'the query is not logged')
  for (const [text, line] of [[broken, requests[2]], [unexpected, requests[3]], [malformed, requests[4]]] as const) {
    t.match(text.toLowerCase(), `request-id: ${line!['request_id'].toLowerCase()}\r\n`)
  }
})

t.test('each request of a connection is logged with its own bytes', async (t) => {
  const { send, requestLines } = await start(t)
  const get = 'GET /livez HTTP/1.1\r\nHost: x\r\n'
  const responses = await send(`${get}\r\n${get}Connection: close\r\n\r\n`)
  const requests = await requestLines(2)
  t.equal(requests[0]!['bytes'] + requests[1]!['bytes'], Buffer.byteLength(responses))
})

t.test('a probe that succeeds, and a scrape of metrics, are logged with the level debug; a probe that fails with the level info, unless the one before it failed with the same status', async (t) => {
  const { app, url, requestLines } = await start(t)
  await app.inject('/data')
  const paths = ['/livez', '/readyz?x=1', '/readyz?x=1', '/readyz', '/readyz?x=1', '/startupz', '/metrics', '/version']
  for (const path of paths) await (await fetch(`${url}${path}`)).text()
  const lines = (await requestLines(paths.length + 1)).slice(1)
  t.same(lines.map(({ path, status, level }) => [path, status, level]), [
    ['/livez', 200, 20], ['/readyz', 400, 30], ['/readyz', 400, 20], ['/readyz', 200, 20], ['/readyz', 400, 30], ['/startupz', 200, 20], ['/metrics', 200, 20], ['/version', 200, 30]
  ])
})

t.test('a request whose client disconnects is logged as aborted', async (t) => {
  const { app, endpoint, url, requestLines } = await start(t, { REFRESH_WAIT: '1h' })
  const { opened, open } = gate()
  endpoint.intercept = () => opened
  const request = httpRequest(`${url}/data`).on('error', () => {}).end()
  await once(app.server, 'request')
  request.destroy()
  t.match(await requestLines(1), [{ method: 'GET', path: '/data', status: undefined, aborted: true, bytes: 0, msg: 'Request aborted by the client' }])
  open()
})

t.test('LOG_REQUESTS=false logs no requests', async (t) => {
  const { app, url, send, log } = await start(t, { LOG_REQUESTS: 'false' })
  await (await fetch(`${url}/data`)).text()
  await send('GET /data/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  await send('hello\r\n\r\n')
  await app.close()
  t.same(log.filter(({ request_id: id }) => id !== undefined), [])
})
