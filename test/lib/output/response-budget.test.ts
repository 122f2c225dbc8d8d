import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import t from 'tap'
import { Exporter, LOCAL_READER, type Export } from '../../../lib/output/exporter.js'
import { planRequest, type ExportQuery } from '../../../lib/output/request-plan.js'
import { ResponseBudget } from '../../../lib/output/response-budget.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { tableOf } from '../../support/tables.js'

function setUp (maxBytes: number) {
  const clock = { now: 0 }
  const budget = new ResponseBudget(maxBytes, () => clock.now)
  const cut: string[] = []
  const reserve = (name: string, bytes: number) => {
    const response = budget.reserve(() => cut.push(name))
    response.set(bytes)
    return response
  }
  return { clock, budget, cut, reserve }
}

const BACKWARDS = [{ column: 'user_id', isReversed: true }]

t.test('a response is admitted while the bytes of all others are below the limit', async (t) => {
  const { budget, cut, reserve } = setUp(100)
  const a = reserve('a', 60)
  budget.admit()
  const b = reserve('b', 40)
  t.throws(() => budget.admit(), { name: 'OverloadedError' })
  b.set(39)
  budget.admit()
  b.set(1000)
  a.release()
  a.release()
  t.throws(() => budget.admit(), { name: 'OverloadedError' })
  b.release()
  b.set(1000)
  budget.admit()
  t.same(cut, [])
})

t.test('at the limit, a response that is about to send its first bytes has not stalled', async (t) => {
  const { clock, budget, cut, reserve } = setUp(100)
  clock.now = 60_000
  budget.reserve(() => cut.push('new'))
  reserve('a', 100)
  t.throws(() => budget.admit(), { name: 'OverloadedError' })
  t.same(cut, [])
})

t.test('at the limit, responses without progress for five seconds are cut, beginning with the one that has stalled longest', async (t) => {
  const { clock, budget, cut, reserve } = setUp(100)
  const a = reserve('a', 40)
  clock.now = 1000
  reserve('b', 40)
  reserve('c', 40)
  clock.now = 5999
  a.set(40)
  t.throws(() => budget.admit(), { name: 'OverloadedError' }, 'a has made progress, b and c have not stalled')
  clock.now = 6000
  budget.admit()
  t.same(cut, ['b'], 'no more responses than necessary')
})

const rows = Array.from({ length: 20_000 }, (_, i) => ({ user_id: String(100_000 + i), first_name: randomBytes(75).toString('hex'), birthts: i }))
const version = new TableVersion(tableOf(rows), 'UTC')
const bornFrom = (min: number, shape: Partial<ExportQuery> = {}) =>
  planRequest(version, { format: 'json', filters: [{ column: 'birthts', op: 'range', value: { min } }], ...shape })

/** An exporter whose cache is too small for any of these bodies, with a budget of one megabyte. */
function exporterOf (clock: () => number) {
  return new Exporter({ budget: new ResponseBudget(1e6, clock), cacheBytes: 1000 })
}

// The JSON and the CSV of 5000 records are one buffer each, those of 20,000 records are streams.
for (const [name, lowest, shape, encoding] of [
  ['a body', 15_000, {}, 'identity'], ['a compressed body', 15_000, {}, 'gzip'], ['a JSON stream', 0, { sort: BACKWARDS }, 'identity'], ['a CSV body', 15_000, { format: 'csv' }, 'identity'],
  ['a CSV stream', 0, { format: 'csv' }, 'identity']
] as const) {
  t.test(`${name} counts towards the limit while it is read`, async (t) => {
    let now = 0
    const exporter = exporterOf(() => now)
    const cut: number[] = []
    const readers: Export[] = []
    const startReading = async (min: number) => {
      const result = await exporter.export(version, bornFrom(min, shape), encoding, { ...LOCAL_READER, cut: () => cut.push(min) })
      readers.push(result)
      t.equal(Buffer.isBuffer(result.body), lowest > 0)
      // A stream is rendered while it is read.
      const chunks = Buffer.isBuffer(result.body) ? undefined : result.body[Symbol.asyncIterator]()
      for (let i = 0; i < 3; i++) await chunks?.next()
    }
    await t.rejects(async () => {
      for (let i = 0; i < 500; i++) await startReading(lowest + i)
    }, { name: 'OverloadedError' })
    const before = readers.length
    t.ok(before >= 1)
    for (const { release } of readers.splice(0)) release!()
    // Other records than before, because a long body that is requested again is rendered in another way.
    const first = lowest + 500
    await startReading(first)
    now = 10_000
    for (let i = 1; cut.length === 0; i++) await startReading(first + i)
    t.equal(cut[0], first, 'the response that has stalled longest is cut')
    t.equal(readers.length, before + 1, 'the same number of responses is admitted as before')
  })
}

t.test('bodies in the cache and the JSON that the table contains do not count towards the limit', async (t) => {
  const exporter = new Exporter({ budget: new ResponseBudget(1, () => 0) })
  for (let i = 0; i < 10; i++) {
    const { release } = await exporter.export(version, bornFrom(15_000 + i), 'identity')
    t.ok(release)
  }
  const whole = await exporter.export(version, planRequest(version, { format: 'json' }), 'identity')
  t.equal(whole.body, (await exporter.export(version, planRequest(version, { format: 'json' }), 'identity')).body)
})

t.test('a stream that has been read to its end does not count towards the limit', async (t) => {
  const exporter = exporterOf(() => 0)
  for (let i = 0; i < 3; i++) {
    const { body } = await exporter.export(version, bornFrom(i, { sort: BACKWARDS }), 'identity')
    t.ok((await buffer(Readable.from(body))).length > 3e6)
  }
})
