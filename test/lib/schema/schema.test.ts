import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseSchema, type Schema } from '../../../lib/schema/schema.js'

const schemaOf = (fields: unknown, more: object = {}) => JSON.stringify({ fields, ...more })

function mistakesOf (json: string): string[] {
  try {
    parseSchema(json)
  } catch (error) {
    return (error as Error).message.split('\n')
  }
  return []
}

t.test('schemas/users.json is valid and reads values as specified', async (t) => {
  const schema = parseSchema(readFileSync('schemas/users.json', 'utf8'))
  t.same(schema.fields.map(({ name }) => name), ['user_id', 'first_name', 'last_name', 'birthts', 'img_path'])
  t.same([schema.key.name, schema.birth?.name, ...schema.imageFields.map(({ name }) => name)], ['user_id', 'birthts', 'img_path'])
  const read = (name: string, text: string) => schema.fields.find((field) => field.name === name)!.read(text)
  t.same(read('first_name', ''), { value: '' }, 'an empty name is a value')
  t.same(read('birthts', '-0'), { value: 0 })
  for (const text of ['', '+5', '5.0', '00000000000000005', '8640000000000001', 'long ago']) t.match(read('birthts', text), { mistake: String }, text)
})

t.test('a schema without a key field has user_id as its key', async (t) => {
  const schema = parseSchema(schemaOf([{ name: 'height', type: 'number' }]))
  t.same(schema.fields.map(({ name, source }) => [name, source]), [['user_id', 'key'], ['height', 'file']])
  t.equal(schema.birth, undefined)
  t.equal(schema.fieldsMatch, 'subset')
})

t.test('missing values are null, those of a field replace those of the schema, and required rejects them', async (t) => {
  const schema = parseSchema(schemaOf([
    { name: 'a', type: 'integer' },
    { name: 'b', type: 'integer', missingValues: [{ value: '-99', label: 'refused' }] },
    { name: 'c', type: 'integer', constraints: { required: true } }
  ], { missingValues: ['', 'NA'] }))
  const [, a, b, c] = schema.fields as Schema['fields'] & { length: 4 }
  t.same([a!.read(''), a!.read('NA'), b!.read('-99')], [{ value: null }, { value: null }, { value: null }])
  t.match(b!.read('NA'), { mistake: /^is not an integer/ })
  t.match(c!.read(''), { mistake: /one is required/ })
  t.same([a!.readJson(null), a!.readJson(7), a!.readJson(' 7 ')], [{ value: null }, { value: 7 }, { value: 7 }])
  for (const json of [[1], { a: 1 }, true, 2 ** 60]) t.match(a!.readJson(json), { mistake: /^is not an integer/ })
  const [, text, digits] = parseSchema(schemaOf([{ name: 'text', type: 'string' }, { name: 'digits', type: 'integer', constraints: { pattern: '\\d{2}' } }])).fields as Schema['fields'] & { length: 3 }
  t.same([text!.readJson(' x '), text!.readJson('')], [{ value: ' x ' }, { value: null }], 'a string of a JSON file is like a cell in quotes')
  t.same([digits!.readJson(12), digits!.readJson('12')], [{ value: 12 }, { value: 12 }])
  t.match(digits!.readJson(123), { mistake: /does not match/ })
})

t.test('constraints accept and reject values', async (t) => {
  const cases: readonly (readonly [field: object, good: readonly string[], bad: readonly string[]])[] = [
    [{ type: 'integer', constraints: { minimum: 1, maximum: '3' } }, ['1', '3'], ['0', '4']],
    [{ type: 'number', constraints: { exclusiveMinimum: 0, exclusiveMaximum: 1 } }, ['0.5'], ['0', '1']],
    [{ type: 'date', constraints: { minimum: '2020-01-01' } }, ['2020-01-01'], ['2019-12-31']],
    [{ type: 'string', constraints: { minLength: 2, maxLength: 3 } }, ['ab', 'abc'], ['a', 'abcd']],
    [{ type: 'string', constraints: { enum: ['on', 'off'] } }, ['on'], ['On', '']],
    [{ type: 'boolean', trueValues: ['x'], falseValues: [''] }, ['x', ''], ['y']],
    [{ type: 'string', constraints: { pattern: '[a-z]+|\\d' } }, ['abc', '1'], ['abc1', 'a'.repeat(1001)]]
  ]
  for (const [field, good, bad] of cases) {
    const [, compiled] = parseSchema(schemaOf([{ name: 'x', missingValues: [], ...field }])).fields
    for (const text of good) t.equal(compiled!.read(text).mistake, undefined, `${JSON.stringify(field)} ${text}`)
    for (const text of bad) t.type(compiled!.read(text).mistake, 'string', `${JSON.stringify(field)} ${text}`)
  }
  const [, digit] = parseSchema(schemaOf([{ name: 'x', type: 'string', missingValues: [], constraints: { minLength: 1, maxLength: 1 } }])).fields
  t.same(['', '12'].map((text) => digit!.read(text).mistake), ['must have at least 1 character', 'must have at most 1 character'])
})

