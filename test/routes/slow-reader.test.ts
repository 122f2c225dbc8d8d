import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { build, csv, type TestLake } from '../support/app.js'
import { MemoryStore } from '../support/stores.js'

/** Many times what the kernel's buffers and the server's own hold. */
const PEOPLE = 4000
const NAME = 'x'.repeat(9000)
const BOUND = 8 * 1024 * 1024

interface Reader {
  /** The client's side, of which nothing has been read. */
  readonly answer: IncomingMessage
  /** The server's side. */
  readonly response: ServerResponse
}

/** A lake of large records that listens. */
async function setUp (t: Test, settings: Record<string, string> = {}) {
  const service = await build(t, { settings: { MAX_STALENESS: '1h', ...settings }, store: (bucket) => new MemoryStore(bucket) })
  for (let i = 0; i < PEOPLE; i++) service.bucket.put(`source_data/${10_000 + i}.csv`, csv(NAME, '', i))
  await service.fresh('/data?limit=1')
  const address = await service.app.listen({ port: 0 })
  return { ...service, address }
}

/** Asks, and reads nothing of the answer but its headers. */
async function ask ({ app }: TestLake, url: string): Promise<Reader> {
  const asked = once(app.server, 'request')
  const [answer] = await once(get(url, { agent: false }), 'response')
  const [, response] = await asked
  return { answer, response }
}

/** How many bytes the server has handed over once it makes no more of them. */
async function handedOver ({ response }: Reader): Promise<number> {
  for (let last = -1; ;) {
    const bytes = response.socket!.bytesWritten
    if (bytes === last) return bytes
    last = bytes
    await sleep(150)
  }
}

async function digest (answer: IncomingMessage): Promise<string> {
  const hash = createHash('md5')
  for await (const chunk of answer) hash.update(chunk)
  return hash.digest('hex')
}

t.test('who does not read makes the server hold little, and has the whole answer in the end', async (t) => {
  const service = await setUp(t)
  const { app, address, bucket, fresh } = service
  for (const search of ['format=csv', 'format=ndjson', 'sort=-user_id', 'columns=first_name,user_id']) {
    const whole = (await app.inject(`/data?${search}`)).rawPayload
    const reader = await ask(service, `${address}/data?${search}`)
    const bytes = await handedOver(reader)
    const held = reader.response.writableLength
    t.ok(held < BOUND, `${search}: ${held} bytes wait`)
    t.ok(bytes < whole.length / 2, `${search}: ${bytes} bytes of ${whole.length}`)
    bucket.put('source_data/10000.csv', csv(`Changed by ${search}`))
    await fresh('/data?limit=1')
    t.equal(await digest(reader.answer), createHash('md5').update(whole).digest('hex'), `${search}: of the version that it began with`)
  }
})

t.test('a slow reader does not hold a version for longer than is allowed, and never takes a part for the whole', async (t) => {
  const service = await setUp(t, { VERSIONS_MAX_AGE: '10s' })
  const { app, address, bucket, clock, fresh } = service
  const reader = await ask(service, `${address}/data?format=csv`)
  await handedOver(reader)
  bucket.put('source_data/10000.csv', csv('Changed'))
  await fresh('/data?limit=1')
  clock.advance(10_000)
  await fresh('/data?limit=1')
  t.notOk(reader.response.destroyed, 'ten seconds are allowed')
  clock.advance(1)
  await fresh('/data?limit=1')
  t.ok(reader.response.destroyed)
  await t.rejects(digest(reader.answer), { code: 'ECONNRESET' })
  t.equal((await app.inject('/readyz')).statusCode, 200)
})

t.test('nor more of them than there is room for', async (t) => {
  const service = await setUp(t, { VERSIONS_MAX_BYTES: '1MiB' })
  const { address, bucket, fresh } = service
  const reader = await ask(service, `${address}/data?format=csv`)
  await handedOver(reader)
  bucket.put('source_data/10000.csv', csv('Changed'))
  await fresh('/data?limit=1')
  t.ok(reader.response.destroyed)
  await t.rejects(digest(reader.answer), { code: 'ECONNRESET' })
})
