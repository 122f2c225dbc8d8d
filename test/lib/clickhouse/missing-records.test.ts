import fc from 'fast-check'
import t from 'tap'
import { EngineLossGuard, MissingRecords } from '../../../lib/clickhouse/missing-records.js'
import { LargeLossError } from '../../../lib/base/errors.js'
import { runs } from '../../support/property-runs.js'

const missingOf = (keys: Iterable<string>, unknown = 0) => {
  const missing = new MissingRecords(unknown)
  for (const key of keys) missing.add(key)
  return missing
}
const keys = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `record ${from + i}`)

t.test('records are confirmed as missing only if the other listing lacks them', async () => {
  await fc.assert(fc.property(fc.uniqueArray(fc.string(), { maxLength: 20 }), fc.uniqueArray(fc.string(), { maxLength: 20 }), fc.nat(5), fc.nat(5), (now, earlier, unknown, unknownEarlier) => {
    const [missing, other] = [missingOf(now, unknown), missingOf(earlier, unknownEarlier)]
    const expected = now.filter((key) => !earlier.includes(key)).length + Math.max(0, unknown - unknownEarlier)
    return missing.count === now.length + unknown && missing.unconfirmedBy(other) >= expected && missing.unconfirmedBy(missing) === 0
  }), runs(200))
})

t.test('two listings that lack different halves do not confirm each other; two that differ by a few records do', async (t) => {
  t.equal(missingOf(keys(0, 100_000)).unconfirmedBy(missingOf(keys(100_000, 200_000))), 100_000)
  const more = missingOf(keys(0, 100_010)).unconfirmedBy(missingOf(keys(0, 100_000)))
  t.ok(more >= 10 && more < 100, `${more}`)
})

t.test('a large loss is believed when the next listing agrees, compared with the same version', async (t) => {
  const guard = new EngineLossGuard(0.2)
  t.equal(guard.check(1n, 1000, missingOf(keys(0, 100))), undefined, 'not a large one')
  t.throws(() => guard.check(1n, 1000, missingOf(keys(0, 500))), new LargeLossError({ lost: 500, before: 1000 }))
  t.throws(() => guard.check(1n, 1000, missingOf(keys(500, 1000))), LargeLossError)
  t.throws(() => guard.check(2n, 1000, missingOf(keys(500, 1000))), LargeLossError, 'of another version')
  t.same(guard.check(2n, 1000, missingOf(keys(500, 1000))), { lost: 500, before: 1000 })
  t.throws(() => guard.check(undefined, 1000, missingOf([], 400)), LargeLossError, 'of the published records')
  t.throws(() => guard.check(undefined, 1000, missingOf([], 700)), LargeLossError)
  t.same(guard.check(undefined, 1000, missingOf([], 700)), { lost: 700, before: 1000 })
  t.equal(new EngineLossGuard(1).check(1n, 1000, missingOf(keys(0, 1000))), undefined)
})
