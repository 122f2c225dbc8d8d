import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import app, { serverOptions } from '../../app.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { main as seed } from '../../scripts/seed.js'
import { startCountingProxy } from '../support/counting-proxy.js'
import { csv } from '../support/app.js'
import { validateResponses } from '../support/openapi-validator.js'
import { referenceRecords } from '../support/reference.js'
import { deleteBucket, deleteObject } from '../support/real-bucket.js'
import { runMain } from '../support/run-main.js'

const { S3_TEST_ENDPOINT: endpoint, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY, S3_TEST_STORE: name = 'a real S3 server' } = process.env
const skip = endpoint === undefined && 'set S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY (and S3_TEST_STORE, its name)'

/** The expected output, computed only from the content of the files. */
function expectedOutput (files: Record<string, string>): string {
  const field = (value: unknown) => value === null ? '' : /[",\r\n]|^\s|\s$/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value)
  const columns = ['user_id', 'first_name', 'last_name', 'birthts', 'img_path']
  const records = referenceRecords(files, Object.fromEntries(Object.keys(files).map((key) => [key, 0])))
  return [columns, ...records.map((record) => columns.map((column) => record[column]))].map((row) => row.map(field).join(',') + '\r\n').join('')
}

t.test(`the service on ${name}`, { skip }, async (t) => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: S3_TEST_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: S3_TEST_SECRET_ACCESS_KEY })
  const proxy = await startCountingProxy(t, endpoint!)
  const bucket = `userlake-test-${randomUUID()}`
  const lake = `s3://${bucket}`
  t.teardown(() => deleteBucket(endpoint!, bucket))
  const run = () => runMain(seed, ['--from', 'seed-data', '--lake', lake], { ...process.env, AWS_ENDPOINT_URL_S3: endpoint })
  t.match(await run(), { code: 0, out: 'uploaded 193, unchanged 0\n' })
  t.match(await run(), { code: 0, out: 'uploaded 0, unchanged 193\n' }, 'the second run uploads nothing')

  const fastify = Fastify(serverOptions)
  await fastify.register(app, { settings: { LAKE_URL: lake, AWS_ENDPOINT_URL_S3: proxy.url, REFRESH_WAIT: '30s' } })
  validateResponses(fastify)
  const store = new S3Store({ bucket, endpoint })
  t.teardown(async () => {
    await fastify.close()
    await store.close()
  })
  const files = Object.fromEntries(readdirSync('seed-data').map((file) => [`source_data/${file}`, readFileSync(`seed-data/${file}`, 'utf8')]))
  const put = async (file: string, text: string) => {
    files[`source_data/${file}`] = text
    await store.put(`source_data/${file}`, Buffer.from(text))
  }
  const read = async () => (await fastify.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })).json()
  const expected = () => referenceRecords(files, Object.fromEntries(Object.keys(files).map((key) => [key, 0])))
    .map(({ user_id, first_name, last_name, birthts, img_path }) => ({ user_id, first_name, last_name, birthts, img_path }))

  await t.test('a cold start downloads every info file once', async (t) => {
    t.same(await read(), expected())
    t.equal(proxy.gets.filter((key) => key.startsWith('source_data/')).length, 100)
    t.match((await fastify.inject('/stats?image_exists=true')).json(), { count: 92 })
  })

  await t.test('two overwrites within a second, a delete and an addition are detected, with one GET per changed file', async (t) => {
    await sleep(1010 - Date.now() % 1000) // at the beginning of a second
    await put('1001.csv', csv('Amy', 'One', 1))
    t.same(await read(), expected())
    proxy.gets.length = 0
    await put('1001.csv', csv('Eve', 'Two', 1))
    t.same(await read(), expected())
    t.same(proxy.gets, ['source_data/1001.csv'], 'an overwrite of the same size in the same second')
    proxy.gets.length = 0
    await put('1002.csv', csv('Bea', '"B, Jr."', 2))
    await put('new user+1%.csv', csv('Ida', 'Új', -3))
    await deleteObject(endpoint!, bucket, 'source_data/1003.csv')
    delete files['source_data/1003.csv']
    t.same(await read(), expected())
    t.same(proxy.gets.sort(), ['source_data/1002.csv', 'source_data/new user+1%.csv'])
    await read()
    t.equal(proxy.gets.length, 2, 'no GET if nothing has changed')
  })

  await t.test('the output is published, updated after a change and skipped without one', async (t) => {
    const post = async () => (await fastify.inject({ method: 'POST', url: '/data' })).json()
    const published = async () => String(((await store.get('processed_data/output.csv')) as { body: Buffer }).body)
    t.match(await post(), { state: 'succeeded', result: { records: 100, added: 100, skipped: false } })
    t.equal(await published(), expectedOutput(files))
    await put('1004.csv', csv('Kim', 'Four', 4))
    t.match(await post(), { state: 'succeeded', result: { added: 0, changed: 1, removed: 0, skipped: false } })
    t.equal(await published(), expectedOutput(files))
    t.match(await post(), { state: 'succeeded', result: { skipped: true } })
  })

  await t.test('an image is sent whole and by range, and as it is now even if it has changed since the listing', async (t) => {
    const whole = await fastify.inject('/data/1001/image')
    t.same(whole.rawPayload, readFileSync('seed-data/1001.png'))
    t.match(whole.headers, { 'content-type': 'image/png', etag: /^"[^"]+"$/ })
    const part = await fastify.inject({ url: '/data/1001/image', headers: { range: 'bytes=1-3' } })
    t.match(part, { statusCode: 206, body: 'PNG' })
    await store.put('source_data/1001.png', readFileSync('seed-data/1002.png'))
    t.same((await fastify.inject('/data/1001/image')).rawPayload, readFileSync('seed-data/1002.png'), 'an image that has changed since the listing')
  })
})
