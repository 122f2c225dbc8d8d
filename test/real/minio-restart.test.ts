import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import app, { serverOptions } from '../../app.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { csv } from '../support/app.js'
import { makeServerFolder } from '../support/server-folder.js'

const { MINIO_BIN: binary, MINIO_RESTART_PORT: port = '9010' } = process.env
const skip = binary === undefined && 'set MINIO_BIN, the path of a MinIO server'

t.test('while MinIO is down, the last data is served as stale; after its restart, the data is fresh again', { skip, timeout: 60_000 }, async (t) => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'userlake', AWS_SECRET_ACCESS_KEY: 'userlake-secret' })
  const folder = makeServerFolder()
  const endpoint = `http://127.0.0.1:${port}`
  let server: ChildProcess
  const start = async () => {
    server = spawn(binary!, ['server', folder.path, '--address', `127.0.0.1:${port}`], {
      stdio: 'ignore', env: { ...process.env, MINIO_ROOT_USER: 'userlake', MINIO_ROOT_PASSWORD: 'userlake-secret', MINIO_BROWSER: 'off' }
    })
    while (!(await fetch(`${endpoint}/minio/health/ready`).then(({ ok }) => ok, () => false))) await sleep(100)
  }
  const stop = async () => {
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
  await start()
  t.teardown(async () => {
    await stop()
    folder.remove()
  })
  const store = new S3Store({ bucket: 'datalake', endpoint })
  await store.create()
  await store.put('source_data/1.csv', Buffer.from(csv('Ann')))
  const fastify = Fastify(serverOptions)
  t.teardown(async () => {
    await fastify.close()
    await store.close()
  })
  await fastify.register(app, { settings: { LAKE_URL: 's3://datalake', AWS_ENDPOINT_URL_S3: endpoint, MAX_STALENESS: '100ms' } })
  const address = await fastify.listen({ port: 0 })
  const read = async () => {
    const response = await fetch(`${address}/data`)
    return { status: response.status, stale: response.headers.get('data-stale'), names: (await response.json() as { first_name: string }[]).map((record) => record.first_name) }
  }
  while ((await fetch(`${address}/readyz`)).status !== 200) await sleep(50)
  t.same(await read(), { status: 200, stale: null, names: ['Ann'] })

  await stop()
  await sleep(150)
  const during = await Promise.all(Array.from({ length: 20 }, read))
  for (let i = 0; i < 10; i++) {
    during.push(await read())
    await sleep(100)
  }
  for (const response of during) t.same(response, { status: 200, stale: 'unreachable', names: ['Ann'] })
  t.equal((await fetch(`${address}/readyz`)).status, 200, 'the service remains ready while the server is down')

  await start()
  await store.put('source_data/2.csv', Buffer.from(csv('Bob')))
  const back = Date.now()
  let response = await read()
  for (; response.stale !== null; response = await read()) await sleep(50)
  t.same(response, { status: 200, stale: null, names: ['Ann', 'Bob'] })
  t.comment(`fresh again after ${Date.now() - back} ms`)
})
