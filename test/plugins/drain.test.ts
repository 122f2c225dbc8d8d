import { Agent, get } from 'node:http'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { build, csv } from '../support/app.js'
import { streamingEngine } from '../support/engines.js'

t.test('a connection that is busy when the server closes ends after its response', async (t) => {
  let release = () => {}
  const held = new Promise<void>((resolve) => { release = resolve })
  const openVersion = streamingEngine(async function * () {
    yield [['1']]
    await held
    yield [['2']]
  })
  const { app } = await build(t, { files: { '1.csv': csv() }, settings: { SHUTDOWN_TIMEOUT: '1h' }, openVersion })
  const address = await app.listen({ port: 0 })
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const [response] = await once(get(`${address}/data`, { agent }), 'response')
  const closed = app.close()
  while (!app.isDraining) await setImmediate()
  release()
  t.equal((await response.setEncoding('utf8').toArray()).join(''), '[{"user_id":"1"},{"user_id":"2"}]')
  await closed
})

t.test('so does one over which nothing was asked, or half of something', async (t) => {
  for (const half of ['', 'GET /livez HT']) {
    const { app } = await build(t, { files: { '1.csv': csv() }, settings: { SHUTDOWN_TIMEOUT: half === '' ? '10s' : '200ms' } })
    await app.listen({ port: 0 })
    const socket = connect((app.server.address() as AddressInfo).port, 'localhost').on('error', () => {})
    await once(app.server, 'connection')
    if (half !== '') await new Promise((resolve) => socket.write(half, resolve))
    const began = Date.now()
    await app.close()
    t.ok(Date.now() - began < 5000, half)
    socket.destroy()
  }
})

t.test('and one whose client does not read', async (t) => {
  const openVersion = streamingEngine(async function * () {
    for (;;) yield [['x'.repeat(1e6)]]
  })
  const { app } = await build(t, { files: { '1.csv': csv() }, settings: { SHUTDOWN_TIMEOUT: '200ms' }, openVersion })
  const address = await app.listen({ port: 0 })
  const [response] = await once(get(`${address}/data`), 'response')
  response.on('error', () => {})
  const began = Date.now()
  await app.close()
  t.ok(Date.now() - began < 5000)
  response.destroy()
})
