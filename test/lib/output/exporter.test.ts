import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { BufferPool } from '../../../lib/output/buffer-pool.js'
import { Exporter, type Encoding, type Export } from '../../../lib/output/exporter.js'
import { planRequest, type ExportQuery } from '../../../lib/output/request-plan.js'
import type { DataVersion } from '../../../lib/query/data-version.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { tableOf } from '../../support/tables.js'

const rows = Array.from({ length: 4000 }, (_, i) => ({ user_id: String(10_000 + i), first_name: 'x'.repeat(40), birthts: i }))
const records = new TableVersion(tableOf(rows), 'UTC')
/** More records than are written in one piece. */
const many = new TableVersion(tableOf(Array.from({ length: 65_000 }, (_, i) => ({ user_id: String(i) }))), 'UTC')
const bornFrom = (min: number, shape: Partial<ExportQuery> = {}): ExportQuery =>
  ({ format: 'json', filters: [{ column: 'birthts', op: 'range', value: { min } }], ...shape })
const expected = (min: number) => JSON.stringify(rows.slice(min).map((row) => ({ user_id: row.user_id, first_name: row.first_name, last_name: '', birthts: row.birthts, img_path: null })))
const bufferOf = ({ body }: Export) => body as Buffer
const run = async (exporter: Exporter, query: ExportQuery, encoding: Encoding = 'identity', version: DataVersion = records) =>
  await exporter.export(version, planRequest(version, query), encoding)

t.test('a body is cached for requests with the same plan', async (t) => {
  const exporter = new Exporter()
  const first = await run(exporter, bornFrom(1))
  t.equal(bufferOf(await run(exporter, bornFrom(1))), bufferOf(first))
  const others = new TableVersion(tableOf(rows.slice(0, 2)), 'UTC')
  t.equal(bufferOf(await run(exporter, bornFrom(1), 'identity', others)).toString(), JSON.stringify(JSON.parse(expected(1)).slice(0, 1)))
  t.equal(bufferOf(await run(exporter, bornFrom(1))).toString(), expected(1))
})

t.test('the memory of a body is reused, but not while the body is read or cached', async (t) => {
  const exporter = new Exporter({ cacheBytes: 1024 * 1024 }) // room for one body, hardly two
  const seen = new Set<ArrayBufferLike>()
  const readers: [number, Export][] = []
  for (let i = 1; i < 200; i++) {
    const min = 1 + i % 37
    const result = await run(exporter, bornFrom(min))
    seen.add(bufferOf(result).buffer)
    readers.push([min, result])
    if (readers.length > 3) {
      const [min, read] = readers.splice(i % 3, 1)[0]!
      if (bufferOf(read).toString() !== expected(min)) t.fail(`body ${i} was overwritten`)
      read.release!()
      read.release!() // a second call changes nothing
    }
  }
  for (const [min, read] of readers) t.equal(bufferOf(read).toString(), expected(min))
  t.ok(seen.size < 10, `${seen.size} pieces of memory for 200 bodies`)
})

t.test('a CSV body is cached if it is short, and streamed if it is long', async (t) => {
  const exporter = new Exporter()
  const query = bornFrom(3998, { format: 'csv', columns: ['user_id'] })
  const short = await run(exporter, query)
  t.equal(bufferOf(short).toString(), 'user_id\r\n13998\r\n13999\r\n')
  t.equal(bufferOf(await run(exporter, query)), bufferOf(short))
  const long = await run(exporter, { ...query, filters: [] }, 'identity', many)
  t.notOk(Buffer.isBuffer(long.body))
  t.equal((await text(Readable.from(long.body))).split('\r\n').length, 65_002)
})

t.test('a body of few records with many bytes is streamed', async (t) => {
  const large = Array.from({ length: 300 }, (_, i) => ({ user_id: String(i), first_name: String(i).padEnd(100_000, 'x'), birthts: 0 }))
  const version = new TableVersion(tableOf(large), 'UTC')
  const { body } = await run(new Exporter(), { format: 'csv', columns: ['first_name'] }, 'identity', version)
  t.notOk(Buffer.isBuffer(body))
  const sorted = large.toSorted((a, b) => a.user_id < b.user_id ? -1 : 1)
  t.ok(await text(Readable.from(body)) === ['first_name', ...sorted.map((row) => row.first_name), ''].join('\r\n'), 'the body is complete')
})

