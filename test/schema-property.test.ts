import assert from 'node:assert/strict'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import type { LightMyRequestResponse } from 'fastify'
import t from 'tap'
import type { FieldDescriptor, SchemaDescriptor } from '../lib/schema/descriptor.js'
import type { TypeName } from '../lib/schema/field-type.js'
import { build, type TestLake } from './support/app.js'
import { runs } from './support/property-runs.js'

type Json = string | number | boolean | null
type JsonRecord = Readonly<Record<string, Json>>

/** Values of each type: the text in a file, and the value in responses. */
const VALUES: Readonly<Record<TypeName, readonly (readonly [text: string, json: Json])[]>> = {
  string: [['', null], ['X', 'X'], ['x', 'x'], ['xy', 'xy'], ['É', 'É'], ['"q"', '"q"'], ['0', '0']],
  integer: [['', null], ['0', 0], ['-7', -7], ['+12', 12], ['9007199254740991', Number.MAX_SAFE_INTEGER]],
  number: [['', null], ['0', 0], ['1.50', 1.5], ['-.25', -0.25], ['1e21', 1e21], ['5e-324', 5e-324]],
  boolean: [['', null], ['true', true], ['0', false]],
  date: [['', null], ['2024-01-26', '2024-01-26'], ['1969-12-31', '1969-12-31'], ['0001-01-01', '0001-01-01']],
  datetime: [['', null], ['2024-01-26T15:00:00Z', '2024-01-26T15:00:00.000Z'], ['2024-01-26T15:00:00.5', '2024-01-26T15:00:00.500Z'], ['1969-12-31T23:59:59+02:00', '1969-12-31T21:59:59.000Z']]
}
const TYPES = Object.keys(VALUES) as TypeName[]
const NAMES = ['a', 'b b', 'C', 'd.d', 'é', 'limit']
const KEYS = ['1', '2', '0012', 'x y', 'ü', 'a.b']

const typedField = (name: string): fc.Arbitrary<FieldDescriptor> => fc.constantFrom(...TYPES).map((type) => ({ name, type }))
const schemaOf = fc.record({
  key: fc.constantFrom('user_id', 'device', 'the key'),
  names: fc.shuffledSubarray(NAMES, { minLength: 1, maxLength: 4 }),
  image: fc.boolean(),
  place: fc.nat(4)
}).chain(({ key, names, image, place }) => fc.tuple(...names.map(typedField)).map((fields): SchemaDescriptor => {
  const all: FieldDescriptor[] = [...fields, ...image ? [{ name: 'photo', type: 'string', source: 'image' } as const] : []]
  all.splice(place, 0, { name: key, type: 'string', source: 'key' })
  return { fields: all }
}))

interface Entity { readonly key: string, readonly picks: readonly number[], readonly image: boolean, readonly room: string | null }
const entity: fc.Arbitrary<Entity> = fc.record({
  key: fc.constantFrom(...KEYS), picks: fc.array(fc.nat(20), { minLength: 4, maxLength: 4 }), image: fc.boolean(), room: fc.option(fc.constantFrom('', '7'))
})
const entities = fc.uniqueArray(entity, { selector: ({ key }) => key, minLength: 2, maxLength: 6, size: 'max' })

const OPERATORS = ['=', '!=', '<', '<=', '>', '>=', '~', '^='] as const
type Operator = (typeof OPERATORS)[number]

/** Columns and values by their numbers. */
interface Condition { readonly column: number, readonly operator: Operator | 'exists' | 'none', readonly value: number }
interface Question {
  readonly filters: readonly (readonly [column: number, picks: readonly number[]])[]
  readonly conditions: readonly Condition[]
  readonly words: string | undefined
  readonly sort: readonly (readonly [column: number, isReversed: boolean])[]
  /** The column of the groups of /stats. */
  readonly groupBy: number
  readonly columns: readonly number[] | '*' | undefined
  readonly limit: number | undefined
  readonly format: 'json' | 'ndjson' | 'csv'
}
/** Few filters at a time, so that some records match. */
const rarely = <T>(item: fc.Arbitrary<T>) => fc.oneof({ weight: 2, arbitrary: fc.constant<T[]>([]) }, { weight: 2, arbitrary: fc.array(item, { minLength: 1, maxLength: 1 }) }, { weight: 1, arbitrary: fc.array(item, { minLength: 2, maxLength: 2 }) })

const question: fc.Arbitrary<Question> = fc.record({
  filters: rarely(fc.tuple(fc.nat(9), fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }))),
  conditions: rarely(fc.record({ column: fc.nat(9), operator: fc.constantFrom<Condition['operator'][]>(...OPERATORS, 'exists', 'none'), value: fc.nat(20) })),
  words: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom('x', '1 x', '"Q" é', '7') }),
  sort: fc.uniqueArray(fc.tuple(fc.nat(9), fc.boolean()), { minLength: 1, maxLength: 3, selector: ([column]) => column }),
  groupBy: fc.nat(9),
  columns: fc.option(fc.oneof(fc.constant('*' as const), fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 4 })), { nil: undefined }),
  limit: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  format: fc.constantFrom('json', 'ndjson', 'csv')
})

