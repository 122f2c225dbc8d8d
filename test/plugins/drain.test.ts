import { Agent, get } from 'node:http'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { build, csv } from '../support/app.js'

t.test('a connection that is busy when the server closes ends with its answer', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  await app.inject('/data')
  const body = (async function * () {
    yield '['
    await sleep(200)
    yield ']'
  })()
  app.transformer.export = async () => ({ version: app.transformer.version, count: 0, next: undefined, body, release: () => {} })
  const address = await app.listen({ port: 0 })
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const [response] = await once(get(`${address}/data`, { agent }), 'response')
  const began = Date.now()
  const closed = app.close()
  t.equal((await response.setEncoding('utf8').toArray()).join(''), '[]', 'the answer is complete')
  await closed
  t.ok(Date.now() - began < 5000, 'and nothing waits for the client to go')
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
  const { app } = await build(t, { files: { '1.csv': csv() }, settings: { SHUTDOWN_TIMEOUT: '200ms' } })
  await app.inject('/data')
  const body = (async function * () {
    for (;;) yield ' '.repeat(1e6)
  })()
  app.transformer.export = async () => ({ version: app.transformer.version, count: 0, next: undefined, body, release: () => {} })
  const address = await app.listen({ port: 0 })
  const [response] = await once(get(`${address}/data`), 'response')
  response.on('error', () => {})
  const began = Date.now()
  await app.close()
  t.ok(Date.now() - began < 5000)
  response.destroy()
})