t.test('each mistake is one line that names the field and the property', async (t) => {
  const field = (more: object) => schemaOf([{ name: 'x', type: 'string', ...more }])
  const cases: readonly (readonly [json: string, ...mistakes: RegExp[]])[] = [
    ['{', /^the file is not JSON: line 1, column 2: Expected property name or '}' in JSON$/],
    ['\ufeff\n{\n"fields": oops\n}', /^the file is not JSON: line 3, column 11: Unexpected token 'o', .* is not valid JSON$/],
    ['{\n  "fields": [\n    1,\n  ]\n}', /^the file is not JSON: line 4, column 3: Unexpected token ']', /],
    ['{\n  "title": "x",\n}', /^the file is not JSON: line 3, column 1: Expected double-quoted property name in JSON$/],
    ['{\n"title":', /^the file is not JSON: line 2, column 9: Unexpected end of JSON input$/],
    ['{"title": "JSON at position 3", "fields": x}', /^the file is not JSON: line 1, column 43: /],
    ['[]', /^the schema must be a JSON object/],
    ['{}', /^fields: is missing/],
    [schemaOf([]), /^fields: got \[\]; must be a list of at least one field$/],
    [schemaOf([{}]), /^fields\[0\]: name is missing$/, /^fields\[0\]: type is missing$/],
    [schemaOf([7]), /^fields\[0\]: must be an object$/],
    [field({ type: 'geopoint' }), /^field "x": type: got "geopoint"; must be one of string, integer, number, boolean, date, datetime$/],
    [field({ type: 'image' }), /^field "x": type: got "image"; must be one of string, .*, datetime; an image is a string with "source": "image"$/],
    [field({ enum: ['a'] }), /^field "x": enum: unknown property of a field; write it in its constraints$/],
    [field({ required: true }), /^field "x": required: unknown property of a field; write it in its constraints$/],
    [schemaOf([{ name: 'x', type: 'string' }], { missingValue: ['-'] }), /^missingValue: unknown property; did you mean missingValues\?$/],
    [schemaOf([{ name: 'x', type: 'string' }], { fields_match: 'partial' }), /^fields_match: unknown property; did you mean fieldsMatch\?$/],
    [field({ type: 'date', constraints: { minimum: '2021-02-30' } }), /^field "x": constraints\.minimum: got "2021-02-30"; must be a date such as 2024-01-26; there is no such day$/],
    [field({ decimal: ',' }), /^field "x": decimal: unknown property; did you mean decimalChar\?$/],
    [field({ tilte: 'X' }), /^field "x": tilte: unknown property; did you mean title\?$/],
    [field({ format: 'email' }), /^field "x": format: got "email"; must be default for the type string$/],
    [field({ type: 'date', format: 'any' }), /format: any is not supported/],
    [field({ type: 'date', format: '%Y' }), /has no month and day/],
    [field({ type: 'date', format: '%d %m' }), /has no year/],
    [field({ type: 'date', format: '%Y-%m-%d %Q' }), /has %Q, which is not supported; use %Y/],
    [field({ type: 'date', format: '%Y %Y-%m-%d' }), /has %Y twice$/],
    [field({ decimalChar: ',' }), /decimalChar: applies to number only/],
    [field({ type: 'number', decimalChar: '1' }), /decimalChar: got "1"; must be one character/],
    [field({ constraints: { unique: true } }), /^field "x": constraints\.unique is not supported/],
    [field({ constraints: { minimum: 1 } }), /constraints\.minimum: does not apply to the type string/],
    [field({ constraints: { pattern: '(' } }), /constraints\.pattern: got "\("; must be a JavaScript regular expression/],
    [field({ type: 'integer', constraints: { enum: [1, 'x'] } }), /constraints\.enum: got "x"; must be an integer/],
    [field({ role: 'birth' }), /role: birth needs the type integer .* and the type is string$/],
    [field({ source: 'key', type: 'integer' }), /type: got "integer"; must be string/],
    [field({ extensions: ['png'] }), /extensions: applies to fields with source image only/],
    [field({ source: 'image', extensions: ['.PNG'] }), /extensions: got \["\.PNG"\]; must be a list/],
    [field({ source: 'image', extensions: ['csv'] }), /extensions: got \["csv"\]; must be .* not those of info files \(csv/],
    [schemaOf([{ name: 'x', type: 'string', source: 'image' }, { name: 'y', type: 'string', source: 'image' }]), /x and y have the source image and no extensions; at most one field can/],
    [field({ constructor: 1 }), /^field "x": constructor: unknown property; the accepted ones are name, /],
    [schemaOf([{ name: ' x', type: 'string' }]), /name: got " x"; must be a non-empty text without white space around it/],
    [field({ header: ['x', 'y '] }), /header: got \["x","y "\]; must be/],
    [field({ type: 'number', groupChar: '.' }), /groupChar: got "\.", which is the decimalChar, too/],
    [field({ type: 'number', groupChar: ',', decimalChar: ',' }), /groupChar: got ",", which is the decimalChar, too/],
    [field({ type: 'boolean', trueValues: ['yes', '0'] }), /trueValues: "0" is one of the falseValues, too/],
    [field({ type: 'boolean', trueValues: ['yes '] }), /trueValues: got \["yes "\]; must be a list of different texts without white space/],
    [field({ type: 'date', constraints: { minimum: '2024-01-02', maximum: '2024-01-01' } }), /constraints\.minimum: got "2024-01-02", which is more than the maximum "2024-01-01"/],
    [field({ constraints: { minLength: 2, maxLength: 1 } }), /constraints\.minLength: got 2, which is more than the maxLength 1/],
    [schemaOf([{ name: 'x', type: 'string' }], { title: 5 }), /^title: got 5; must be a non-empty text/],
    [field({ constraints: { pattern: 'a)|(b' } }), /constraints\.pattern: got "a\)\|\(b"; must be a JavaScript regular expression/],
    [field({ source: 'image', constraints: { required: true } }), /constraints: does not apply to fields with source image/],
    [field({ source: 'image', header: 'y' }), /header: does not apply to fields with source image/],
    [field({ source: 'key', missingValues: ['x'] }), /missingValues: does not apply to fields with source key/],
    [schemaOf([{ name: 'user_id', type: 'string' }]), /two fields have the name "user_id", which is the name of the key field if no field has the source key/],
    [schemaOf([{ name: 'k', type: 'string', source: 'key', header: 'x' }, { name: 'x', type: 'string' }]), /two fields have the header "x"/],
    [schemaOf([{ name: 'x', type: 'string' }, { name: 'x', type: 'string' }]), /two fields have the name "x"/],
    [schemaOf([{ name: 'x', type: 'string', header: 'H' }, { name: 'y', type: 'string', header: ['H', 'I'] }]), /two fields have the header "H"/],
    [schemaOf([{ name: 'x', type: 'string', source: 'key' }, { name: 'y', type: 'string', source: 'key' }]), /x and y have the source key/],
    [schemaOf([{ name: 'x', type: 'date', role: 'birth' }, { name: 'y', type: 'date', rdfType: 'https://schema.org/birthDate' }]), /x and y have the role birth/],
    [schemaOf([{ name: 'x', type: 'string', source: 'image', extensions: ['png'] }, { name: 'y', type: 'string', source: 'image', extensions: ['png'] }]), /two fields have the extension "png"/],
    [schemaOf([{ name: 'x', type: 'string' }], { primaryKey: ['x'] }), /primaryKey: got "x"; must be the key field "user_id"/],
    [schemaOf([{ name: 'x', type: 'string' }], { primaryKey: { toString: 1 } }), /^primaryKey: got \{"toString":1\}; must be a text or a list of different texts$/],
    [field({ 'a\nb': 1 }), /^field "x": a\\u000ab: unknown property/],
    [field({ type: 'date', format: '%\n' }), /has %\\u000a, which is not supported/],
    [schemaOf(['a\nb', 'c'].map((name) => ({ name, type: 'string', source: 'key' }))), /^fields: a\\u000ab and c have the source key/],
    ['{"fields": \ud83d}', /^the file is not JSON: line 1, column 12: .*\\ud83d/],
    [schemaOf([{ name: '\ud83d', type: 'string' }]), /name: got "\\ud83d"; must be a non-empty text without white space around it, in valid Unicode$/],
    [field({ header: '\ud83d' }), /header: got "\\ud83d"; must be a text or .* in valid Unicode$/],
    [field({ type: 'integer', role: 'birth', constraints: { minimum: 9e15 } }), /constraints\.minimum: got 9000000000000000; must be an integer from -8640000000000000 to 8640000000000000/],
    [schemaOf([{ name: 'x', type: 'string' }], { foreignKeys: [] }), /foreignKeys is not supported/],
    [schemaOf([{ name: 'x', type: 'string' }], { fieldsMatch: 'most' }), /fieldsMatch: got "most"; must be one of exact, equal, subset, superset, partial/],
    [schemaOf([{ name: 'x', type: 'string' }], { missingValues: ['', ''] }), /missingValues: got/]
  ]
  for (const [json, ...expected] of cases) {
    const mistakes = mistakesOf(json)
    t.equal(mistakes.length, expected.length, json)
    expected.forEach((pattern, i) => t.match(mistakes[i], pattern, json))
  }
})

t.test('a byte order mark at the beginning of a schema is ignored', async (t) => {
  t.equal(parseSchema('\uFEFF' + schemaOf([{ name: 'x', type: 'string' }])).fields.length, 2)
})

t.test('properties of the standard that do not concern this service are accepted', async (t) => {
  t.same(mistakesOf(schemaOf([{ name: 'x', type: 'string', example: 1, rdfType: 'http://schema.org/Country', categories: ['a'] }], { $schema: 'x', primaryKey: 'user_id', license: 'MIT' })), [])
})
