import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { BufferPool } from '../../../lib/output/buffer-pool.js'
import { Exporter, type Export } from '../../../lib/output/exporter.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { tableOf } from '../../support/tables.js'

const rows = Array.from({ length: 4000 }, (_, i) => ({ user_id: String(10_000 + i), first_name: 'x'.repeat(40), birthts: i }))
const records = new TableVersion(tableOf(rows), 'UTC')
const bornFrom = (min: number) => ({ format: 'json' as const, filters: [{ column: 'birthts' as const, op: 'range' as const, value: { min } }] })
const expected = (min: number) => JSON.stringify(rows.slice(min).map((row) => ({ user_id: row.user_id, first_name: row.first_name, last_name: '', birthts: row.birthts, img_path: null })))
const bufferOf = ({ body }: Export) => body as Buffer

t.test('an answer is kept for those who ask again, while the data is the same', async (t) => {
  const exporter = new Exporter()
  const first = await exporter.export(records, bornFrom(1))
  t.equal(bufferOf(await exporter.export(records, bornFrom(1))), bufferOf(first))
  const others = new TableVersion(tableOf(rows.slice(0, 2)), 'UTC')
  t.equal(bufferOf(await exporter.export(others, bornFrom(1))).toString(), JSON.stringify(JSON.parse(expected(1)).slice(0, 1)))
  t.equal(bufferOf(await exporter.export(records, bornFrom(1))).toString(), expected(1))
})

t.test('memory is used again, but never while somebody reads it or may ask for it again', async (t) => {
  const exporter = new Exporter(1024 * 1024) // room for one answer, hardly two
  const seen = new Set<ArrayBufferLike>()
  const readers: [number, Export][] = []
  for (let i = 1; i < 200; i++) {
    const min = 1 + i % 37
    const answer = await exporter.export(records, bornFrom(min))
    seen.add(bufferOf(answer).buffer)
    readers.push([min, answer])
    if (readers.length > 3) {
      const [min, read] = readers.splice(i % 3, 1)[0]!
      if (bufferOf(read).toString() !== expected(min)) t.fail(`answer ${i} was written over`)
      read.release()
      read.release() // twice is as good as once
    }
  }
  for (const [min, read] of readers) t.equal(bufferOf(read).toString(), expected(min))
  t.ok(seen.size < 10, `${seen.size} pieces of memory for 200 answers`)
})

t.test('a text that is made row by row is kept where it is short', async (t) => {
  const exporter = new Exporter()
  const query = { ...bornFrom(3998), format: 'csv' as const, columns: ['user_id'] }
  const short = await exporter.export(records, query)
  t.equal(bufferOf(short).toString(), 'user_id\r\n13998\r\n13999\r\n')
  t.equal(bufferOf(await exporter.export(records, query)), bufferOf(short))
  const long = await exporter.export(records, { ...query, filters: [] })
  t.notOk(Buffer.isBuffer(long.body))
  t.equal((await text(Readable.from(long.body))).split('\r\n').length, 4002)
})

t.test('memory waits in bounds, and is never smaller than was asked for', async (t) => {
  const memory = new BufferPool()
  for (const bytes of [1, 1000, 65_536, 65_537, 100_000, 1_234_567, 3_000_000]) {
    const taken = memory.acquire(bytes)
    t.ok(taken.byteLength >= bytes && taken.byteLength <= 1.25 * bytes + 1, `${bytes}`)
  }
  const large = Array.from({ length: 100 }, () => memory.acquire(1024 * 1024))
  for (const piece of large) memory.release(piece)
  const again = Array.from({ length: 100 }, () => memory.acquire(1024 * 1024))
  t.equal(again.filter((piece) => large.includes(piece)).length, 32, 'of 100 MiB')
})
