import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { main } from '../../scripts/healthcheck.js'
import { runMain } from '../support/run-main.js'

/** A server with this response of /readyz, and the environment of a health check on it. */
async function serve (t: Test, status: number, body: string) {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/readyz' ? status : 404
    response.end(body)
  })
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { PORT: String((server.address() as AddressInfo).port) }
}

t.test('the health check succeeds if the service is ready', async (t) => {
  t.same(await runMain(main, [], await serve(t, 200, '{"status":"ready"}')), { code: 0, out: '{"status":"ready"}\n', err: '' })
})

t.test('the health check fails and prints why if the service is not ready', async (t) => {
  t.same(await runMain(main, [], await serve(t, 503, '{"code":"no_data"}')), { code: 1, out: '', err: 'healthcheck: {"code":"no_data"}\n' })
})

t.test('the health check fails if no server listens', async (t) => {
  t.match(await runMain(main, [], { PORT: '1' }), { code: 1, out: '', err: /^healthcheck: .+\n$/ })
})
