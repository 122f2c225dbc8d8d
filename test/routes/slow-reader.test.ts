import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage, type ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { build, csv, type LogLine, type TestLake } from '../support/app.js'
import { MemoryStore } from '../support/stores.js'
import { turns, until } from '../support/until.js'

/** The records have many times more bytes than the buffers of the kernel and of the server. */
const RECORDS = 4000
const NAME = 'x'.repeat(9000)
/** The maximum bytes that the server may buffer for a response. */
const BOUND = 8 * 1024 * 1024

interface Reader {
  /** The client's side: only the headers have been read. */
  readonly received: IncomingMessage
  /** The server's side. */
  readonly response: ServerResponse
}

/** A listening server over a lake of large records. */
async function setUp (t: Test, settings: Record<string, string> = {}, log: LogLine[] = []) {
  const service = await build(t, { log, settings: { MAX_STALENESS: '1h', ...settings }, store: (bucket) => new MemoryStore(bucket) })
  for (let i = 0; i < RECORDS; i++) service.bucket.put(`source_data/${10_000 + i}.csv`, csv(NAME, '', i))
  await service.fresh('/data?limit=1')
  const address = await service.app.listen({ port: 0 })
  return { ...service, address }
}

/** Sends a request and reads only the headers of the response. */
async function sendRequest ({ app }: TestLake, url: string): Promise<Reader> {
  const requested = once(app.server, 'request')
  const [received] = await once(get(url, { agent: false }), 'response')
  const [, response] = await requested
  return { received, response }
}

/** Waits until the server waits for the client to read. Returns the bytes that the server has sent. */
async function sentUntilBlocked ({ response }: Reader): Promise<number> {
  await until(() => response.writableNeedDrain)
  await turns(1000)
  return response.socket!.bytesWritten
}

async function digest (message: IncomingMessage): Promise<string> {
  const hash = createHash('md5')
  for await (const chunk of message) hash.update(chunk)
  return hash.digest('hex')
}

t.test('a client that stops reading does not make the server buffer the response, and receives all of it when it continues', async (t) => {
  const service = await setUp(t)
  const { app, address, bucket, fresh } = service
  for (const search of ['format=csv', 'format=ndjson', 'sort=-user_id', 'columns=first_name,user_id']) {
    const whole = (await app.inject(`/data?${search}`)).rawPayload
    const reader = await sendRequest(service, `${address}/data?${search}`)
    const bytes = await sentUntilBlocked(reader)
    const buffered = reader.response.writableLength
    t.ok(buffered < BOUND, `${search}: ${buffered} bytes are buffered`)
    t.ok(bytes < whole.length / 2, `${search}: ${bytes} bytes of ${whole.length}`)
    bucket.put('source_data/10000.csv', csv(`Changed by ${search}`))
    await fresh('/data?limit=1')
    t.equal(await digest(reader.received), createHash('md5').update(whole).digest('hex'), `${search}: the whole body is of the version at its beginning`)
  }
})

t.test('a slow reader does not retain a version for longer than VERSIONS_MAX_AGE, and its connection is reset', async (t) => {
  const service = await setUp(t, { VERSIONS_MAX_AGE: '10s' })
  const { app, address, bucket, clock, fresh } = service
  const reader = await sendRequest(service, `${address}/data?format=csv`)
  await sentUntilBlocked(reader)
  bucket.put('source_data/10000.csv', csv('Changed'))
  await fresh('/data?limit=1')
  clock.advance(10_000)
  await fresh('/data?limit=1')
  t.notOk(reader.response.destroyed, 'within VERSIONS_MAX_AGE')
  clock.advance(1)
  await fresh('/data?limit=1')
  t.ok(reader.response.destroyed)
  await t.rejects(digest(reader.received), { code: 'ECONNRESET' })
  t.equal((await app.inject('/readyz')).statusCode, 200)
})

t.test('slow readers do not retain more versions than VERSIONS_MAX_BYTES allows', async (t) => {
  const service = await setUp(t, { VERSIONS_MAX_BYTES: '1MiB' })
  const { address, bucket, fresh } = service
  const reader = await sendRequest(service, `${address}/data?format=csv`)
  await sentUntilBlocked(reader)
  bucket.put('source_data/10000.csv', csv('Changed'))
  await fresh('/data?limit=1')
  t.ok(reader.response.destroyed)
  await t.rejects(digest(reader.received), { code: 'ECONNRESET' })
})

t.test('beyond RESPONSES_MAX_BYTES new responses are 503, and responses without progress for five seconds are cut', async (t) => {
  const log: LogLine[] = []
  const service = await setUp(t, { RESPONSES_MAX_BYTES: '12MiB' }, log)
  const { app, address, clock } = service
  const url = `${address}/data?format=ndjson&sort=-user_id`
  const readers: Reader[] = []
  for (;;) {
    const response = await app.inject('/data?format=csv&columns=user_id&limit=1&max_age=' + (100 + readers.length))
    if (response.statusCode !== 200) {
      t.match(response.json(), { status: 503, code: 'overloaded' })
      t.equal(response.headers['retry-after'], '1')
      t.strictSame(log.filter(({ level }) => level >= 50), [], 'it is no error of the service')
      break
    }
    const reader = await sendRequest(service, url)
    await sentUntilBlocked(reader)
    readers.push(reader)
  }
  t.ok(readers.length >= 2 && readers.length <= 6, `${readers.length} readers`)
  for (const url of ['/data', '/data/10000', '/stats']) t.equal((await app.inject(url)).statusCode, 200, `${url} needs no memory except that of the data version`)
  clock.advance(5000)
  t.equal((await app.inject('/data?max_age=99&limit=1')).statusCode, 200)
  t.ok(readers[0]!.response.destroyed)
  t.notOk(readers.at(-1)!.response.destroyed)
  await t.rejects(digest(readers[0]!.received), { code: 'ECONNRESET' })
  for (const { response } of readers) response.destroy()
})
