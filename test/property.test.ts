import fc from 'fast-check'
import t from 'tap'
import { build, NOON } from './helper.js'
import { referenceQuery, referenceRecords, referenceStats, type ReferenceQuery } from './reference.js'

const ZONES = ['UTC', 'Europe/Moscow', 'America/St_Johns', 'Pacific/Kiritimati']
const DAY = 86_400_000
const utc = (...date: [number, number, number]) => Date.UTC(...date)

// Edges on purpose: birthdays and leap days, midnights and the hours around them, the last minute of a day in each zone.
const edge = fc.tuple(
  fc.constantFrom(utc(1990, 5, 15), utc(2000, 1, 29), utc(2004, 1, 29), utc(1999, 2, 1), utc(2001, 1, 28), utc(1969, 11, 31), utc(2030, 0, 1)),
  fc.constantFrom(0, -1, 1, -3, 3, -4, 2.5, -14, 14, 3.5).map((hours) => hours * 3_600_000),
  fc.constantFrom(0, -1, 1)
).map(([day, hours, ms]) => day + hours + ms)
const birth = fc.oneof(edge, fc.integer({ min: -2e12, max: 1.9e12 }))
const instant = fc.oneof(
  edge.map((ms) => ms + 25 * 365 * DAY),
  fc.tuple(fc.constantFrom(utc(2025, 5, 14), utc(2025, 5, 15), utc(2024, 1, 29), utc(2025, 1, 28), utc(2025, 2, 1)), fc.integer({ min: -15, max: 15 }))
    .map(([day, hours]) => day + hours * 3_600_000),
  fc.integer({ min: 0, max: 4e12 }))

const name = fc.constantFrom('Ann', 'ann', 'Anna', 'Łukasz', 'José', 'O, Neil', 'say "x"', '', '李', 'Ωmega', 'Straße')
const id = fc.constantFrom('1', '2', '0012', '12', 'a b', 'x.y', 'ü', '😀', '\uffff', 'z%41', 'p+q')
const field = (text: string) => `"${text.replaceAll('"', '""')}"`
const infoFile = fc.tuple(name, name, birth, fc.option(fc.constantFrom('Rome', '', 'x=y')))
  .map(([first, last, birthts, city]) => city === null
    ? `first_name, last_name, birthts\n${field(first)}, ${field(last)}, ${birthts}\n`
    : `birthts,city,last_name,first_name\r\n${birthts},${field(city)},${field(last)},${field(first)}\r\n`)
const file = fc.oneof(
  fc.tuple(id, fc.constantFrom('', 'a/', 'b/c/'), fc.constantFrom('.csv', '.csv', '.CSV'), infoFile),
  fc.tuple(id, fc.constantFrom('', 'a/'), fc.constantFrom('.png', '.JPG', '.webp'), fc.constant('picture'))
).map(([id, folder, extension, body]) => [`source_data/${folder}${id}${extension}`, body] as const)
const lake = fc.uniqueArray(file, { selector: ([key]) => key, maxLength: 25 })

const years = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constantFrom(24.5, 25.000000001, 34.999, 35.25))
const query: fc.Arbitrary<ReferenceQuery & { sort: string }> = fc.record({
  min: years,
  max: years,
  exact: fc.boolean(),
  image: fc.boolean(),
  ids: fc.uniqueArray(id, { minLength: 1, maxLength: 4 }),
  first: fc.constantFrom('ANN', 'an*', 'josé', 'łU*', 'none', '*'),
  where: fc.constantFrom<[string, string][]>([['first_name', 'Ann']], [['last_name', '']], [['first_name', 'Ann'], ['last_name', '李']]),
  asOf: instant,
  sort: fc.constantFrom('user_id', '-user_id', 'birthts', '-first_name')
}, { requiredKeys: ['asOf', 'sort'] }).map(({ min, max, ...rest }) => ({
  ...rest,
  ...min !== undefined && { min: Math.min(min, max ?? min) },
  ...max !== undefined && { max: Math.max(min ?? max, max) }
}))

/** At most nine decimals, never an exponent. */
const decimal = (years: number) => years.toFixed(9).replace(/\.?0+$/, '')

function search ({ min, max, exact, asOf, image, ids = [], first, where = [], sort }: ReferenceQuery & { sort?: string }): string {
  const parameters: [string, string | undefined][] = [
    ['min_age', min === undefined ? undefined : decimal(min)], ['max_age', max === undefined ? undefined : decimal(max)],
    ['age_basis', exact === undefined ? undefined : exact ? 'exact' : 'completed'], ['as_of', new Date(asOf).toISOString()],
    ['image_exists', image === undefined ? undefined : String(image)], ['first_name', first], ['sort', sort],
    ...ids.map((id): [string, string] => ['user_id', id]), ...where.map(([column, value]): [string, string] => ['where', `${column}=${value}`])
  ]
  return new URLSearchParams(parameters.filter((pair): pair is [string, string] => pair[1] !== undefined)).toString()
}

const sorted = (records: Record<string, any>[], sort: string) => {
  const column = sort.replace('-', '')
  const compare = (a: any, b: any) => typeof a === 'number' ? a - b : Buffer.compare(Buffer.from(a), Buffer.from(b))
  const ordered = [...records].sort((a, b) => compare(a[column], b[column]))
  return sort.startsWith('-') ? ordered.reverse() : ordered
}

for (const zone of ZONES) {
  t.test(`random lakes and queries, through HTTP and through the reference: ${zone}`, async (t) => {
    const { app, bucket, clock } = await build(t, { settings: { AGE_TIME_ZONE: zone } })
    const ask = async (path: string, fresh = false) =>
      (await app.inject({ url: path, headers: fresh ? { 'cache-control': 'no-cache' } : {} })).json()
    await fc.assert(fc.asyncProperty(lake, fc.array(query, { minLength: 1, maxLength: 6 }), async (files, queries) => {
      for (const key of [...bucket.keys()]) bucket.delete(key)
      const modified: Record<string, number> = {}
      files.forEach(([key, body], i) => {
        clock.now = NOON + (i * 7 % 5) * 1000 // a few seconds apart, in another order than the keys
        modified[key] = bucket.put(key, body).lastModified
      })
      clock.now = NOON
      const records = referenceRecords(Object.fromEntries(files), modified)
      let fresh = true
      for (const query of queries) {
        const expected = referenceQuery(records, query, zone)
        const shape = (r: Record<string, any>) => ({ user_id: r['user_id'], first_name: r['first_name'], last_name: r['last_name'], birthts: r['birthts'], img_path: r['img_path'] })
        const found = await ask('/data?' + search(query), fresh)
        if (JSON.stringify(found) !== JSON.stringify(sorted(expected, query.sort).map(shape))) {
          throw new Error(`/data: ${JSON.stringify(found)} for ${JSON.stringify(expected.map(shape))}`)
        }
        const { sort, ...filters } = query
        const stats = await ask('/stats?' + search(filters))
        for (const [figure, value] of Object.entries(referenceStats(expected, query.asOf))) {
          if (value === null ? stats[figure] !== null : !(Math.abs(stats[figure] - value) < 1e-9 * Math.max(1, Math.abs(value)))) {
            throw new Error(`/stats: ${figure} is ${stats[figure]}, not ${value}`)
          }
        }
        fresh = false
      }
    }), { numRuns: 60 })
  })
}
