import { Agent, get } from 'node:http'
import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { build, csv } from '../support/app.js'
import { streamingEngine } from '../support/engines.js'
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
