import { once } from 'node:events'
import { readdirSync, readlinkSync, truncateSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { build, buildOnFolder, csv, PNG } from '../support/app.js'
import { gate, until } from '../support/until.js'

const get = (url: string) => `GET ${url} HTTP/1.1\r\nHost: localhost\r\n\r\n`

/** The client's and the server's end of a connection. */
async function open (t: Test, app: FastifyInstance): Promise<{ client: Socket, server: Socket }> {
  const accepted = once(app.server, 'connection')
  const client = connect((app.server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {}).pause()
  t.teardown(() => client.destroy())
  const [server] = await accepted as [Socket]
  return { client, server }
}

/** Matches no text that has a character, so that `readUntil` reads until the connection ends. */
const CLOSE = /$^/

const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))

/** Counts the requests that have passed the first hook: all, those whose response has not ended, and the maximum of these. */
function countInFlight (app: FastifyInstance): { now: number, most: number, all: number } {
  const count = { now: 0, most: 0, all: 0 }
  app.addHook('onRequest', async (_request, reply) => {
    count.all++
    count.most = Math.max(count.most, ++count.now)
    reply.raw.once('close', () => count.now--)
  })
  return count
}

/** Reads until the received text matches `end` or the connection ends. Returns the text. */
async function readUntil (client: Socket, end: RegExp): Promise<string> {
  let text = ''
  for await (const chunk of client.iterator({ destroyOnReturn: false })) if (end.test(text += chunk)) break
  return text
}

t.test('pipelined requests are processed one at a time, in order', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const count = countInFlight(app)
  await app.listen({ port: 0 })
  const { client } = await open(t, app)
  const urls = Array.from({ length: 200 }, (_, i) => `/data?min_age=${i / 10}`)
  client.write(urls.map(get).join('') + 'POST /data?dry_run=true HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n ' + get('/livez') + get('/last'))
  const text = await readUntil(client, /There is no route GET \/last.*\}/)
  t.equal(text.match(/HTTP\/1\.1 200/g)?.length, urls.length + 2)
  t.ok(/"state":"succeeded"[^]*alive[^]*HTTP\/1\.1 404/.test(text))
  t.equal(count.all, urls.length + 2, 'all requests that have a route')
  t.equal(count.most, 1)
  client.write(get('/livez'))
  t.match(await readUntil(client, /alive/), 'alive', 'the connection is read again')
})

t.test('a connection is not read while its requests wait', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const count = countInFlight(app)
  const { opened, open: release } = gate()
  app.addHook('preHandler', async (request) => { if (request.url === '/livez') await opened })
  const address = await app.listen({ port: 0 })
  const { client, server } = await open(t, app)
  const requests = get('/livez').repeat(200_000)
  client.write(requests)
  await until(() => server.bytesRead > 0)
  // Each turn of the event loop that responds to this request also reads the available bytes.
  for (let i = 0; i < 10; i++) await (await fetch(`${address}/nowhere`)).text()
  t.equal(count.all, 1)
  t.ok(server.bytesRead <= 2 * 64 * 1024, `${server.bytesRead} of ${requests.length} bytes have been read`)
  release()
  client.destroy()
  await closed(server)
})

t.test('when a connection closes, the files of the images that it requested are closed', async (t) => {
  const { app, root } = await buildOnFolder(t, { source_data: { '1.csv': csv(), '1.png': PNG } })
  const image = join(root, 'source_data', '1.png')
  truncateSync(image, 50e6)
  const count = countInFlight(app)
  await app.listen({ port: 0 })
  const { client, server } = await open(t, app)
  client.write(get('/data/1/image').repeat(300))
  await until(() => server.bytesWritten >= PNG.length)
  t.ok(openFiles(image) <= 1, `${openFiles(image)} files are open`)
  client.resetAndDestroy()
  await closed(server)
  await until(() => openFiles(image) === 0)
  t.equal(count.all, 1)
})

/** The number of open descriptors of a file in this process. */
function openFiles (path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false
    }
  }).length
}

t.test('malformed bytes after a request do not replace its response', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  await app.listen({ port: 0 })
  for (const before of [get('/livez'), get('/data') + get('/livez'), get('/livez').replace('\r\n\r\n', '\r\nExpect: magic\r\n\r\n') + get('/livez')]) {
    const { client } = await open(t, app)
    client.write(before + 'garbage\r\n\r\n')
    t.match(await readUntil(client, CLOSE), /^HTTP\/1\.1 (200|417)[^]*alive[^]*HTTP\/1\.1 400[^]*bad_request/)
  }
})

t.test('a malformed chunked body gets 400 at once', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  await app.listen({ port: 0 })
  const { client } = await open(t, app)
  client.write('POST /data HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n')
  t.match(await readUntil(client, CLOSE), /^HTTP\/1\.1 400[^]*bad_request/)
})
