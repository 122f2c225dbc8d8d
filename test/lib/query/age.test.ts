import fc from 'fast-check'
import t from 'tap'
import { Temporal } from 'temporal-polyfill'
import { calendarDay, type CalendarDay, isTimeZone } from '../../../lib/base/calendar.js'
import { ageFilters, completedYears, YEAR_MS, type AgeBasis } from '../../../lib/query/age.js'
import type { Filter } from '../../../lib/query/filter.js'
import { age } from '../../support/reference.js'
import { runs } from '../../support/property-runs.js'

const ZONES = ['UTC', 'Europe/Moscow', 'America/St_Johns', 'Pacific/Apia', 'Asia/Kathmandu', 'America/Los_Angeles', 'Africa/Monrovia']
const MAX_TIME = 8.64e15

interface Birth { readonly birthts: number, readonly birth_date: CalendarDay }

/** Whether the age filters, which are ranges of births, match the row. */
const keepsRow = (filters: Filter[], row: Birth) => filters.every((filter) => {
  if (filter.op !== 'born') throw new Error('not a range of births')
  const { min = -Infinity, max = Infinity } = filter.value
  const birth = filter.unit === 'millisecond' ? row.birthts : row.birth_date
  return birth >= min && birth <= max
})

/** The number of a calendar day, as `CalendarDay` defines it. */
const dateOf = (year: number, month: number, day: number) => (12 * year + month - 1) * 31 + day - 1 as CalendarDay

/** The calendar day that the digits yyyymmdd name. */
const date = (digits: number) => dateOf(Math.floor(digits / 10_000), Math.floor(digits / 100) % 100, digits % 100)

t.test('the calendar date of any instant is the one that Temporal gives', async (t) => {
  const instant = fc.oneof(fc.integer({ min: -3e12, max: 3e12 }), fc.integer({ min: -MAX_TIME + 1e9, max: MAX_TIME - 1e9 }))
  fc.assert(fc.property(instant, fc.constantFrom(...ZONES), (ms, zone) => {
    const { year, month, day } = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone)
    return calendarDay(ms, zone) === dateOf(year, month, day)
  }), runs(2000))
  t.equal(calendarDay(MAX_TIME, 'UTC'), dateOf(275760, 9, 13))
  t.equal(calendarDay(-MAX_TIME, 'UTC'), dateOf(-271821, 4, 20))
  t.equal(calendarDay(-1, 'UTC'), date(1969_12_31))
  t.equal(calendarDay(-1, 'Europe/Moscow'), date(1970_01_01))
  t.ok([MAX_TIME, -MAX_TIME].every((ms) => calendarDay(ms, 'UTC') === (calendarDay(ms, 'UTC') | 0)), 'it fits into 32 bits')
})

t.test('completed years change on birthdays', async (t) => {
  const table: [number, number, number, string][] = [
    [19900615, 20250614, 34, 'the day before'],
    [19900615, 20250615, 35, 'the day itself'],
    [20000229, 20010228, 0, 'Feb 29, a common year, Feb 28'],
    [20000229, 20010301, 1, 'Feb 29, a common year, Mar 1'],
    [20000229, 20040229, 4, 'Feb 29, a leap year'],
    [20250616, 20250615, -1, 'born tomorrow'],
    [20260615, 20250615, -1, 'born a year ahead'],
    [20260616, 20250615, -2, 'born a year and a day ahead']
  ]
  for (const [birth, today, years, name] of table) t.equal(completedYears(date(birth), date(today)), years, name)
})

t.test('an age filter matches exactly the records of that age', async () => {
  const years = fc.integer({ min: 0, max: 130_000 }).map((thousandths) => thousandths / 1000)
  // Any instant, or an anniversary of `asOf`, moved by up to two days, one hour and one millisecond, so that bounds are hit exactly and missed narrowly.
  const offset = fc.tuple(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -1, max: 1 }), fc.integer({ min: -1, max: 1 }))
    .map(([days, hours, ms]) => days * 86_400_000 + hours * 3_600_000 + ms)
  const birth = fc.oneof(fc.integer({ min: -2e12, max: 1.9e12 }), fc.record({ years: fc.integer({ min: -2, max: 100 }), offset }))
  const anniversary = (ms: number, timeZone: string, years: number) =>
    Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).add({ years }).epochMilliseconds
  const bound = fc.option(fc.oneof(years, fc.nat(3)))
  fc.assert(fc.property(
    birth, fc.integer({ min: 0, max: 1.8e12 }), bound, bound,
    fc.constantFrom<AgeBasis>('completed', 'exact'), fc.constantFrom(...ZONES),
    (birth, asOf, min, max, basis, timeZone) => {
      const birthts = typeof birth === 'number' ? birth : anniversary(asOf, timeZone, -birth.years) + birth.offset
      const row = { birthts, birth_date: calendarDay(birthts, timeZone) } as Birth
      const years = basis === 'exact'
        ? (asOf - birthts) / YEAR_MS
        : age(birthts, { asOf }, timeZone)
      const expected = (min === null || years >= min) && (max === null || years <= max)
      const filters = ageFilters({ min: min ?? undefined, max: max ?? undefined, basis, asOf, timeZone })
      return keepsRow(filters, row) === expected
    }), runs(5000))
})

t.test('exact bounds hold to the millisecond', async (t) => {
  const asOf = Date.parse('2025-06-15T00:00:00Z')
  const keeps = (birthts: number, range: { min?: number, max?: number }) =>
    keepsRow(ageFilters({ ...range, basis: 'exact', asOf, timeZone: 'UTC' }), { birthts } as Birth)
  t.ok(keeps(asOf - 35 * YEAR_MS, { min: 35 }))
  t.notOk(keeps(asOf - 35 * YEAR_MS + 1, { min: 35 }))
  t.ok(keeps(asOf - 35 * YEAR_MS, { max: 35 }))
  t.notOk(keeps(asOf - 35 * YEAR_MS - 1, { max: 35 }))
  // 0.000000001 years are 31.5576 ms
  t.ok(keeps(asOf - 32, { min: 1e-9 }))
  t.notOk(keeps(asOf - 31, { min: 1e-9 }))
  t.ok(keeps(asOf - 31, { max: 1e-9 }))
  t.notOk(keeps(asOf - 32, { max: 1e-9 }))
  t.ok(keeps(asOf + 32, { max: -1e-9 }))
  t.notOk(keeps(asOf + 31, { max: -1e-9 }))
})

t.test('completed and exact ages differ: 30 to 35 completed years match until the 36th birthday', async (t) => {
  const birthts = Date.parse('1989-07-01T00:00:00Z') // 35.95 years old
  const row = { birthts, birth_date: date(1989_07_01) } as Birth
  const range = { min: 30, max: 35, asOf: Date.parse('2025-06-15T00:00:00Z'), timeZone: 'UTC' }
  t.equal(keepsRow(ageFilters({ ...range, basis: 'completed' }), row), true)
  t.equal(keepsRow(ageFilters({ ...range, basis: 'exact' }), row), false)
})

t.test('recognizes the names of time zones', async (t) => {
  t.equal(isTimeZone('Europe/Moscow'), true)
  t.equal(isTimeZone('Mars/Olympus'), false)
  t.equal(isTimeZone(''), false)
})
