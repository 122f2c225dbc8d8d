import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { compileSchema, parseSchema } from '../../../lib/schema/schema.js'
import { USERS_SCHEMA } from '../../../lib/schema/users-schema.js'
import { parseInfoFile } from '../../../lib/source/info-file.js'
import { runs } from '../../support/property-runs.js'

const devices = parseSchema(JSON.stringify({
  fieldsMatch: 'partial',
  fields: [
    { name: 'serial', type: 'string', source: 'key' },
    { name: 'model', type: 'string', header: ['model', 'Model'] },
    { name: 'weight', type: 'number' },
    { name: 'ports', type: 'integer' },
    { name: 'on', type: 'boolean' },
    { name: 'seen', type: 'datetime', constraints: { minimum: '2000-01-01T00:00:00Z' } }
  ]
}))

function parse (json: unknown, schema = devices, id = '7') {
  const { data, rejection } = parseInfoFile(Buffer.from(typeof json === 'string' ? json : JSON.stringify(json)), { format: 'json', delimiter: ',', encoding: 'utf-8', schema, id })
  const fields = data && Object.fromEntries(schema.fileFields.map(({ name }, i) => [name, data.values[i]]))
  return { fields, undeclared: data?.undeclared, rejection }
}

t.test('strings are parsed like the cells of a CSV; numbers and booleans must have the type of their column', async (t) => {
  const values = { model: 'X', weight: 1.5, ports: 4, on: true, seen: Date.UTC(2024, 0, 26, 12) }
  t.same(parse({ model: 'X', weight: 1.5, ports: 4, on: true, seen: '2024-01-26T12:00:00Z' }).fields, values)
  t.same(parse({ Model: 'X', weight: ' 1.5 ', ports: '4', on: '1', seen: '2024-01-26T12:00:00' }).fields, values)
  t.same(parse('\ufeff{ " model " : "X" }\r\n').fields, { model: 'X', weight: null, ports: null, on: null, seen: null }, 'with a byte order mark and spaces')
  t.same(parse({ model: null, weight: '', ports: -0 }).fields, { model: null, weight: null, ports: 0, on: null, seen: null })
  t.same(parse({ first_name: 'Ann', last_name: '', birthts: -5 }, compileSchema(USERS_SCHEMA)).fields, { first_name: 'Ann', last_name: '', birthts: -5 })
})

t.test('undeclared columns keep what is written; the key may be repeated', async (t) => {
  const { undeclared } = parse('{"model":"X","serial":7,"n":1.50,"big":12345678901234567890,"yes":true,"none":null,"empty":"","tags":["a", {"b":1}],"__proto__":"p"}')
  t.same(Object.entries(undeclared!), [['n', '1.50'], ['big', '12345678901234567890'], ['yes', 'true'], ['empty', ''], ['tags', '["a", {"b":1}]'], ['__proto__', 'p']])
  t.equal(parse({ model: 'X', serial: '7' }).rejection, undefined)
})

