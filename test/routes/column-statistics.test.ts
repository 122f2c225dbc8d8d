import t from 'tap'
import type { SchemaDescriptor } from '../../lib/schema/descriptor.js'
import { build, csv } from '../support/app.js'

const schema: SchemaDescriptor = {
  fields: [
    { name: 'id', type: 'string', source: 'key' },
    { name: 'kind', type: 'string' },
    { name: 'count', type: 'integer' },
    { name: 'weight', type: 'number' },
    { name: 'on', type: 'boolean' },
    { name: 'made', type: 'date' },
    { name: 'seen', type: 'datetime' }
  ]
}
const device = (...cells: string[]) => `kind,count,weight,on,made,seen\n${cells.join()}\n`
const files = {
  'a.csv': device('lamp', '9007199254740991', '0.1', 'true', '2024-01-26', '2024-01-26T12:00:00.001Z'),
  'b.csv': device('lamp', '9007199254740991', '0.2', 'false', '2024-01-27', '2024-01-26T12:00:00Z'),
  'c.csv': device('fan', '2', '1e308', 'true', '2024-02-01', ''),
  'd.csv': device('', '', '1e308', '', '', '')
}

t.test('columns of integers, numbers, dates and datetimes have statistics', async (t) => {
  const { app } = await build(t, { schema, files })
  const { count, columns, ...others } = (await app.inject('/stats?columns=count,weight&columns=made,seen&bins=2')).json()
  t.same({ count, ...others }, { count: 4 })
  t.same(columns.count, {
    count: 3,
    sum: 18014398509481984,
    mean: 18014398509481984 / 3,
    median: 9007199254740991,
    min: 2,
    max: 9007199254740991,
    histogram: [{ min: 2, max: 4503599627370496, count: 1 }, { min: 4503599627370496, max: 9007199254740991, count: 2 }]
  }, 'the exact sum is 18014398509481984')
  t.match(columns.weight, { count: 4, sum: null, median: 5e307, min: 0.1, max: 1e308 }, 'the sum exceeds the largest double')
  t.ok(Math.abs(columns.weight.mean - 5e307) < 1e293)
  t.same(columns.made, {
    count: 3,
    mean: '2024-01-28',
    median: '2024-01-27',
    min: '2024-01-26',
    max: '2024-02-01',
    histogram: [{ min: '2024-01-26', max: '2024-01-29', count: 2 }, { min: '2024-01-29', max: '2024-02-01', count: 1 }]
  })
  t.same(columns.seen, {
    count: 2,
    mean: '2024-01-26T12:00:00.000Z',
    median: '2024-01-26T12:00:00.000Z',
    min: '2024-01-26T12:00:00.000Z',
    max: '2024-01-26T12:00:00.001Z',
    histogram: [{ min: '2024-01-26T12:00:00.000Z', max: '2024-01-26T12:00:00.001Z', count: 2 }]
  }, 'no bin is narrower than a millisecond')
  t.same((await app.inject('/stats?columns=count&where=kind=none')).json().columns.count, { count: 0, sum: 0, mean: null, median: null, min: null, max: null, histogram: [] })
})

t.test('the edges of bins have no rounding errors, unless a value lies between the rounded and the computed edge', async (t) => {
  const edges = async (...weights: string[]) => {
    const { app } = await build(t, { schema, files: Object.fromEntries(weights.map((weight, i) => [`${i}.csv`, device('lamp', '1', weight, 'true', '', '')])) })
    return (await app.inject('/stats?columns=weight&bins=5')).json().columns.weight.histogram.map(({ min, count }: { min: number, count: number }) => [min, count])
  }
  t.same(await edges('2.2', '17.8', '80.2'), [[2.2, 2], [17.800000000000004, 0], [33.4, 0], [49, 0], [64.6, 1]], '17.8 is below the computed edge')
  t.same(await edges('2.2', '17.9', '80.2'), [[2.2, 1], [17.8, 1], [33.4, 0], [49, 0], [64.6, 1]])
})

t.test('records are grouped by a column of any type', async (t) => {
  const { app } = await build(t, { schema, files })
  const groups = async (search: string) => (await app.inject(`/stats?${search}`)).json()
  t.same(await groups('group_by=kind'), { count: 4, group_by: 'kind', groups: [{ value: 'lamp', count: 2 }, { value: 'fan', count: 1 }, { value: null, count: 1 }], other: { groups: 0, count: 0 } })
  t.same((await groups('group_by=on')).groups, [{ value: true, count: 2 }, { value: false, count: 1 }, { value: null, count: 1 }])
  t.same((await groups('group_by=made&limit=1')), { count: 4, group_by: 'made', groups: [{ value: '2024-01-26', count: 1 }], other: { groups: 3, count: 3 } })
  t.same((await groups('group_by=id&where=kind')).groups.map(({ value }: { value: string }) => value), ['a', 'b', 'c'])
  t.match((await groups('group_by=kind&columns=weight&limit=1')), { columns: { weight: { count: 4 } }, groups: [{ value: 'lamp', columns: { weight: { count: 2, sum: 0.1 + 0.2 } } }] })
})

