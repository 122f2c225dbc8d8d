import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { PutBucketNotificationConfigurationCommand, S3Client } from '@aws-sdk/client-s3'
import Fastify from 'fastify'
import t from 'tap'
import app, { serverOptions } from '../../app.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { bearer, entryOf, keyOf } from '../support/api-keys.js'
import { csv, PNG } from '../support/app.js'
import { startCountingProxy } from '../support/counting-proxy.js'
import { deleteObject } from '../support/real-bucket.js'
import { makeServerFolder } from '../support/server-folder.js'

const { MINIO_BIN: binary } = process.env
const skip = binary === undefined && 'set MINIO_BIN, the path of a MinIO server'

/** A port that is free now. */
async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

t.test('events of a MinIO server make changes visible without a listing', { skip, timeout: 60_000 }, async (t) => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'userlake', AWS_SECRET_ACCESS_KEY: 'userlake-secret' })
  const [minioPort, port] = [await freePort(), await freePort()]
  const endpoint = `http://127.0.0.1:${minioPort}`
  const folder = makeServerFolder()
  const server = spawn(binary!, ['server', folder.path, '--address', `127.0.0.1:${minioPort}`], {
    stdio: 'ignore',
    env: {
      ...process.env,
      MINIO_ROOT_USER: 'userlake',
      MINIO_ROOT_PASSWORD: 'userlake-secret',
      MINIO_SITE_REGION: 'us-east-1',
      MINIO_BROWSER: 'off',
      MINIO_NOTIFY_WEBHOOK_ENABLE_USERLAKE: 'on',
      MINIO_NOTIFY_WEBHOOK_ENDPOINT_USERLAKE: `http://127.0.0.1:${port}/events/s3`,
      MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_USERLAKE: keyOf('events')
    }
  })
  t.teardown(async () => {
    server.kill('SIGKILL')
    await once(server, 'exit')
    folder.remove()
  })
  while (!(await fetch(`${endpoint}/minio/health/ready`).then(({ ok }) => ok, () => false))) await sleep(100)
  const store = new S3Store({ bucket: 'datalake', endpoint })
  await store.create()
  await store.put('source_data/first.csv', Buffer.from(csv('First')))

  const proxy = await startCountingProxy(t, endpoint)
  const fastify = Fastify(serverOptions)
  t.teardown(async () => {
    await fastify.close()
    await store.close()
  })
  await fastify.register(app, { settings: { LAKE_URL: 's3://datalake', AWS_ENDPOINT_URL_S3: proxy.url, MAX_STALENESS: '1h', API_KEYS: `${entryOf('events')},${entryOf('read')}` } })
  const address = await fastify.listen({ port, host: '127.0.0.1' })
  const get = async (path: string) => await fetch(address + path, { headers: bearer(keyOf('read')) })
  while ((await fetch(`${address}/readyz`)).status !== 200) await sleep(50)

  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true })
  t.teardown(() => client.destroy())
  const configuration = { Id: 'userlake', QueueArn: 'arn:minio:sqs:us-east-1:USERLAKE:webhook', Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'], Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'source_data/' }] } } } as const
  await client.send(new PutBucketNotificationConfigurationCommand({ Bucket: 'datalake', NotificationConfiguration: { QueueConfigurations: [configuration as never] } }))
  /** The requests for listings of the lake; the others are of single keys. */
  const listings = () => proxy.lists.filter((url) => new URL(url, endpoint).searchParams.get('prefix') === 'source_data/').length
  const before = listings()
  t.ok(before > 0)

  /** Makes a change, and waits until the service has it. */
  const seen = async (name: string, change: () => Promise<unknown>, isSeen: () => Promise<boolean>) => {
    await change()
    const start = performance.now()
    while (!(await isSeen())) await sleep(5)
    t.pass(`${name}: after ${Math.round(performance.now() - start)} ms`)
  }
  const hasName = (id: string, name: string) => async () => (await (await get(`/data/${encodeURIComponent(id)}`)).json() as { first_name?: string }).first_name === name
  const isGone = (id: string) => async () => (await get(`/data/${encodeURIComponent(id)}`)).status === 404
  const image = async () => Buffer.from(await (await get('/data/1/image')).arrayBuffer())

  for (const id of ['1', 'with space', 'Zoë & Jürgen+1%', '日本', "a'b(c)=d"]) {
    const key = `source_data/${id}.csv`
    await seen(`${id} is added`, () => store.put(key, Buffer.from(csv('Ann'))), hasName(id, 'Ann'))
    await seen(`${id} is replaced`, () => store.put(key, Buffer.from(csv('Amy'))), hasName(id, 'Amy'))
    if (id !== '1') await seen(`${id} is deleted`, () => deleteObject(endpoint, 'datalake', key), isGone(id))
  }
  await seen('an image is added', () => store.put('source_data/1.png', PNG), async () => (await get('/data/1/image')).status === 200)
  const version = (await get('/data')).headers.get('data-version')
  const replaced = Buffer.concat([PNG, Buffer.from('more')])
  await sleep(1010) // so that the new image has another Last-Modified, which is in whole seconds
  await seen('an image is replaced', () => store.put('source_data/1.png', replaced), async () => (await (await get(`/changes?since=${version}`)).json() as { changed: unknown[] }).changed.length === 1)
  t.same(await image(), replaced)
  await seen('an image is deleted', () => deleteObject(endpoint, 'datalake', 'source_data/1.png'), async () => (await (await get('/data/1')).json() as { img_path: string | null }).img_path === null)
  t.equal(listings(), before, 'no listing since the start')
})
