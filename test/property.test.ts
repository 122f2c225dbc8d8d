import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import type { LightMyRequestResponse } from 'fastify'
import t from 'tap'
import { Temporal } from 'temporal-polyfill'
import { build, CLOCK_START, type TestLake } from './support/app.js'
import { referenceHistogram, referencePages, referenceQuery, referenceRecords, referenceStats, YEAR, type ReferenceQuery, type ReferenceShape } from './support/reference.js'
import { runs } from './support/property-runs.js'

const ZONES = ['UTC', 'Europe/Moscow', 'America/St_Johns', 'Pacific/Kiritimati']
const DAY = 86_400_000
const utc = (...date: [number, number, number]) => Date.UTC(...date)

// Edge cases: birthdays and leap days, midnights and the hours around them, the last minute of a day in each zone.
const edge = fc.tuple(
  fc.constantFrom(utc(1990, 5, 15), utc(2000, 1, 29), utc(2004, 1, 29), utc(1999, 2, 1), utc(2001, 1, 28), utc(1969, 11, 31), utc(2030, 0, 1)),
  fc.constantFrom(0, -1, 1, -3, 3, -4, 2.5, -14, 14, 3.5).map((hours) => hours * 3_600_000),
  fc.constantFrom(0, -1, 1)
).map(([day, hours, ms]) => day + hours + ms)
const birth = fc.oneof(edge, edge, fc.integer({ min: -2e12, max: 1.9e12 }), fc.constantFrom(0, -8.64e15, 8.64e15))

type Records = Record<string, any>[]
/** An instant, computed from the lake and the query. */
type Instant = (records: Records, bound: number, zone: string) => number

/** The birth of a record, by a number that is reduced modulo the number of records. */
const birthtsOf = (records: Records, n: number) => records.length === 0 ? CLOCK_START : records[n % records.length]!['birthts'] as number

// Instants at which a record just reaches the age of a filter, and a little before and after.
const birthday = fc.tuple(fc.nat(24), fc.constantFrom(0, 0, 1, 18), fc.constantFrom(0, 0, 1, -1, DAY, -DAY, DAY - 1, 1 - DAY, 12 * 3_600_000))
  .map(([n, more, offset]): Instant => (records, bound, zone) => {
    const born = Temporal.Instant.fromEpochMilliseconds(birthtsOf(records, n)).toZonedDateTimeISO(zone).toPlainDate()
    if (born.year < 1 || born.year > 9000) return CLOCK_START + offset
    return born.add({ years: Math.ceil(bound) + more }).toZonedDateTime(zone).epochMilliseconds + offset
  })
const elapsed = fc.tuple(fc.nat(24), fc.constantFrom(0, 1, -1))
  .map(([n, offset]): Instant => (records, bound) => birthtsOf(records, n) + Math.round(bound * YEAR) + offset)
const anyInstant = fc.integer({ min: 0, max: 4e12 }).map((ms): Instant => () => ms)

/** The instant, or CLOCK_START if its year has not four digits, so that a query could not name it. */
const namedInstant = (ms: number) => ms >= utc(1000, 0, 1) && ms < utc(9999, 0, 1) ? ms : CLOCK_START

const name = fc.constantFrom('Ann', 'ann', 'Anna', 'Łukasz', 'José', 'O, Neil', 'say "x"', '', '李', 'Ωmega', 'Straße')
const id = fc.constantFrom('1', '2', '0012', '12', 'a b', 'x.y', 'ü', '😀', '\uffff', 'z%41', 'p+q')
const field = (text: string) => `"${text.replaceAll('"', '""')}"`
const infoFile = fc.tuple(name, name, birth, fc.option(fc.constantFrom('Rome', '', 'x=y')))
  .map(([first, last, birthts, city]) => city === null
    ? `first_name, last_name, birthts\n${field(first)}, ${field(last)}, ${birthts}\n`
    : `birthts,city,last_name,first_name\r\n${birthts},${field(city)},${field(last)},${field(first)}\r\n`)
