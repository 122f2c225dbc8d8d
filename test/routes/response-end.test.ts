import { once } from 'node:events'
import { get } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import t, { type Test } from 'tap'
import app, { serverOptions } from '../../app.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { hasEnded, onResponseEnd } from '../../routes/http/response-end.js'
import { build, csv, PNG } from '../support/app.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { until } from '../support/until.js'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Starts a server with this handler, and returns its port. */
async function listen (t: Test, handler: (reply: FastifyReply, name: string) => void): Promise<number> {
  const fastify = Fastify()
  fastify.get('/:name', (request, reply) => { handler(reply, (request.params as { name: string }).name) })
  t.teardown(() => fastify.close())
  return await portOf(fastify)
}

async function portOf (fastify: FastifyInstance): Promise<number> {
  await fastify.listen({ port: 0, host: '127.0.0.1' })
  return (fastify.server.address() as AddressInfo).port
}

const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`

t.test('the resources of a response are released once, when it has been sent', async (t) => {
  let released = 0
  const port = await listen(t, (reply) => {
    onResponseEnd(reply, () => released++)
    reply.send('x')
  })
  await (await fetch(`http://127.0.0.1:${port}/a`)).text()
  await until(() => released > 0)
  await (await fetch(`http://127.0.0.1:${port}/b`)).text()
  await until(() => released > 1)
  t.equal(released, 2)
})

t.test('a response that holds many resources has one listener for them, and releases each of them once', async (t) => {
  let [before, listeners, released] = [0, 0, 0]
  const port = await listen(t, (reply) => {
    before = reply.raw.listenerCount('close')
    for (let i = 0; i < 20; i++) onResponseEnd(reply, () => released++)
    listeners = reply.raw.listenerCount('close')
    reply.send('x')
  })
  await (await fetch(`http://127.0.0.1:${port}/a`)).text()
  await until(() => released > 0)
  t.equal(released, 20)
  t.equal(listeners, before + 1)
})

t.test('resources acquired after the client has disconnected are released at once', async (t) => {
  let waiting: FastifyReply | undefined
  const port = await listen(t, (reply) => { waiting = reply })
  const client = connect(port, '127.0.0.1').on('error', () => {})
  client.write(request('/a'))
  await until(() => waiting !== undefined)
  t.notOk(hasEnded(waiting!))
  client.destroy()
  await once(waiting!.request.raw.socket, 'close')
  let released = 0
  onResponseEnd(waiting!, () => released++)
  t.equal(released, 1)
})

t.test('the resources of all responses of a connection are released when the connection closes', async (t) => {
  const released: string[] = []
  let requests = 0
  const port = await listen(t, (reply, name) => {
    requests++
    onResponseEnd(reply, () => released.push(name))
    if (name !== 'a') reply.send('x')
  })
  const client = connect(port, '127.0.0.1').on('error', () => {})
  client.write(request('/a') + request('/b') + request('/c'))
  await until(() => requests >= 1)
  client.destroy()
  await until(() => released.length === requests)
  t.ok(released.includes('a'))
})

t.test('clients that disconnect while the data is being refreshed leak no memory', async (t) => {
  const clients = 110
  const files = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`${i}.csv`, csv('x'.repeat(1000), '', i)]))
  const lake = await build(t, { files })
  const { app, endpoint, clock } = lake
  const port = await portOf(app)
  await lake.fresh('/data?limit=1')
  let open = () => {}
  const gate = new Promise<undefined>((resolve) => { open = () => resolve(undefined) })
  endpoint.intercept = () => gate
  clock.advance(3000)
  let requests = 0
  let ends = 0
  app.server.on('request', ({ socket }) => {
    requests++
    socket.once('close', () => ends++)
  })
  const sent = Array.from({ length: clients }, (_, i) => get(`http://127.0.0.1:${port}/data?max_age=${100 + i}`, { agent: false }).on('error', () => {}))
  await until(() => requests === clients)
  gc()
  const before = process.memoryUsage().arrayBuffers
  for (const request of sent) request.destroy()
  await until(() => ends === clients)
  open()
  await lake.fresh('/data?limit=1')
  gc()
  const grown = process.memoryUsage().arrayBuffers - before
  t.comment(`${clients} aborted requests: ${Math.round(grown / 2 ** 20)} MiB`)
  t.ok(grown < 10 * 2 ** 20, `${grown} bytes`)
})

/** A store that records the streams that it has opened. */
class StreamRecorder extends S3Store {
  readonly streams: Readable[] = []

  override async stream (...args: Parameters<S3Store['stream']>): ReturnType<S3Store['stream']> {
    const found = await super.stream(...args)
    if (found !== undefined) this.streams.push(found.body)
    return found
  }
}

t.test('the streams of pipelined images are closed when their connection closes', async (t) => {
  const endpoint = await startS3Endpoint()
  const bucket = endpoint.bucket('datalake')
  bucket.put('source_data/1.csv', csv())
  bucket.put('source_data/1.png', Buffer.concat([PNG, Buffer.alloc(8 * 2 ** 20)]))
  const store = new StreamRecorder({ bucket: 'datalake', endpoint: endpoint.url })
  const fastify = Fastify(serverOptions)
  await fastify.register(app, { settings: {}, store })
  t.teardown(async () => {
    await fastify.close()
    await endpoint.stop()
  })
  const port = await portOf(fastify)
  await fastify.inject('/data/1/image')
  const client = connect(port, '127.0.0.1').on('error', () => {})
  client.pause()
  client.write(request('/data/1/image').repeat(20))
  const opened = store.streams.length
  await until(() => store.streams.length > opened)
  client.destroy()
  await until(() => store.streams.every(({ destroyed }) => destroyed))
  t.ok(store.streams.length > opened)
})
