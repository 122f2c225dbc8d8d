import { connect, type AddressInfo } from 'node:net'
import type { FastifyInstance, InjectOptions } from 'fastify'
import t from 'tap'
import { isAllowedHosts, parseAllowedHosts } from '../../plugins/request-checks/host.js'
import { build, csv, PNG } from '../support/app.js'
import { until } from '../support/until.js'

/** Sends a text over a connection of its own and returns the response. */
async function send (app: FastifyInstance, text: string): Promise<{ readonly status: number, readonly head: string, readonly problem: any }> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  // The client does not end its side: Node drops responses that are not ready then.
  socket.write(text, 'latin1')
  let response = ''
  socket.on('data', (data) => { response += data })
  const isWhole = () => {
    const [head, body] = response.split('\r\n\r\n')
    return body !== undefined && body.length >= Number(/^content-length: (\d+)/im.exec(head!)?.[1] ?? Infinity)
  }
  await until(() => isWhole() || socket.closed)
  socket.destroy()
  const [head, body] = response.split('\r\n\r\n') as [string, string]
  return { status: Number(head.split(' ')[1]), head, problem: JSON.parse(body) }
}

t.test('a Host that is missing, empty, repeated or malformed is 400', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() }, settings: { ALLOWED_HOSTS: '*' } })
  await app.listen({ port: 0 })
  const hosts = ['', 'Host:\r\n', 'Host: a\r\nHost: b\r\n', 'Host: a\r\nhost: a\r\n', 'Host: a b/../@#\r\n', 'Host: user@a\r\n', 'Host: a:b\r\n', 'Host: [::1\r\n', 'Host: http://a\r\n']
  for (const host of hosts) {
    for (const path of ['/data', '/livez']) t.match(await send(app, `GET ${path} HTTP/1.1\r\n${host}\r\n`), { status: 400, problem: { code: 'bad_request', detail: /Host/ } }, host)
  }
  for (const host of ['a', 'A.example:8080', '127.0.0.1:80', '[::1]', '[2001:db8::1]:8080', 'my_host:']) {
    t.equal((await send(app, `GET /data HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status, 200, host)
  }
  t.equal((await send(app, 'GET /data HTTP/1.0\r\n\r\n')).status, 200, 'HTTP/1.0 does not require a Host')
})

t.test('while the server listens on loopback only, requests for other names are 421', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const get = async (url: string, host: string) => await app.inject({ url, headers: { host } })
  for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1:1', '[::1]:8080']) t.equal((await get('/data', host)).statusCode, 200, host)
  for (const host of ['evil.example', 'evil.example:8080', 'localhost.evil.example', '10.0.0.1']) {
    t.match((await get('/data', host)).json(), { status: 421, code: 'misdirected_request', detail: new RegExp(`"${host}".*ALLOWED_HOSTS`) })
    t.equal((await get('/nowhere', host)).statusCode, 421)
    for (const probe of ['/livez', '/readyz', '/startupz']) t.equal((await get(probe, host)).statusCode, 200, 'probes use the address as Host')
  }
})

t.test('ALLOWED_HOSTS lists the host names that are served', async (t) => {
  const has = (setting: string, listensOn: string, name: string) => parseAllowedHosts(setting, listensOn)?.has(name) ?? 'any'
  for (const listensOn of ['127.0.0.1', '::1', 'localhost', '127.0.0.2']) t.equal(has('', listensOn, 'evil.example'), false, listensOn)
  for (const listensOn of ['0.0.0.0', '::', '10.0.0.1', 'api.example']) t.equal(has('', listensOn, 'evil.example'), 'any', listensOn)
  t.equal(has('', '127.0.0.2', '127.0.0.2'), true)
  t.equal(has('*', '127.0.0.1', 'evil.example'), 'any')
  t.equal(has('API.example,[::1]', '0.0.0.0', 'api.example'), true)
  t.equal(has('api.example', '127.0.0.1', 'localhost'), false)
  for (const setting of ['', '*', 'localhost,127.0.0.1,[::1],userlake']) t.ok(isAllowedHosts(setting), setting)
  for (const setting of ['a,', 'a b', 'a:8080', '*.example', '::1', 'http://a']) t.notOk(isAllowedHosts(setting), setting)
})

t.test('a POST from a page of another origin is 403, a POST from any other client is accepted', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const post = async (headers: Record<string, string>) => await app.inject({ method: 'POST', url: '/data?dry_run=true', headers: { host: 'localhost:8080', ...headers } })
  const foreign = [
    { origin: 'http://evil.example' }, { origin: 'null' }, { origin: 'http://localhost:9090' }, { origin: 'http://localhost' },
    { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:8080' }
  ]
  for (const headers of foreign) t.match((await post(headers)).json(), { status: 403, code: 'forbidden' }, JSON.stringify(headers))
  const own = [{}, { origin: 'http://localhost:8080' }, { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:8080' }, { 'sec-fetch-site': 'none' }, { host: 'localhost:443', origin: 'https://localhost' }]
  for (const headers of own) t.match((await post(headers as Record<string, string>)).json(), { state: 'succeeded' }, JSON.stringify(headers))
  t.equal((await app.inject({ url: '/data', headers: { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' } })).statusCode, 200, 'GET is not checked')
})

t.test('a method that a route does not support is 405 with the supported ones', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv(), '1.png': PNG } })
  await app.listen({ port: 0 })
  const routes = { '/data': 'GET, HEAD, POST', '/data/1': 'GET, HEAD', '/data/1/image': 'GET, HEAD', '/stats?x': 'GET, HEAD', '/jobs/1': 'GET, HEAD', '/livez': 'GET, HEAD', '/openapi.json': 'GET, HEAD', '/docs/static/index.css': 'GET, HEAD' }
  for (const [url, allow] of Object.entries(routes)) {
    for (const method of ['DELETE', 'PATCH', 'PUT', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const { status, head, problem } = await send(app, `${method} ${url} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      t.match({ status, problem }, { status: 405, problem: { code: 'method_not_allowed', detail: allow } }, `${method} ${url}`)
      t.match(head, new RegExp(`^allow: ${allow}\r?$`, 'm'))
    }
  }
  t.equal((await send(app, 'DELETE /data HTTP/1.1\r\nHost: localhost\r\nContent-Type: a/b\r\nContent-Length: 1\r\n\r\n1')).status, 405, 'regardless of its body')
  t.match(await send(app, 'CONNECT other.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n'), { status: 405, problem: { code: 'method_not_allowed' } })
  for (const method of ['GET', 'DELETE', 'OPTIONS']) t.equal((await send(app, `${method} /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n`)).status, 404)
})

