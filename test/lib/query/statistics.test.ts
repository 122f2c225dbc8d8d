import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { YEAR_MS } from '../../../lib/query/age.js'
import type { Statistics } from '../../../lib/query/statistics.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { tableOf, type TestRow } from '../../support/tables.js'
import { runs } from '../../support/property-runs.js'

const MAX_TIME = 8.64e15
type Row = Omit<TestRow, 'user_id'>
const row = (birthts: number): Row => ({ birthts })

/** The statistics of all rows by the index, compared with those of the same rows as the match of a predicate. */
async function stats (rows: readonly Row[], asOf = 0, binWidth = 10): Promise<Statistics> {
  const records = new TableVersion(tableOf(rows.map((row, i) => ({ user_id: String(i).padStart(6, '0'), ...row }))), 'UTC')
  const indexed = await records.statistics({ asOf, binWidth })
  assert.deepEqual(await records.statistics({ asOf, binWidth, filters: [() => true] }), indexed)
  return indexed
}

t.test('without records the average is -1 and the other ages are null', async (t) => {
  t.same(await stats([]), { count: 0, average_age: -1, median_age: null, youngest_age: null, oldest_age: null, with_image: 0, age_histogram: [] })
})

t.test('average and median of one, two and three records', async (t) => {
  const years = (n: number) => row(-n * YEAR_MS)
  t.match(await stats([years(30)]), { count: 1, average_age: 30, median_age: 30, youngest_age: 30, oldest_age: 30 })
  t.match(await stats([years(30), years(41)]), { average_age: 35.5, median_age: 35.5, youngest_age: 30, oldest_age: 41 })
  t.match(await stats([years(50), years(31), years(33)]), { average_age: 38, median_age: 33 })
  t.match(await stats([row(YEAR_MS)]), { average_age: -1, count: 1 }, 'born after the instant')
})

t.test('the histogram counts completed years in bins', async (t) => {
  const born = (iso: string) => row(Date.parse(iso))
  const { age_histogram: bins } = await stats([born('1960-01-01'), born('1960-01-02'), born('1969-06-01'), born('1970-02-01')])
  t.same(bins, [
    { min_age: -10, max_age: -1, count: 1 },
    { min_age: 0, max_age: 9, count: 2 },
    { min_age: 10, max_age: 19, count: 1 }
  ])
  const noon = Date.parse('2025-06-15T12:00:00Z')
  const newborn = [born('2025-06-15T11:00:00Z'), born('2025-06-15T12:00:00Z'), born('2025-06-15T12:00:00.001Z'), born('2025-06-16')]
  t.same((await stats(newborn, noon)).age_histogram, [{ min_age: -10, max_age: -1, count: 2 }, { min_age: 0, max_age: 9, count: 2 }], 'before birth the age is negative, not 0')
  t.same((await stats([row(MAX_TIME), row(-MAX_TIME)], 0, 1)).age_histogram.map(({ min_age: age }) => age), [-273791, 273790], 'the whole range of timestamps')
  t.same((await stats([born('1960-01-01')], 0, 1)).age_histogram, [{ min_age: 10, max_age: 10, count: 1 }])
})

t.test('sums of many large timestamps are exact', async (t) => {
  // Large values on both sides of 1970: a plain sum of doubles loses some milliseconds with each of them.
  const births = Array.from({ length: 20_000 }, (_, i) => i % 2 === 0 ? MAX_TIME - 12_345 - i : 1_234_567 + 7 * i - MAX_TIME)
  const sum = births.reduce((sum, birthts) => sum + BigInt(birthts), 0n)
  const exact = Number(-sum * 1_000_000_000_000n / (BigInt(births.length) * BigInt(YEAR_MS))) / 1e12
  const { average_age: average } = await stats(births.map(row))
  t.ok(Math.abs(average - exact) < 1e-9, `${average} for ${exact}`)
})

t.test('statistics equal those of big-integer arithmetic within rounding errors', async () => {
  const birthts = fc.oneof(fc.integer({ min: -2e12, max: 1.8e12 }), fc.integer({ min: -MAX_TIME, max: MAX_TIME }))
  const close = (actual: number | null, dividend: bigint, divisor: bigint) => {
    // Within 1e-6 in integers, and within 1e-9 (relative, above 1) in doubles.
    const scaled = dividend * 1_000_000_000_000n / divisor
    return Math.abs(Number(scaled - BigInt(Math.round(actual! * 1e6)) * 1_000_000n)) / 1e12 < 1e-6 &&
      Math.abs(actual! - Number(scaled) / 1e12) < 1e-9 * Math.max(1, Math.abs(actual!))
  }
  await fc.assert(fc.asyncProperty(fc.array(birthts, { minLength: 1, maxLength: 200 }), fc.integer({ min: 0, max: 4e12 }), async (births, asOf) => {
    const { average_age, median_age, youngest_age, oldest_age, count } = await stats(births.map((b) => row(b)), asOf)
    const sorted = births.map(BigInt).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    const n = BigInt(count)
    const now = BigInt(asOf)
    const year = BigInt(YEAR_MS)
    const middle = sorted[Math.floor((count - 1) / 2)]! + sorted[Math.ceil((count - 1) / 2)]!
    return close(average_age, now * n - sorted.reduce((a, b) => a + b), year * n) &&
      close(median_age, 2n * now - middle, 2n * year) &&
      close(youngest_age, now - sorted.at(-1)!, year) &&
      close(oldest_age, now - sorted[0]!, year)
  }), runs(1000))
})

t.test('the statistics of the same records are equal, whether they are all rows of the table, half of them or a few', async () => {
  // When clocks in St John's were put back one minute after midnight, the date of birth of later births was the day before.
  const clockChange = Date.parse('1990-10-28T02:31:00Z')
  const births = fc.oneof(fc.integer({ min: clockChange - 120_000, max: clockChange + 120_000 }), fc.integer({ min: -2e12, max: 1.8e12 }))
  const rows = fc.array(fc.record({ birthts: births, img_path: fc.constantFrom('source_data/1.png', null) }), { minLength: 1, maxLength: 8 })
  await fc.assert(fc.asyncProperty(rows, rows, fc.constantFrom('UTC', 'America/St_Johns'), fc.constantFrom(1, 10), async (some, others, timeZone, binWidth) => {
    const statisticsAmong = async (otherRows: readonly Row[]) => {
      const all = [...some.map((row) => ({ ...row, first_name: 'some' })), ...otherRows].map((row, i) => ({ user_id: String(i).padStart(6, '0'), ...row }))
      const version = new TableVersion(tableOf(all, { timeZone }), timeZone)
      return await version.statistics({ asOf: Date.parse('2025-06-15T12:00:00Z'), binWidth, filters: otherRows.length === 0 ? [] : [{ column: 'first_name', op: 'equals', value: 'some' }] })
    }
    const expected = await statisticsAmong([])
    assert.deepEqual([expected.count, expected.with_image], [some.length, some.filter(({ img_path: image }) => image !== null).length])
    assert.deepEqual(await statisticsAmong(some.map((_, i) => others[i % others.length]!)), expected)
    assert.deepEqual(await statisticsAmong(Array.from({ length: 20 * some.length }, (_, i) => others[i % others.length]!)), expected)
  }), runs(100))
})
