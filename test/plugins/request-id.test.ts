import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import t from 'tap'
import { build, csv } from '../support/app.js'

t.test('every response has a Request-Id of its own, and a problem repeats it', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const ids = new Set<string>()
  for (const url of ['/data', '/data/1', '/data/unknown', '/data/%zz', '/stats', '/stats?x=1', '/livez', '/nowhere', '/docs']) {
    const { headers, body, statusCode } = await app.inject({ url })
    const id = String(headers['request-id'])
    ids.add(id)
    t.match(id, /^[\w-]{8}-[0-9a-z]+$/, url)
    if (statusCode >= 400) t.equal(JSON.parse(body).request_id, id, url)
  }
  t.equal(ids.size, 9)
  const { headers: { etag } } = await app.inject('/data')
  const notModified = await app.inject({ url: '/data', headers: { 'if-none-match': etag } })
  t.equal(notModified.statusCode, 304)
  t.match(notModified.headers['request-id'], /./)
})

t.test('the Request-Id of a request is repeated, unless it is unsafe', async (t) => {
  const { app } = await build(t)
  const idFor = async (headers: Record<string, string>) => (await app.inject({ url: '/livez', headers })).headers['request-id']
  t.equal(await idFor({ 'request-id': 'abc-1' }), 'abc-1')
  t.equal(await idFor({ 'x-request-id': '5f0c1d/2=' }), '5f0c1d/2=')
  for (const id of ['', 'a b', '"a"', 'é', 'x'.repeat(129)]) t.not(await idFor({ 'x-request-id': id }), id)
})

t.test('malformed HTTP and unknown expectations also get a Request-Id', async (t) => {
  const { app } = await build(t)
  await app.listen({ port: 0 })
  for (const text of ['hello\r\n\r\n', 'GET /data HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nConnection: close\r\n\r\n']) {
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1').end(text)
    let response = ''
    socket.on('data', (data) => { response += data })
    await once(socket, 'close')
    const [head, body] = response.split('\r\n\r\n') as [string, string]
    t.equal(JSON.parse(body).request_id, /request-id: (.*)/i.exec(head)?.[1])
    t.match(JSON.parse(body).request_id, /^[\w-]{8}-/)
  }
})
