import t from 'tap'
import { build, csv, PNG } from '../support/app.js'

const files = { '1.csv': csv('A', 'A', Date.UTC(1990, 5, 16)), '1.png': PNG, '2.csv': csv('B', 'B', Date.UTC(1985, 0, 1)), '3.csv': csv('C', 'C', Date.UTC(1950, 0, 1)) }

t.test('statistics are computed for the minute of the request, or for as_of', async (t) => {
  const { app } = await build(t, { files })
  t.match((await app.inject('/stats')).json(), { count: 3, with_image: 1, as_of: '2025-06-15T12:15:00.000Z' })
  t.match((await app.inject('/stats?as_of=2025-06-16T02:00:00.5%2B02:00')).json(), { as_of: '2025-06-16T00:00:00.500Z' })
  t.match((await app.inject('/stats?as_of=2025-06-16')).json(), { as_of: '2025-06-16T00:00:00.000Z' }, 'a date is its midnight UTC')
})

t.test('the histogram counts birthdays in AGE_TIME_ZONE', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv('Ann', 'Lee', Date.parse('1990-06-14T20:00:00Z')) }, settings: { AGE_TIME_ZONE: 'Europe/Moscow' } })
  // Computed with the birth index, and row by row.
  for (const filter of ['', '&first_name=ann']) {
    const ageAt = async (asOf: string) => (await app.inject(`/stats?bin_width=1&as_of=${asOf}${filter}`)).json().age_histogram
    t.same(await ageAt('2025-06-14T20:59:59Z'), [{ min_age: 34, max_age: 34, count: 1 }], filter)
    t.same(await ageAt('2025-06-14T21:00:00Z'), [{ min_age: 35, max_age: 35, count: 1 }], filter)
  }
})

t.test('bin_width is the width of the bins in years', async (t) => {
  const { app } = await build(t, { files })
  const bins = async (search: string) => (await app.inject(`/stats?${search}`)).json().age_histogram
  t.same(await bins(''), [{ min_age: 30, max_age: 39, count: 1 }, { min_age: 40, max_age: 49, count: 1 }, { min_age: 70, max_age: 79, count: 1 }])
  t.same(await bins('bin_width=1'), [{ min_age: 34, max_age: 34, count: 1 }, { min_age: 40, max_age: 40, count: 1 }, { min_age: 75, max_age: 75, count: 1 }])
  t.same(await bins('bin_width=999&as_of=2025-06-16T00:00:00Z'), [{ min_age: 0, max_age: 998, count: 3 }])
  for (const width of ['0', '1000', '1.5', '-1', 'x', '']) {
    t.match((await app.inject(`/stats?bin_width=${width}`)).json(), { status: 400, errors: [{ parameter: 'bin_width' }] }, width)
  }
})
