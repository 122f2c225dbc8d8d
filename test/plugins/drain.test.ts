import { Agent, get } from 'node:http'
import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { build, csv } from '../support/app.js'
import { streamingEngine } from '../support/engines.js'
import { TestTimers } from '../support/test-timers.js'
import { gate, until } from '../support/until.js'

t.test('a connection with a request in flight when the server closes is closed after its response', async (t) => {
  const { opened, open } = gate()
  const openVersion = streamingEngine(async function * () {
    yield [['1']]
    await opened
    yield [['2']]
  })
  const { app } = await build(t, { files: { '1.csv': csv() }, settings: { SHUTDOWN_TIMEOUT: '1h' }, openVersion })
  const address = await app.listen({ port: 0 })
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const [response] = await once(get(`${address}/data`, { agent }), 'response')
  const closed = app.close()
  await until(() => app.isDraining)
  open()
  t.equal((await response.setEncoding('utf8').toArray()).join(''), '[{"user_id":"1"},{"user_id":"2"}]')
  await closed
})

t.test('for SHUTDOWN_DELAY everything is still served, on connections that close, while /readyz is 503; then the server closes', async (t) => {
  const delay = gate()
  const delays: number[] = []
  const { app, bucket } = await build(t, {
    files: { '1.csv': csv() },
    settings: { SHUTDOWN_DELAY: '5s' },
    timers: new TestTimers(),
    shutdownPause: async (ms) => {
      delays.push(ms)
      await delay.opened
    }
  })
  const address = await app.listen({ port: 0 })
  await fetch(`${address}/data`)
  await app.jobs.idle()
  const closed = app.close()
  await until(() => delays.length > 0)
  t.same(delays, [5000])
  const ready = await fetch(`${address}/readyz`)
  t.match(await ready.json(), { status: 503, code: 'draining' })
  t.ok(ready.headers.has('retry-after'))
  t.equal((await fetch(`${address}/livez`)).status, 200)
  bucket.put('source_data/2.csv', csv('Bob'))
  t.match(await (await fetch(`${address}/data`, { method: 'POST' })).json(), { result: { records: 2, added: 1 } })
  const event = { Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'other' }, object: { key: 'source_data/2.csv' } } }] }
  t.equal((await fetch(`${address}/events/s3`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) })).status, 202)
  const response = await fetch(`${address}/data`)
  t.match(await response.json(), [{ user_id: '1' }, { user_id: '2' }])
  t.equal(response.headers.get('connection'), 'close')
  delay.open()
  await closed
  await t.rejects(fetch(`${address}/data`))
})

t.test('a server that does not listen closes without SHUTDOWN_DELAY', async (t) => {
  const { app } = await build(t, { settings: { SHUTDOWN_DELAY: '1h' } })
  await app.close()
  t.ok(app.isClosing)
})

t.test('a connection that has never carried a request is closed at once when the server closes', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() }, settings: { SHUTDOWN_TIMEOUT: '1h' } })
  await app.listen({ port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, 'localhost').on('error', () => {})
  const [connection] = await once(app.server, 'connection') as [Socket]
  await app.close()
  t.ok(connection.destroyed)
  socket.destroy()
})

t.test('a connection with an incomplete request is closed after SHUTDOWN_TIMEOUT', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() }, settings: { SHUTDOWN_TIMEOUT: '200ms' } })
  await app.listen({ port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, 'localhost').on('error', () => {})
  const [connection] = await once(app.server, 'connection') as [Socket]
  socket.write('GET /livez HT')
  await until(() => connection.bytesRead > 0)
  await app.close()
  t.ok(connection.destroyed)
  socket.destroy()
})

t.test('a connection whose client does not read its response is closed after SHUTDOWN_TIMEOUT', async (t) => {
  const openVersion = streamingEngine(async function * () {
    for (;;) yield [['x'.repeat(1e6)]]
  })
  const { app } = await build(t, { files: { '1.csv': csv() }, settings: { SHUTDOWN_TIMEOUT: '200ms' }, openVersion })
  const address = await app.listen({ port: 0 })
  const accepted = once(app.server, 'connection')
  const [response] = await once(get(`${address}/data`), 'response')
  const [connection] = await accepted as [Socket]
  response.on('error', () => {})
  await app.close()
  t.ok(connection.destroyed)
  response.destroy()
})
