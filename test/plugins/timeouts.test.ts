import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { build, csv } from '../support/app.js'
import { until } from '../support/until.js'

async function open (t: Test, app: FastifyInstance): Promise<{ client: Socket, server: Socket }> {
  const accepted = once(app.server, 'connection')
  const client = connect((app.server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {}).pause()
  t.teardown(() => client.destroy())
  const [server] = await accepted as [Socket]
  return { client, server }
}

async function readAll (client: Socket): Promise<string> {
  let text = ''
  for await (const chunk of client) text += chunk
  return text
}

t.test('a request that does not arrive in time gets 408, whether headers or body are missing', async (t) => {
  const server = { requestTimeout: 150, http: { requireHostHeader: false, headersTimeout: 100, connectionsCheckingInterval: 20 } }
  const { app } = await build(t, { files: { '1.csv': csv() }, server })
  await app.listen({ port: 0 })
  for (const part of ['GET /livez HTTP/1.1\r\nHost:', 'POST /data HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n ']) {
    const { client } = await open(t, app)
    client.write(part)
    t.match(await readAll(client), /^HTTP\/1\.1 408 [^]*"code":"request_timeout"/)
  }
})

t.test('a client that does not read its response is disconnected', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() }, server: { connectionTimeout: 20 } })
  app.get('/endless', { config: { access: 'public' }, schema: { hide: true } }, async (_request, reply) => reply.send(endless()))
  await app.listen({ port: 0 })
  const { client, server } = await open(t, app)
  client.write('GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until(() => server.destroyed)
  t.ok(server.bytesWritten > 0)
})

function endless (): Readable {
  return new Readable({ read () { this.push(Buffer.alloc(65536)) } })
}

t.test('a client that waits for its response is not disconnected', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() }, server: { connectionTimeout: 50 } })
  app.get('/slow', { config: { access: 'public' }, schema: { hide: true } }, async (request) => {
    await once(request.raw.socket, 'timeout')
    return 'sent after the timeout'
  })
  await app.listen({ port: 0 })
  const { client } = await open(t, app)
  client.write('GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  t.match(await readAll(client), /^HTTP\/1\.1 200 [^]*sent after the timeout$/)
})
