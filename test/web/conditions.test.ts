import { readFileSync } from 'node:fs'
import t from 'tap'
import { describeFilter, operatorsOf, parseCondition, parseTypedNumber, rangeOf, toFilter, withoutRange } from '../../web/conditions.js'
import { parseQuery } from '../../web/query-state.js'
import { build } from '../support/app.js'
import { columnsIn } from './columns.js'

const users = columnsIn('schemas/users.json', 'city')
const devices = columnsIn('examples/devices/schema.json')
const pets = columnsIn('examples/pets/schema.json')
const products = columnsIn('examples/products/schema.json')

t.test('filters are described in words', async (t) => {
  const texts = [
    [users, 'min_age', '30', 'Age at least 30'],
    [users, 'image_exists', 'false', 'Without image'],
    [users, 'image_exists', 'true', 'With image'],
    [users, 'first_name', 'wren', 'First name is wren'],
    [users, 'last_name', 'a*', 'Last name begins with a'],
    [users, 'user_id', '10', 'User id is 10 (same case)'],
    [users, 'where', 'last_name=a*', 'Last name is a* (same case)'],
    [users, 'where', 'last_name!=a', 'Last name is not a (same case)'],
    [users, 'where', 'last_name^=a', 'Last name begins with a (same case)'],
    [devices, 'where', 'kind=sensor', 'Kind is sensor'],
    [devices, 'kind', 's*', 'Kind begins with s'],
    [users, 'where', 'city~a=b', 'city contains a=b'],
    [users, 'where', 'city=', 'city is (empty text)'],
    [users, 'where', '!city', 'city has no value'],
    [users, 'where', 'city', 'city has a value'],
    [users, 'where', 'birthts<0', 'Birth timestamp before 1970-01-01 00:00'],
    [users, 'where', 'gone>=3', 'gone >= 3'],
    [users, 'where', '=', 'where: ='],
    [devices, 'where', 'online=true', 'Online is yes'],
    [devices, 'where', 'installed_at>=2024-02-03T04:05:06Z', 'Installed at from 2024-02-03 04:05:06'],
    [pets, 'where', 'born<=2020-01-01', 'Date of birth up to 2020-01-01']
  ] as const
  for (const [columns, name, value, text] of texts) t.equal(describeFilter(columns, [name, value]), text)
})

t.test('conditions are read like the API reads them', async (t) => {
  t.same(parseCondition('a>=b'), { name: 'a', operator: '>=', value: 'b' })
  t.same(parseCondition('a^==b'), { name: 'a', operator: '^=', value: '=b' })
  t.same(parseCondition('a='), { name: 'a', operator: '=', value: '' })
  t.same(parseCondition('!a'), { name: 'a', operator: 'none', value: '' })
  for (const text of ['', '=', '!a=b', 'a!']) t.equal(parseCondition(text), undefined, text)
})

t.test('every filter that the form can make is accepted by the API', async (t) => {
  for (const path of ['schemas/users.json', 'examples/devices/schema.json', 'examples/pets/schema.json', 'examples/products/schema.json']) {
    const columns = columnsIn(path)
    const { app } = await build(t, { settings: { SCHEMA: path } })
    const { fields } = JSON.parse(readFileSync(path, 'utf8')) as { fields: { name: string, constraints?: { enum?: string[] } }[] }
    const values = { string: 'text', integer: '7', number: '1.5', boolean: 'true', date: '2020-01-01', datetime: '2020-01-01T00:00:00.000Z' }
    for (const column of columns.all) {
      for (const { id, hasValue } of operatorsOf(column)) {
        const value = fields.find(({ name }) => name === column.name)?.constraints?.enum?.[0] ?? values[column.type]
        const filter = toFilter(columns, column, id, hasValue ? value : '')
        const { statusCode, body } = await app.inject(`/stats?${new URLSearchParams([[filter[0], filter[1]]])}`)
        t.equal(statusCode, 200, `${filter.join('=')} ${body}`)
      }
    }
  }
})

t.test('a typed number may have a decimal comma; what could be another number is refused', async (t) => {
  const [price, battery] = [products.byName.get('price')!, devices.byName.get('battery')!]
  const numbers = [['1,8', '1.8'], [' -1.8 ', '-1.8'], ['0,125', '0.125'], ['1000,125', '1000.125'], ['1.234', '1.234'], ['12', '12'], ['2,5e-7', '2.5e-7']] as const
  for (const [text, number] of numbers) t.equal(parseTypedNumber(price, text), number)
  for (const text of ['3.000,50', '1,234', '-12,345', '3,000.5', '1.', ',5', '1 000', '0x10', 'NaN', ' ', '1,8,']) t.equal(parseTypedNumber(price, text), undefined, text)
  t.equal(parseTypedNumber(battery, '-18'), '-18')
  for (const text of ['1,8', '1.8', '3.000', '1e3', '']) t.equal(parseTypedNumber(battery, text), undefined, text)
})

t.test('the range of a column comes from all filters on it', async (t) => {
  const { age } = users
  t.same(rangeOf(parseQuery('?min_age=20&max_age=29&min_age=25'), age!), { min: 25, max: 30 })
  t.same(rangeOf(parseQuery('?min_age=20'), age!), { min: 20, max: Infinity })
  t.equal(rangeOf(parseQuery('?where=city>3'), age!), undefined)
  const price = products.byName.get('price')!
  t.same(rangeOf(parseQuery('?where=price>1&where=price<=2.5'), price), { min: 1, max: 2.5 })
  const battery = devices.byName.get('battery')!
  t.same(rangeOf(parseQuery('?where=battery>2.5&where=battery<=7.5'), battery), { min: 3, max: 8 }, 'whole numbers')
  const born = pets.byName.get('born')!
  t.same(rangeOf(parseQuery('?where=born>=2020-01-01&where=born<=2020-01-31'), born), { min: Date.UTC(2020, 0, 1), max: Date.UTC(2020, 1, 1) })
})

t.test('a query without a range keeps all other filters', async (t) => {
  const query = parseQuery('?min_age=20&q=a&max_age=29&where=city=x&where=birthts>3&where=birthts')
  t.same(withoutRange(query, users.age!).filters, [['q', 'a'], ['where', 'city=x'], ['where', 'birthts>3'], ['where', 'birthts']])
  t.same(withoutRange(query, users.byName.get('birthts')!).filters, [['min_age', '20'], ['q', 'a'], ['max_age', '29'], ['where', 'city=x'], ['where', 'birthts']])
})