t.test('a compressed body is one buffer, compressed once and cached', async (t) => {
  const exporter = new Exporter()
  const all = await Promise.all(Array.from({ length: 5 }, () => run(exporter, bornFrom(1), 'gzip')))
  t.equal(new Set(all.map(bufferOf)).size, 1, 'requests at the same time share the work')
  t.equal(gunzipSync(bufferOf(all[0]!)).toString(), expected(1))
  t.equal(bufferOf(await run(exporter, bornFrom(1), 'gzip')), bufferOf(all[0]!))
  t.equal(bufferOf(await run(exporter, bornFrom(1))).toString(), expected(1), 'the uncompressed body is cached separately')
})

t.test('compressed bodies count against the limit of the cache', async (t) => {
  const exporter = new Exporter({ cacheBytes: 32 * 1024 })
  const first = await run(exporter, bornFrom(1), 'gzip')
  for (let min = 2; min < 30; min++) await run(exporter, bornFrom(min), 'gzip')
  const again = await run(exporter, bornFrom(1), 'gzip')
  t.not(bufferOf(again), bufferOf(first))
  t.same(bufferOf(again), bufferOf(first))
})

t.test('a streamed body is compressed while it is read', async (t) => {
  const { body } = await run(new Exporter(), { format: 'csv', columns: ['user_id'] }, 'gzip', many)
  t.notOk(Buffer.isBuffer(body))
  t.equal(gunzipSync(await buffer(Readable.from(body))).toString().split('\r\n').length, 65_002)
})

t.test('a long body is streamed for the first request, and rendered as one buffer and cached for the next ones', async (t) => {
  for (const encoding of ['identity', 'gzip'] as const) {
    const exporter = new Exporter()
    const query: ExportQuery = { format: 'csv', columns: ['user_id'] }
    const first = await run(exporter, query, encoding, many)
    t.notOk(Buffer.isBuffer(first.body), encoding)
    const whole = await buffer(Readable.from(first.body))
    const all = await Promise.all(Array.from({ length: 5 }, () => run(exporter, query, encoding, many)))
    all.push(await run(exporter, query, encoding, many))
    for (const result of all) t.equal(bufferOf(result), bufferOf(all.at(-1)!), encoding)
    t.same(bufferOf(all.at(-1)!), whole)
  }
})

t.test('a body that is too large for one buffer is streamed for every request, and complete', async (t) => {
  const large = Array.from({ length: 2000 }, (_, i) => ({ user_id: String(10_000 + i), first_name: `${i}`.padEnd(10_000, 'x'), birthts: 0 }))
  const version = new TableVersion(tableOf(large), 'UTC')
  const exporter = new Exporter()
  const expected = ['first_name', ...large.map((row) => row.first_name), ''].join('\r\n')
  for (let i = 0; i < 3; i++) {
    const { body } = await run(exporter, { format: 'csv', columns: ['first_name'] }, 'identity', version)
    t.notOk(Buffer.isBuffer(body))
    t.ok(await text(Readable.from(body)) === expected)
  }
})

t.test('the buffer pool returns at least the requested memory, at most a quarter more, and retains at most 32 MiB', async (t) => {
  const memory = new BufferPool()
  for (const bytes of [1, 1000, 65_536, 65_537, 100_000, 1_234_567, 3_000_000]) {
    const taken = memory.acquire(bytes)
    t.ok(taken.byteLength >= bytes && taken.byteLength <= 1.25 * bytes + 1, `${bytes}`)
  }
  const large = Array.from({ length: 100 }, () => memory.acquire(1024 * 1024))
  for (const piece of large) memory.release(piece)
  const again = Array.from({ length: 100 }, () => memory.acquire(1024 * 1024))
  t.equal(again.filter((piece) => large.includes(piece)).length, 32, '32 MiB of the released 100 MiB are reused')
})