const pick = <T>(list: readonly T[], index: number) => list[index % list.length]!
const filesOf = ({ fields }: SchemaDescriptor) => fields.filter(({ source }) => source === undefined)
const compareBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const quote = (text: string) => `"${text.replaceAll('"', '""')}"`

/** Replaces all files. Returns the records, in the order of their keys. */
function fill ({ bucket }: TestLake, schema: SchemaDescriptor, entities: readonly Entity[]): JsonRecord[] {
  for (const key of [...bucket.keys()]) bucket.delete(key)
  return [...entities].sort((a, b) => compareBytes(a.key, b.key)).flatMap(({ key, picks, image, room }) => {
    const files = filesOf(schema)
    const values = files.map(({ type }, i) => pick(VALUES[type], picks[i]!))
    const header = [...files.map(({ name }) => name), ...room === null ? [] : ['room']]
    const row = [...values.map(([text]) => text), ...room === null ? [] : [room]]
    if (row.every((text) => text === '')) return [] // not a row: the file would be rejected
    bucket.put(`source_data/${key}.csv`, `${header.map(quote).join()}\n${row.map(quote).join()}\n`)
    if (image) bucket.put(`source_data/${key}.png`, 'image')
    const declared = schema.fields.map(({ name, source }) => [name, source === 'key' ? key : source === 'image' ? image ? `source_data/${key}.png` : null : values[files.findIndex((field) => field.name === name)]![1]])
    return [{ ...Object.fromEntries(declared), ...room !== null && { room } }]
  })
}

/** Random parameters, and the records that they select. */
function ask (schema: SchemaDescriptor, records: readonly JsonRecord[], { filters, conditions, words, sort, groupBy, columns, limit, format }: Question) {
  const key = schema.fields.find(({ source }) => source === 'key')!.name
  const parameters: [string, string][] = []
  let selected = [...records]
  const filterable = schema.fields.filter(({ name }) => name !== 'limit')
  for (const [index, picks] of new Map(filters.map(([column, picks]) => [column % filterable.length, picks]))) {
    const { name, type, source } = filterable[index]!
    const values = source === 'key' ? picks.map((i) => pick(KEYS, i)) : source === 'image' ? picks.map((i) => `source_data/${pick(KEYS, i)}.png`) : picks.map((i) => pick(VALUES[type].slice(1), i)[1])
    const prefixes = source === undefined && type === 'string' && picks[0]! % 2 === 0
    for (const value of values) parameters.push([name, prefixes ? `${String(value)}*` : String(value)])
    const fold = (value: Json) => source === undefined && type === 'string' ? String(value).toUpperCase() : String(value)
    const matches = (value: Json) => values.some((wanted) => prefixes ? fold(value).startsWith(fold(wanted)) : fold(value) === fold(wanted))
    selected = selected.filter((record) => record[name] !== null && matches(record[name]!))
  }
  const declared = schema.fields.map(({ name }) => name)
  const known = records.some((record) => 'room' in record) ? [...declared, 'room'] : declared
  const typeOf = (name: string) => schema.fields.find((field) => field.name === name)?.type ?? 'string'
  const given = conditions.map(({ column, operator, value }): GivenCondition => {
    const name = pick(known, column)
    const isText = typeOf(name) === 'string'
    const isEquality = operator === '=' || operator === '!='
    const text = name === key ? pick(KEYS, value) : pick(VALUES[typeOf(name)].slice(1), value)[1]
    // A value that is no key of an object is refused.
    return { name, operator: !isText && (operator === '~' || operator === '^=') ? '=' : operator, value: name === 'photo' && isEquality ? `source_data/${pick(KEYS, value)}.png` : text }
  }).filter((condition, i, all) => !all.slice(0, i).some((other) => excludeEachOther(other, condition)))
  for (const { name, operator, value } of given) parameters.push(['where', operator === 'exists' ? name : operator === 'none' ? `!${name}` : `${name}${operator}${String(value)}`])
  selected = selected.filter((record) => given.every((condition) => meets(record[condition.name] ?? null, condition, given)))
  if (words !== undefined) {
    parameters.push(['q', words])
    const texts = (record: JsonRecord) => known.filter((name) => typeOf(name) === 'string' && name !== 'photo').map((name) => String(record[name] ?? '').toUpperCase())
    selected = selected.filter((record) => words.split(' ').every((word) => texts(record).some((text) => text.includes(word.toUpperCase()))))
  }
  const groupColumn = pick(known, groupBy)
  const stats = { url: `/stats?${new URLSearchParams([...parameters, ['group_by', groupColumn], ['limit', '2']])}`, ...groupsOf(selected.map((record) => record[groupColumn] ?? null)) }
  parameters.push(['format', format])
  const order = [...new Map(sort.map(([column, isReversed]) => [pick(known, column), isReversed ? -1 : 1]))]
  parameters.push(['sort', order.map(([name, direction]) => direction < 0 ? `-${name}` : name).join()])
  selected.sort((a, b) => {
    for (const [name, direction] of order) {
      const [x, y] = [a[name] ?? null, b[name] ?? null]
      const comparison = x === null || y === null ? Number(x === null) - Number(y === null) : direction * compare(x, y)
      if (comparison !== 0) return comparison
    }
    return order.at(-1)![1] * compareBytes(String(a[key]), String(b[key]))
  })
  const names = columns === undefined ? declared : columns === '*' ? known : [...new Set(columns.map((i) => pick(known, i)))]
  if (columns !== undefined) parameters.push(['columns', columns === '*' ? '*' : names.join()])
  if (limit !== undefined) parameters.push(['limit', String(limit)])
  const size = limit ?? Math.max(1, selected.length)
  const pages = Array.from({ length: Math.max(1, Math.ceil(selected.length / size)) }, (_, i) => selected.slice(i * size, (i + 1) * size))
  return { url: `/data?${new URLSearchParams(parameters)}`, pages: pages.map((page) => render(page, names, format)), count: selected.length, stats }
}

