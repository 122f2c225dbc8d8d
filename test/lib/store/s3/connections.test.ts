import { spawn } from 'node:child_process'
import dns from 'node:dns'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { Agent, createServer as createHttpServer, get, type IncomingMessage } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { Pool } from 'undici'
import { limitAge, MAX_CONNECTION_AGE_MS } from '../../../../lib/store/s3/connection-age.js'
import { BufferedHttp } from '../../../../lib/store/s3/fast-path/buffered-http.js'
import { S3Store } from '../../../../lib/store/s3/s3-store.js'
import { script } from '../../../support/faults.js'
import { startS3Endpoint } from '../../../support/s3-endpoint.js'
import { setUpS3 } from '../../../support/s3-setup.js'
import { listAll } from '../../../support/store-contract.js'
import { TEST_CERTIFICATE } from '../../../support/test-certificate.js'
import { until } from '../../../support/until.js'

/** All operations that read, and a write. */
const operations = (store: S3Store): (() => Promise<unknown>)[] => [
  () => store.get('key'),
  () => store.head('key'),
  () => store.stream('key').then((stream) => stream!.body.resume()),
  () => listAll(store, ''),
  () => store.put('other', Buffer.from('x'))
]

/** Opens a store whose endpoint has this URL. */
function openStore (t: Test, endpoint: string): S3Store {
  const store = new S3Store({ bucket: 'lake', endpoint })
  t.teardown(() => store.close())
  return store
}

t.test('if a certificate is not trusted or the server has no TLS, nothing is sent, and the message names what to set', async (t) => {
  const { endpoint } = await setUpS3(t)
  let requests = 0
  const server = createServer(TEST_CERTIFICATE, (_request, response) => {
    requests++
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const untrusted = openStore(t, `https://127.0.0.1:${(server.address() as AddressInfo).port}`)
  for (const operation of operations(untrusted)) await t.rejects(operation(), { code: 'unreachable', message: /its certificate is not trusted: set NODE_EXTRA_CA_CERTS/ })
  t.equal(requests, 0)
  const plain = openStore(t, endpoint.url.replace('http:', 'https:'))
  for (const operation of operations(plain)) await t.rejects(operation(), { code: 'unreachable', message: /it does not expect TLS: check https in AWS_ENDPOINT_URL_S3/ })
})

t.test('the name of the server is looked up again after a failure: the server may move, or its name be unknown for a time', async (t) => {
  const endpoint = await startS3Endpoint()
  t.teardown(() => endpoint.stop())
  endpoint.bucket('lake').put('key', 'content')
  let address: string | undefined
  const { lookup } = dns
  t.intercept(dns, 'lookup', {
    value: (host: string, options: dns.LookupOptions, callback: (...result: unknown[]) => void) => {
      if (host !== 'store.test') lookup(host, options, callback)
      else if (address === undefined) callback(Object.assign(new Error('lookup failed'), { code: 'EAI_AGAIN', hostname: host }))
      else if (options.all === true) callback(null, [{ address, family: 4 }])
      else callback(null, address, 4)
    }
  })
  const store = openStore(t, `http://store.test:${endpoint.port}`)
  for (const operation of operations(store)) await t.rejects(operation(), { code: 'unreachable', message: /EAI_AGAIN/ })
  const sockets = new Set<Socket>()
  const former = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    socket.pipe(connect(endpoint.port, '127.0.0.1').on('error', () => {})).pipe(socket)
  })
  await once(former.listen(endpoint.port, '127.0.0.2'), 'listening')
  address = '127.0.0.2'
  for (const operation of operations(store)) await operation()
  t.ok(sockets.size > 0)
  former.close()
  for (const socket of sockets) socket.destroy()
  address = '127.0.0.1'
  for (const operation of operations(store)) await operation()
})

/** A server that counts its connections. */
async function startCounting (t: Test): Promise<{ url: string, opened: number, open: Set<Socket> }> {
  const counts = { url: '', opened: 0, open: new Set<Socket>() }
  const server = createHttpServer((_request, response) => response.end('body'))
  server.on('connection', (socket) => {
    counts.opened++
    counts.open.add(socket)
    socket.on('close', () => counts.open.delete(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  counts.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return counts
}

t.test('a connection that works is replaced after five minutes, so that the name of the server is looked up again', async (t) => {
  t.equal(MAX_CONNECTION_AGE_MS, 300_000)
  let now = 0
  const fast = await startCounting(t)
  const http = new BufferedHttp(() => new Pool(fast.url), 10_000, () => now)
  t.teardown(() => http.close())
  const sdk = await startCounting(t)
  const agent = limitAge(new Agent({ keepAlive: true }), undefined, () => now)
  t.teardown(() => agent.destroy())
  const send = async () => {
    t.match(await http.get('/', [], { maxBytes: 100, maxMs: undefined }), { status: 200, body: Buffer.from('body') })
    const [response] = await once(get(sdk.url, { agent }), 'response') as [IncomingMessage]
    await once(response.resume(), 'close')
  }
  for (now = 0; now < MAX_CONNECTION_AGE_MS; now += 60_000) await send()
  t.same([fast.opened, sdk.opened], [1, 1])
  now = MAX_CONNECTION_AGE_MS + 1
  for (let i = 0; i < 3; i++) await send()
  t.equal(fast.opened, 2)
  t.ok(sdk.opened >= 2, 'the connection is closed after its next request')
  await until(() => fast.open.size === 1 && sdk.open.size === 1)
})

t.test('a request whose connection the server closes just when it is used again is sent on another connection', async (t) => {
  const { endpoint, bucket, store } = await setUpS3(t)
  bucket.put('key', 'content')
  for (let i = 0; i < 30; i++) {
    // The connection of the previous request is idle. The server closes it when this request arrives.
    endpoint.intercept = script({ times: 1, fault: 'drop' })
    await operations(store)[i % 5]!()
  }
  t.pass('no operation has failed')
})

t.test('operations on a server that does not accept connections end at their time limits', async (t) => {
  const code = "require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port) })"
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const filling: Socket[] = []
  t.teardown(() => {
    child.kill('SIGKILL')
    for (const socket of filling) socket.destroy()
  })
  const port = Number(String((await once(child.stdout, 'data'))[0]))
  child.kill('SIGSTOP')
  for (let i = 0; i < 8; i++) filling.push(connect(port, '127.0.0.1').on('error', () => {}))
  const store = new S3Store({ bucket: 'lake', endpoint: `http://127.0.0.1:${port}`, deadlineMs: 1500 })
  t.teardown(() => store.close())
  await Promise.all(operations(store).map((operation) => t.rejects(operation(), { code: 'timeout' })))
})