const file = fc.oneof(
  fc.tuple(id, fc.constantFrom('', 'a/', 'b/c/'), fc.constantFrom('.csv', '.csv', '.csv', '.CSV', '.tsv', '.json', '.csv.gz'), infoFile),
  fc.tuple(id, fc.constantFrom('', 'a/'), fc.constantFrom('.png', '.JPG', '.webp'), fc.constant('image'))
).map(([id, folder, extension, body]) => [`source_data/${folder}${id}${extension}`, body] as const)
const lake = fc.uniqueArray(file, { selector: ([key]) => key, maxLength: 25, size: 'max' })

const years = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constantFrom(0, 24.5, 25.000000001, 34.999, 35.25, 0.000000001))
const ages = fc.oneof(
  fc.record({ min: years }), fc.record({ max: years }), years.map((years) => ({ min: years, max: years })), fc.tuple(years, years).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) })))
// An instant that matters for the age basis, or any other one.
const agesAt = fc.oneof(
  fc.record({ ages, instant: birthday, exact: fc.constantFrom(undefined, false) }),
  fc.record({ ages, instant: elapsed, exact: fc.constant(true) }),
  fc.record({ ages: fc.oneof(ages, fc.constant({})), instant: fc.oneof(birthday, elapsed, anyInstant), exact: fc.constantFrom(undefined, false, true) }))
// Few filters at a time, so that some records match.
const others: fc.Arbitrary<Omit<ReferenceQuery, 'asOf'>> = fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, {
  weight: 3,
  arbitrary: fc.oneof(
    fc.record({ image: fc.boolean() }),
    fc.record({ ids: fc.uniqueArray(id, { minLength: 1, maxLength: 4 }) }),
    fc.record({ first: fc.constantFrom('ANN', 'an*', 'josé', 'łU*', 'none', '*') }),
    fc.record({
      where: fc.constantFrom<[string, string][]>(
        [['first_name', 'Ann']], [['last_name', '']], [['first_name', 'Ann'], ['last_name', '李']], [['city', '']], [['city', 'x=y']], [['city', 'Rome'], ['last_name', 'Ann']])
    }),
    fc.record({ image: fc.boolean(), first: fc.constantFrom('*', 'a*'), ids: fc.uniqueArray(id, { minLength: 5, maxLength: 9 }) }))
})
const COLUMNS = ['user_id', 'first_name', 'last_name', 'birthts', 'img_path', 'city']
const shape: fc.Arbitrary<ReferenceShape> = fc.record({
  sort: fc.constantFrom(...['user_id', 'first_name', 'last_name', 'birthts'].flatMap((column) => [column, `-${column}`])),
  format: fc.constantFrom('json', 'json', 'ndjson', 'csv'),
  columns: fc.shuffledSubarray(COLUMNS, { minLength: 1 }),
  limit: fc.integer({ min: 1, max: 9 })
}, { requiredKeys: ['sort', 'format'] })
const question = fc.record({ agesAt, others, shape })

/** At most nine decimals, never an exponent. */
const decimal = (years: number) => years.toFixed(9).replace(/\.?0+$/, '')

function search ({ min, max, exact, asOf, image, ids = [], first, where = [] }: ReferenceQuery, { sort, format, columns, limit }: Partial<ReferenceShape> = {}): string {
  const parameters: [string, string | undefined][] = [
    ['min_age', min === undefined ? undefined : decimal(min)], ['max_age', max === undefined ? undefined : decimal(max)],
    ['age_basis', exact === undefined ? undefined : exact ? 'exact' : 'completed'], ['as_of', new Date(asOf).toISOString()],
    ['image_exists', image === undefined ? undefined : String(image)], ['first_name', first],
    ['sort', sort], ['format', format], ['columns', columns?.join()], ['limit', limit?.toString()],
    ...ids.map((id): [string, string] => ['user_id', id]), ...where.map(([column, value]): [string, string] => ['where', `${column}=${value}`])
  ]
  return new URLSearchParams(parameters.filter((pair): pair is [string, string] => pair[1] !== undefined)).toString()
}