t.test('a URL with a fragment or with raw bytes is a 400 that explains how to encode it', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  await app.listen({ port: 0 })
  const get = async (url: string) => (await send(app, `GET ${url} HTTP/1.1\r\nHost: localhost\r\n\r\n`)).problem
  t.match(await get('/livez#x'), { status: 400, code: 'bad_request', detail: /fragment.*%23/ })
  for (const url of ['/data?first_name=J\xc3\xbcrgen', '/data/\xfc', '/data?first_name=J\x01']) {
    t.match(await get(url), { status: 400, code: 'bad_request', detail: /percent-encoded as UTF-8: ü is %C3%BC.*--data-urlencode "where=/ }, JSON.stringify(url))
  }
})

t.test('messages contain at most 200 characters of a URL', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const long = 'x'.repeat(3000)
  for (const [url, code] of [[`/data/${long}`, 'uri_too_long'], [`/${long}`, 'not_found'], [`/data/${long}%zz`, 'bad_request']] as const) {
    const response = await app.inject(url)
    t.match(response.json(), { code })
    t.ok(response.body.length < 500, url.slice(0, 20))
  }
})

t.test('every response has the security headers', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv(), '1.png': PNG } })
  await app.inject('/data')
  const requests: InjectOptions[] = [
    ...['/data', '/data?format=csv', '/data?x', '/data/1', '/data/2', '/data/1/image', '/stats', '/jobs', '/rejects', '/livez', '/readyz', '/openapi.json', '/docs/', '/docs/static/index.css', '/nowhere', '/data/%zz'].map((url) => ({ url })),
    { method: 'POST', url: '/data?dry_run=true' }, { method: 'DELETE', url: '/data' }, { url: '/data', headers: { host: 'evil.example' } }
  ]
  const headers = { 'cross-origin-resource-policy': 'same-origin', 'x-content-type-options': 'nosniff' }
  for (const request of requests) t.match((await app.inject(request)).headers, headers, JSON.stringify(request))
  await app.listen({ port: 0 })
  for (const request of ['garbage\r\n\r\n', 'GET /livez HTTP/1.1\r\nHost: localhost\r\nExpect: magic\r\n\r\n']) {
    for (const [name, value] of Object.entries(headers)) t.match((await send(app, request)).head.toLowerCase(), `${name}: ${value}`)
  }
})