t.test('files that are not one object with values that fit their columns are rejected, with the place and a hint', async (t) => {
  const cases: [string, string, object][] = [
    ['nothing', ' \n', { code: 'empty_file' }],
    ['not JSON', '{\n"model": X\n}', { code: 'malformed_json', line: 2, detail: /^The file is not JSON: / }],
    ['half a file', '{\n"model": "X"', { code: 'malformed_json', line: 2 }],
    ['a second object', '{"model": "X"}\n{"model": "Y"}', { code: 'malformed_json', line: 2, hint: /JSON Lines/ }],
    ['CSV', 'model,weight\nX,1\n', { code: 'malformed_json', hint: /looks like CSV: give it a name that ends in \.csv/ }],
    ['an array', '[{"model": "X"}]', { code: 'malformed_json', detail: 'The file has an array; must have one JSON object', hint: /one file for each object/ }],
    ['a text', '"model"', { code: 'malformed_json', detail: 'The file has "model"; must have one JSON object' }],
    ['null', 'null', { code: 'malformed_json' }],
    ['a member twice', '{"model": "X", "model": "Y"}', { code: 'duplicate_header', column: 'model' }],
    ['a column twice under two names', '{"model": "X", "Model": "Y"}', { code: 'duplicate_header', column: 'Model' }],
    ['an escaped name twice', '{"model": "X", "\\u006dodel": "Y"}', { code: 'duplicate_header', column: 'model' }],
    ['a name that is empty', '{"model": "X", "": 1}', { code: 'empty_header' }],
    ['no declared column', '{"city": "Rome"}', { code: 'missing_column', detail: 'The object has no column model or Model' }],
    ['an object', '{\n"model": "X",\n"weight": {"kg": 1}}', { code: 'invalid_value', line: 3, column: 'weight', excerpt: '{"kg": 1}', hint: /columns of their own/ }],
    ['an array in a column of text', '{"model": ["X"]}', { code: 'invalid_value', column: 'model', detail: 'model is not text' }],
    ['a number in a column of text', '{"model": 5}', { code: 'invalid_value', detail: 'model is not text', hint: /in quotes/ }],
    ['a text in a column of numbers', '{"weight": "heavy"}', { code: 'invalid_value', excerpt: 'heavy' }],
    ['a number in a column of booleans', '{"on": 1}', { code: 'invalid_value', column: 'on' }],
    ['a boolean in a column of numbers', '{"weight": true}', { code: 'invalid_value', column: 'weight' }],
    ['a number in a column of datetimes', '{"seen": 5}', { code: 'invalid_value', column: 'seen' }],
    ['a fraction in a column of integers', '{"ports": 1.5}', { code: 'invalid_value', column: 'ports' }],
    ['an integer that is not exact', '{"ports": 9007199254740993}', { code: 'invalid_value', detail: /^ports is not an integer that a JSON number represents exactly/ }],
    ['the same in a column of numbers', '{"weight": 12345678901234567890}', { code: 'invalid_value', detail: /^weight is not an integer/ }],
    ['a number that is not finite', '{"weight": 1e999}', { code: 'invalid_value', detail: /^weight is not a finite number/ }],
    ['a constraint', '{"seen": "1999-12-31T00:00:00Z"}', { code: 'invalid_value', detail: 'seen must be at least 2000-01-01T00:00:00.000Z' }],
    ['another key', '{"model": "X", "serial": 8}', { code: 'reserved_header', column: 'serial', excerpt: '8' }]
  ]
  for (const [name, text, expected] of cases) t.match(parse(text).rejection, expected, name)
  t.match(parse({ first_name: 'A', last_name: null, birthts: 0 }, compileSchema(USERS_SCHEMA)).rejection, { code: 'invalid_value', column: 'last_name', hint: /needs a value/ })
  for (const text of ['{"model":"\\ud83d"}', '{"x":"\\ude00\\ud83d"}', '{"\\uD800":1}']) t.match(parse(text).rejection, { code: 'malformed_json', detail: /half a surrogate pair/, line: 1 }, text)
  t.equal(parse('{"model":"\\ud83d\\ude00"}').fields!['model'], '😀')
  t.match(parse('😀').rejection, { detail: /Unexpected token '\ufffd'/ }, 'the message of JSON.parse has half a surrogate pair')
  t.equal(parse('{"\\ud83dx":1}').rejection!.column, '\ufffdx')
  t.match(parse('{"model":"X').rejection, { code: 'malformed_json', hint: /incomplete/ })
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`c${i}`, i]))
  t.match(parse(many).rejection, { code: 'too_many_columns' })
})

t.test('a megabyte of brackets, spaces or members does not overflow the stack', async (t) => {
  const half = 2 ** 19
  const nested = '['.repeat(half - 20) + ']'.repeat(half - 20)
  t.match(parse(nested).rejection, { code: 'malformed_json', detail: /has an array/ })
  t.match(parse('['.repeat(2 * half)).rejection, { code: 'malformed_json', hint: /one JSON object/ })
  t.match(parse('{"a":'.repeat(200_000)).rejection, { code: 'malformed_json' })
  t.match(parse(`{"weight":${nested}}`).rejection, { code: 'invalid_value', column: 'weight' })
  t.equal(parse(`{"model":"X","a":${nested}}`).undeclared!['a'], nested)
  t.match(parse(`{}${'\n'.repeat(2 * half - 3)}x`).rejection, { code: 'malformed_json' })
  t.match(parse(`{${Array.from({ length: 150_000 }, () => '"":1').join()}}`).rejection, { code: 'too_many_columns' })
})

// The expected members are not computed with JSON.parse: in Node 24.21, once it has parsed an object with the name `\\`, it returns that name where the text has `\"`, both as written in JSON.
t.test('the members are those that were written', async () => {
  const name = fc.oneof(fc.constantFrom('a', '"', '\\', '\\"', '{', ':', ',', ']', '__proto__', 'é😀'), fc.string())
    .filter((name) => name.trim() === name && !['', 'weight', 'user_id'].includes(name))
  const members = fc.uniqueArray(fc.tuple(name, fc.jsonValue({ maxDepth: 3 })), { selector: ([name]) => name, maxLength: 8 })
  const schema = parseSchema(JSON.stringify({ fieldsMatch: 'partial', fields: [{ name: 'weight', type: 'number' }] }))
  fc.assert(fc.property(members, fc.constantFrom('', ' ', '\n\t'), (members, space) => {
    const written = [...members, ['weight', 1] as const].map(([name, value]) => [JSON.stringify(name), ':', JSON.stringify(value)].join(space))
    const { fields, undeclared } = parse(`{${space}${written.join(`${space},${space}`)}${space}}`, schema)
    assert.deepEqual(fields, { weight: 1 })
    const expected = members.filter(([, value]) => value !== null).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)])
    assert.deepEqual(new Map(Object.entries(undeclared!)), new Map(expected as [string, string][]))
  }), runs(500))
})