t.test('a column that has no statistics or does not exist is an error', async (t) => {
  const { app } = await build(t, { schema, files: { ...files, 'e.csv': 'kind,count,weight,on,made,seen,room\nfan,,,,,,1\n' } })
  const table: [search: string, parameter: string, detail: RegExp][] = [
    ['columns=kind', 'columns', /values of the type string; must be a column of one of the types integer, number, date, datetime; use group_by/], ['columns=on', 'columns', /boolean/], ['columns=room', 'columns', /string/],
    ['columns=wight', 'columns', /did you mean weight/], ['columns=count,count', 'columns', /twice/], ['columns=*', 'columns', /^\* is not accepted here; name columns of numbers, dates or datetimes: count, weight, made, seen$/],
    ['group_by=kinds', 'group_by', /did you mean kind/], ['group_by=kind_exists', 'group_by', /; it is not a column: where=kind selects the records that have a value, where=!kind the others$/], ['group_by=image_exists', 'group_by', /; the schema has no image field$/], ['group_by=kind,on', 'group_by', /^got "kind,on"; must be one column, not a list; to count by several columns, read them with columns= of GET \/data\.csv$/], ['group_by=', 'group_by', /./], ['group_by=kind&group_by=on', 'group_by', /at most once/],
    ['columns=count&bins=0', 'bins', /1 to 100/], ['group_by=kind&limit=1001', 'limit', /1 to 1000/], ['bins=5', 'bins', /got "5", which has no effect here: .*columns=/], ['group_by=kind&bins=5', 'bins', /columns=/], ['columns=count&limit=5', 'limit', /group_by=/], ['empty_bins=true', 'empty_bins', /unknown parameter/], ['group_by=age', 'group_by', /unknown column age/]
  ]
  for (const [search, parameter, detail] of table) t.match((await app.inject(`/stats?${search}`)).json(), { status: 400, errors: [{ parameter, detail }] }, search)
})

t.test('in a lake with images, grouping by image_exists is an error that names with_image', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const detail = /^unknown column image_exists; it is not a column: with_image of GET \/stats without group_by is/
  t.match((await app.inject('/stats?group_by=image_exists')).json(), { status: 400, errors: [{ parameter: 'group_by', detail }] })
})

t.test('an unknown column that is a group of ages or an expression in other systems gets a hint, and a date gets its birth timestamp', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const detailOf = async (search: string) => (await app.inject(`/stats?${search}`)).json().errors[0].detail
  for (const name of ['decade', 'age_group', 'birth_year']) t.equal(await detailOf(`group_by=${name}`), `unknown column ${name}; without group_by, GET /stats counts the ages in bins of bin_width years`)
  for (const text of ['age/10', 'floor(age/10)*10', 'age %25 5']) t.match(await detailOf(`group_by=${text}`), /"; must be the name of a column, not an expression; without group_by, GET \/stats counts the ages in bins/)
  for (const text of ['year(birthts)', 'substr(last_name,1,1)', 'average/10']) t.match(await detailOf(`group_by=${text}`), /"; must be the name of a column, not an expression$/)
  t.equal(await detailOf('columns=avg(age)'), 'unknown column avg(age); there are no functions: write the column alone (age)')
  t.equal(await detailOf('columns=avg(salary)'), 'unknown column avg(salary); GET /schema lists the columns')
  t.match(await detailOf('where=lower(last_name)=lee'), /; there are no functions: write the column alone \(last_name\)$/)
  t.match(await detailOf('where=birthts<1.1.1980'), /must be an integer .*; 1980-01-01 is 315532800000$/)
})

t.test('the default of a parameter that has no effect is accepted', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  for (const [path, search] of [['/stats', 'bins=20&limit=100&age_basis=completed'], ['/data', 'age_basis=completed']]) {
    t.equal((await app.inject(`${path}?${search}`)).body, (await app.inject(`${path}?`)).body)
  }
})

t.test('age is a column of statistics, and bins without records can be included', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv('A', 'B', Date.UTC(1990, 5, 15)), '2.csv': csv('A', 'C', Date.UTC(2020, 0, 1)), '3.csv': csv('A', 'B', Date.UTC(1990, 5, 14)) } })
  const at = '/stats?as_of=2025-06-15T00:00:00Z'
  t.match((await app.inject(`${at}&columns=age&group_by=age`)).json(), { columns: { age: { count: 3, sum: 75, mean: 25 } }, groups: [{ value: 35, count: 2 }, { value: 5, count: 1 }] })
  t.same((await app.inject(`${at}&empty_bins=true`)).json().age_histogram.map(({ count }: { count: number }) => count), [1, 0, 0, 2])
  t.same((await app.inject(`${at}&empty_bins=true&min_age=99`)).json().age_histogram, [])
  const plain = (await app.inject(at)).body
  t.equal((await app.inject(`${at}&empty_bins=false`)).body, plain)
  const far = await build(t, { files: { '1.csv': csv('A', 'B', -8.64e15), '2.csv': csv('A', 'B', 0) } })
  t.match((await far.app.inject(`${at}&empty_bins=true&bin_width=1`)).json(), { errors: [{ parameter: 'empty_bins', detail: /more than 1000 bins.*greater bin_width/ }] })
  t.equal((await far.app.inject(`${at}&empty_bins=true&bin_width=999`)).statusCode, 200)
})