/** An info file in CSV in the format of its extension. */
function encode (key: string, csv: string): string | Buffer {
  if (key.endsWith('.csv.gz')) return gzipSync(csv)
  if (!/\.(tsv|json)$/.test(key)) return csv
  const [names, row] = parse(csv, { trim: true }) as [string[], string[]]
  if (key.endsWith('.tsv')) return stringify([names, row], { delimiter: '\t' })
  return JSON.stringify(Object.fromEntries(names.map((name, i) => [name, name === 'birthts' ? Number(row[i]) : row[i]])))
}

/** Replaces all files, and returns the records of the new ones. */
function fill ({ bucket, clock }: TestLake, files: readonly (readonly [string, string])[]): Records {
  for (const key of [...bucket.keys()]) bucket.delete(key)
  const modified: Record<string, number> = {}
  files.forEach(([key, body], i) => {
    clock.now = CLOCK_START + (i * 7 % 5) * 1000 // a few seconds apart, in another order than the keys
    modified[key] = bucket.put(key, encode(key, body)).lastModified
  })
  clock.now = CLOCK_START
  return referenceRecords(Object.fromEntries(files), modified)
}

/** Reads all pages of a listing and compares each with the expected one. */
async function checkPages ({ app }: TestLake, url: string, format: string, expected: readonly unknown[], total: number): Promise<void> {
  let next: string | undefined = url
  for (const page of expected) {
    assert.ok(next, 'there is another page')
    const { statusCode, body, headers }: LightMyRequestResponse = await app.inject(next)
    assert.equal(statusCode, 200, body)
    assert.equal(headers['x-total-count'], String(total))
    assert.deepEqual(format === 'csv' ? parse(body, { recordDelimiter: '\r\n' }) : body, page, url)
    next = /^<([^>]+)>; rel="next"$/.exec(String(headers['link']))?.[1]
  }
  assert.equal(next, undefined, 'there is no other page')
}

for (const zone of ZONES) {
  t.test(`random lakes and queries have the same results as the reference: ${zone}`, async (t) => {
    const service = await build(t, { settings: { AGE_TIME_ZONE: zone } })
    const { fresh } = service
    await fc.assert(fc.asyncProperty(lake, fc.array(question, { minLength: 1, maxLength: 6 }), async (files, questions) => {
      const records = fill(service, files)
      await fresh('/data')
      const hasCity = records.some((record) => record['city'] !== undefined)
      for (const { agesAt: { ages, instant, exact }, others, shape } of questions) {
        const { min, max }: Partial<Record<'min' | 'max', number>> = ages
        const asOf = namedInstant(instant(records, min ?? max ?? 25, zone))
        const query = { ...others, ...ages, asOf, ...exact !== undefined && { exact } }
        const url = '/data?' + search(query, shape)
        const stats = '/stats?bin_width=1&' + search(query)
        const asksForCity = shape.columns?.includes('city') || query.where?.some(([column]) => column === 'city')
        if (asksForCity && !hasCity) {
          assert.equal((await service.app.inject(url)).statusCode, 400)
          continue
        }
        const expected = referenceQuery(records, query, zone)
        await checkPages(service, url, shape.format, referencePages(expected, shape), expected.length)
        const figures = (await service.app.inject(stats)).json()
        for (const [figure, value] of Object.entries(referenceStats(expected, query.asOf))) {
          if (value === null ? figures[figure] !== null : !(Math.abs(figures[figure] - value) < 1e-9 * Math.max(1, Math.abs(value)))) {
            assert.fail(`${stats}: ${figure} is ${figures[figure]}, not ${value}`)
          }
        }
        assert.deepEqual(figures.age_histogram, referenceHistogram(expected, query.asOf, zone), stats)
      }
    }), runs(150))
  })
}