/** The two largest groups of equal values, and how many others there are. */
function groupsOf (values: readonly Json[]) {
  const all = [...new Set(values)].map((value) => ({ value, count: values.filter((other) => other === value).length })).sort((a, b) => b.count - a.count ||
    (a.value === null || b.value === null ? Number(a.value === null) - Number(b.value === null) : compare(a.value, b.value)))
  const others = all.slice(2)
  return { groups: all.slice(0, 2), other: { groups: others.length, count: others.reduce((sum, { count }) => sum + count, 0) } }
}

interface GivenCondition { readonly name: string, readonly operator: Condition['operator'], readonly value: Json }

/** Whether no text begins with both values, which the service refuses. */
function excludeEachOther (a: GivenCondition, b: GivenCondition): boolean {
  const [x, y] = [String(a.value), String(b.value)]
  return a.name === b.name && a.operator === '^=' && b.operator === '^=' && !x.startsWith(y) && !y.startsWith(x)
}

const compare = (a: Json, b: Json) => typeof a === 'string' ? compareBytes(a, b as string) : Number(a) - Number(b)

/** Whether a value meets a condition. Several `=` on one column mean any of their values, and several `!=` none of them. */
function meets (cell: Json, { name, operator, value }: GivenCondition, given: readonly GivenCondition[]): boolean {
  if (operator === 'none') return cell === null
  if (cell === null) return false
  const isAny = given.some((other) => other.name === name && other.operator === operator && other.value === cell)
  switch (operator) {
    case 'exists': return true
    case '=': return isAny
    case '!=': return !isAny
    case '<': return compare(cell, value) < 0
    case '<=': return compare(cell, value) <= 0
    case '>': return compare(cell, value) > 0
    case '>=': return compare(cell, value) >= 0
    case '~': return String(cell).toUpperCase().includes(String(value).toUpperCase())
    case '^=': return String(cell).startsWith(String(value))
  }
}

function render (records: readonly JsonRecord[], columns: readonly string[], format: Question['format']): unknown {
  if (format === 'csv') return [columns, ...records.map((record) => columns.map((column) => String(record[column] ?? '')))]
  const texts = records.map((record) => `{${columns.map((column) => `${JSON.stringify(column)}:${JSON.stringify(record[column] ?? null)}`).join()}}`)
  return format === 'json' ? `[${texts.join()}]` : texts.map((text) => text + '\n').join('')
}

t.test('lakes of random schemas have the same responses as the reference', async (t) => {
  let selective = 0
  await fc.assert(fc.asyncProperty(schemaOf, fc.array(fc.tuple(entities, fc.array(question, { minLength: 1, maxLength: 8 })), { minLength: 1, maxLength: 4 }), async (schema, lakes) => {
    const service = await build(t, { schema })
    for (const [entities, questions] of lakes) {
      const records = fill(service, schema, entities)
      await service.fresh('/stats')
      for (const question of questions) {
        const { url, pages, count, stats } = ask(schema, records, question)
        if (count > 0 && count < records.length) selective++
        let next: string | undefined = url
        for (const page of pages) {
          assert.ok(next, `${url} has another page`)
          const { statusCode, body, headers }: LightMyRequestResponse = await service.app.inject(next)
          assert.equal(statusCode, 200, `${url}: ${body}`)
          assert.equal(headers['x-total-count'], String(count), url)
          assert.deepEqual(question.format === 'csv' ? parse(body, { recordDelimiter: '\r\n' }) : body, page, url)
          next = /^<([^>]+)>; rel="next"$/.exec(String(headers['link']))?.[1]
        }
        assert.equal(next, undefined, `${url} has no other page`)
        const statistics = (await service.app.inject(stats.url)).json()
        assert.deepEqual([statistics.count, statistics.groups, statistics.other], [count, stats.groups, stats.other], stats.url)
      }
    }
  }), runs(40))
  t.ok(selective > runs(40).numRuns, `${selective} queries selected some of the records`)
})
