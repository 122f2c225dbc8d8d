import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { INPUT_ENCODINGS, type InfoFormat, type InputEncoding } from '../../../lib/base/info-formats.js'
import { compileSchema, parseSchema } from '../../../lib/schema/schema.js'
import { USERS_SCHEMA } from '../../../lib/schema/users-schema.js'
import { parseInfoFile } from '../../../lib/source/info-file.js'

const users = compileSchema(USERS_SCHEMA)

function parse (text: string | Buffer, delimiter = ',', schema = users, format: InfoFormat = 'csv', encoding: InputEncoding = 'utf-8') {
  const { data, rejection } = parseInfoFile(Buffer.from(text as string), { format, delimiter, encoding, schema, id: '1000' })
  const fields = data && Object.fromEntries(schema.fileFields.map(({ name }, i) => [name, data.values[i]]))
  return { data: fields, undeclared: data?.undeclared, rejection }
}

const HEADER = 'first_name, last_name, birthts\n'

t.test('valid files are accepted, with their values', async (t) => {
  const ann = { first_name: 'Ann', last_name: 'Lee', birthts: 5 }
  const table: [string, string | Buffer, object][] = [
    ['the usual form', HEADER + 'Ann, Lee, 5\n', ann],
    ['no final newline', HEADER + 'Ann, Lee, 5', ann],
    ['no spaces', 'first_name,last_name,birthts\nAnn,Lee,5\n', ann],
    ['any order', 'birthts,last_name,first_name\n5,Lee,Ann\n', ann],
    ['CRLF', 'first_name, last_name, birthts\r\nAnn, Lee, 5\r\n', ann],
    ['a byte order mark', '\ufeff' + HEADER + 'Ann, Lee, 5\n', ann],
    ['blank lines', '\n' + HEADER + '\n   \nAnn, Lee, 5\n\n', ann],
    ['rows of empty fields, which spreadsheets append', ',,\n' + HEADER + ' , ,\nAnn, Lee, 5\n,,\n"",,\n,\n', ann],
    ['a quoted comma', HEADER + 'Ann, "O, Neil", 5\n', { ...ann, last_name: 'O, Neil' }],
    ['quoted quotes and a line end', HEADER + '"A ""x""\nB", Lee, 5\n', { ...ann, first_name: 'A "x"\nB' }],
    ['spaces within quotes stay', HEADER + '" Ann ", Lee, 5\n', { ...ann, first_name: ' Ann ' }],
    ['empty names', HEADER + ', , 5\n', { first_name: '', last_name: '', birthts: 5 }],
    ['a negative timestamp', HEADER + 'Ann, Lee, -86400000\n', { ...ann, birthts: -86_400_000 }],
    ['seconds for milliseconds: a valid time', HEADER + 'Ann, Lee, 631152000\n', { ...ann, birthts: 631_152_000 }],
    ['the greatest timestamp', HEADER + 'Ann, Lee, 8640000000000000\n', { ...ann, birthts: 8.64e15 }],
    ['quoted names and numbers with spaces', '" first_name ","last_name"," birthts"\nAnn,Lee," 5 "\n', ann],
    ['mixed line ends', 'first_name,birthts,last_name\r\nAnn,5,Lee\n', ann],
    ['a column user_id with the name of the file', 'user_id,first_name,last_name,birthts\n 1000 ,Ann,Lee,5\n', ann],
    ['the same, quoted', '"user_id",first_name,last_name,birthts\n1000,Ann,Lee,5\n', ann],
    ['minus zero', HEADER + 'Ann, Lee, -0\n', { ...ann, birthts: 0 }]
  ]
  for (const [name, text, expected] of table) t.match(parse(text).data, expected, name)
  t.ok(Object.is(parse(HEADER + 'Ann, Lee, -0').data?.['birthts'], 0))
})

t.test('delimiters of one or several characters', async (t) => {
  t.match(parse('first_name; last_name; birthts\nAnn; Lee; 5', ';').data, { first_name: 'Ann', last_name: 'Lee', birthts: 5 })
  t.match(parse('first_name\tlast_name\tbirthts\nAnn\tLee\t5', '\t').data, { first_name: 'Ann', birthts: 5 })
  t.match(parse('first_name, last_name, birthts\nAnn,B, "x, y", 5', ', ').data, { first_name: 'Ann,B', last_name: 'x, y' })
  t.match(parse('first_name||last_name||birthts\nAnn||Lee||5', '||').data, { last_name: 'Lee' })
})

t.test('undeclared columns are text, with any name', async (t) => {
  const { undeclared } = parse('first_name,last_name,birthts,city,City,__proto__,7,a=b\nAnn,Lee,5, Rome ,,x,007,y\n')
  t.same(Object.entries(undeclared!), [['7', '007'], ['city', 'Rome'], ['City', ''], ['__proto__', 'x'], ['a=b', 'y']])
  t.equal(Object.getPrototypeOf(undeclared), null)
})

t.test('the limit of columns is for those that the schema does not declare', async (t) => {
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`)
  const schema = parseSchema(JSON.stringify({ fields: names('c', 300).map((name) => ({ name, type: 'string' })) }))
  const read = (undeclared: number) => {
    const columns = ['user_id', ...names('c', 300), ...names('u', undeclared)]
    return parse(`${columns.join(',')}\n1000,${columns.slice(1).join(',')}\n`, ',', schema)
  }
  t.equal(read(64).data!['c299'], 'c299')
  t.equal(Object.keys(read(64).undeclared!).length, 64)
  t.match(read(65).rejection, { code: 'too_many_columns', detail: 'The file has 366 columns; must have at most 64 that the schema does not declare' })
})

t.test('a key that violates a constraint rejects its file', async (t) => {
  const schema = (constraints: object) => parseSchema(JSON.stringify({ missingValues: ['1000'], fields: [{ name: 'id', type: 'string', source: 'key', constraints }, { name: 'x', type: 'string' }] }))
  t.match(parse('x\n1\n', ',', schema({ pattern: '[a-z]+' })).rejection, { code: 'invalid_value', column: 'id', excerpt: '1000', detail: 'The name of the file without its extension, id, does not match the pattern [a-z]+' })
  t.equal(parse('x\n1\n', ',', schema({ required: true, pattern: '\\d+', maxLength: 4 })).data!['x'], '1')
})

t.test('invalid files are rejected with code, position and excerpt', async (t) => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`).join(',')
  const table: [string, string | Buffer, object][] = [
    ['nothing', '', { code: 'empty_file', line: null }],
    ['blank lines only', '\n\n', { code: 'empty_file' }],
    ['not UTF-8', Buffer.from([0xe9]), { code: 'invalid_utf8', hint: /Windows-1252/ }],
    ['a header only', HEADER, { code: 'no_row', line: 1 }],
    ['a header and empty fields', HEADER + ',,\n', { code: 'no_row', line: 1 }],
    ['two rows', HEADER + 'Ann, Lee, 5\nBob, Ray, 6\n', { code: 'several_rows', line: 3, hint: 'Write one file for each row, each with the header' }],
    ['two rows after mixed line ends', 'first_name, last_name, birthts\r\nAnn, Lee, 5\nBob, Ray, 6\n', { code: 'several_rows' }],
    ['an open quote', HEADER + '"Ann, Lee, 5\n', { code: 'malformed_csv' }],
    ['text after a quote', HEADER + '"Ann"x, Lee, 5\n', { code: 'malformed_csv', line: 2 }],
    ['a quote within a field', HEADER + 'A"nn, Lee, 5\n', { code: 'malformed_csv', line: 2 }],
    ['a semicolon for a comma', 'first_name;last_name;birthts\nAnn;Lee;5\n', { code: 'missing_column', hint: /separated by ";": set INPUT_DELIMITER=';', or use "," in the file/, line: 1, column: 'first_name', excerpt: 'first_name;last_name;birthts' }],
    ['names in another case', 'First_Name,last_name,birthts\nAnn,Lee,5\n', { code: 'missing_column', column: 'first_name' }],
    ['no birthts', 'first_name,last_name\nAnn,Lee\n', { code: 'missing_column', column: 'birthts' }],
    ['a column twice', 'first_name,last_name,birthts,x,x\nAnn,Lee,5,1,2\n', { code: 'duplicate_header', column: 'x' }],
    ['a column without a name', 'first_name,last_name,birthts,\nAnn,Lee,5,1\n', { code: 'empty_header' }],
    ['a column user_id with another value', 'first_name,last_name,birthts,user_id\nAnn,Lee,5,1\n', { code: 'reserved_header', line: 2, column: 'user_id', excerpt: '1' }],
    ['a column img_path', 'first_name,last_name,birthts,img_path\nAnn,Lee,5,1\n', { code: 'reserved_header', column: 'img_path' }],
    ['65 undeclared columns', 'first_name,last_name,birthts,' + names(65) + '\n', { code: 'too_many_columns' }],
    ['a field too many', HEADER + 'Ann, Lee, 5, 6\n', { code: 'wrong_field_count', line: 2, excerpt: 'Ann,Lee,5,6' }],
    ['a field too few', HEADER + 'Ann, 5\n', { code: 'wrong_field_count', line: 2, detail: 'The row has 2 fields; must have 3, as many as the header' }],
    ['one field', HEADER + 'Ann\n', { code: 'wrong_field_count', line: 2, detail: 'The row has 1 field; must have 3, as many as the header' }],
    ['a text timestamp', HEADER + 'Ann, Lee, 1990-01-01\n', {
      code: 'invalid_value', line: 2, column: 'birthts', excerpt: '1990-01-01', detail: 'birthts is not an integer from -8640000000000000 to 8640000000000000 (milliseconds since 1970-01-01 UTC)'
    }],
    ['no timestamp', HEADER + 'Ann, Lee, \n', { code: 'invalid_value', excerpt: '' }],
    ['a fraction', HEADER + 'Ann, Lee, 5.0\n', { code: 'invalid_value' }],
    ['an exponent', HEADER + 'Ann, Lee, 5e3\n', { code: 'invalid_value' }],
    ['a plus sign', HEADER + 'Ann, Lee, +5\n', { code: 'invalid_value' }],
    ['17 digits', HEADER + 'Ann, Lee, 00000000000000005\n', { code: 'invalid_value' }],
    ['beyond the last time', HEADER + 'Ann, Lee, 8640000000000001\n', { code: 'invalid_value' }]
  ]
  for (const [name, text, expected] of table) t.match(parse(text).rejection, expected, name)
  t.ok(parse('first_name,last_name,birthts,' + names(61) + '\nAnn,Lee,5' + ','.repeat(61)).data, '61 undeclared columns are accepted')
})

t.test('an excerpt is short', async (t) => {
  const { rejection } = parse(HEADER + `Ann, Lee, ${'😀'.repeat(1000)}\n`)
  t.equal(rejection?.excerpt, '😀'.repeat(60) + '…')
})

t.test('a reject has a hint if the file looks like a known format or mistake', async (t) => {
  const plain = 'first_name,last_name,birthts\nAnn,Lee,5\n'
  const table: [string, string | Buffer, RegExp | null][] = [
    ['gzip', gzipSync(plain), /looks like gzip: upload it uncompressed/],
    ['UTF-16 with a byte order mark', Buffer.from('\ufeff' + plain, 'utf16le'), /looks like UTF-16: save it as UTF-8/],
    ['UTF-16, big-endian', Buffer.from('\ufeff' + plain, 'utf16le').swap16(), /looks like UTF-16/],
    ['UTF-16 without a byte order mark', Buffer.from(plain, 'utf16le'), /looks like UTF-16 without a byte order mark/],
    ['Windows-1252', Buffer.from(plain.replace('Ann', 'Ren\xe9e'), 'latin1'), /looks like Windows-1252/],
    ['an Excel workbook', Buffer.from('PK\x03\x04\xff', 'latin1'), /looks like an Excel workbook/],
    ['a PNG image', Buffer.from('\x89PNG\r\n', 'latin1'), /looks like a PNG image/],
    ['semicolons', plain.replaceAll(',', ';'), /separated by ";": set INPUT_DELIMITER=';', or use "," in the file/],
    ['a semicolon in the header of a file with commas', 'City;Height, m\nUlm;3\n', null],
    ['tabs, and names that the schema does not declare', 'City\tHeight\nUlm\t3\n', /separated by "\\t": set INPUT_DELIMITER='\\t', or use "," in the file$/],
    ['tabs, and names in quotes', plain.replaceAll(',', '\t').replace('first_name', '"first_name"'), /separated by "\\t": set INPUT_DELIMITER='\\t', or use/],
    ['JSON', '{"first_name":"Ann"}\n', /looks like JSON/],
    ['HTML', '<!DOCTYPE html>\n', /looks like HTML/],
    ['a column in another case', plain.replace('first_name', 'First Name'), /If the column "First Name" is meant, rename it to first_name/],
    ['a misspelt column', plain.replace('birthts', 'birth_ts'), /If the column "birth_ts" is meant, rename it to birthts, or add "birth_ts" to the header of the field birthts in the schema$/],
    ['a column that is missing', 'first_name,last_name\nAnn,Lee\n', null],
    ['a date', plain.replace('5', '1990-05-01'), /write 641520000000, the milliseconds/],
    ['a day that does not exist', plain.replace('5', '2021-02-30'), /^There is no such day$/],
    ['scientific notation', plain.replace('5', '6.4152E+11'), /scientific notation/],
    ['decimals', plain.replace('5', '5.0'), /without decimals/],
    ['an empty timestamp', plain.replace('5', ''), /is empty/],
    ['a word', plain.replace('5', 'soon'), null]
  ]
  for (const [name, text, hint] of table) {
    const found = parse(text).rejection!.hint
    if (hint === null) t.equal(found, null, name)
    else t.match(found, hint, name)
  }
})

const device = (more: object = {}) => parseSchema(JSON.stringify({
  fields: [
    { name: 'model', type: 'string', header: ['Modell', 'model'], constraints: { required: true } },
    { name: 'made', type: 'date', format: '%d.%m.%Y' },
    { name: 'weight', type: 'number', decimalChar: ',', constraints: { minimum: 0 } },
    { name: 'on', type: 'boolean' },
    { name: 'photo', type: 'string', source: 'image' }
  ],
  ...more
}))

t.test('values of another schema have its types, also in quotes, and missing values are null', async (t) => {
  const schema = device()
  const day = 19_748 // 2024-01-26
  t.same(parse('model;made;weight;on\nX1;26.01.2024;1,5;true\n', ';', schema).data, { model: 'X1', made: day, weight: 1.5, on: true })
  t.same(parse('"on","weight","made","Modell"\n"0"," 1,5 ","","X1"\n', ',', schema).data, { model: 'X1', made: null, weight: 1.5, on: false })
})

t.test('rejects of another schema name the column of the file and what its type accepts', async (t) => {
  const cases: [string, object][] = [
    ['model,made,weight,on\n,,,1\n', { code: 'invalid_value', column: 'model', detail: 'model has no value, and one is required' }],
    ['Modell,made,weight,on\nX,2024-01-26,,\n', { code: 'invalid_value', line: 2, column: 'made', excerpt: '2024-01-26', detail: 'made is not a date as %d.%m.%Y' }],
    ['model,made,weight,on\nX,,-1,\n', { code: 'invalid_value', column: 'weight', detail: 'weight must be at least 0' }],
    ['model,made,weight,on,Modell\nX,,,,Y\n', { code: 'duplicate_header', column: 'Modell' }],
    ['made,weight,on\n,,\n', { code: 'missing_column', column: 'Modell', detail: 'The header has no column Modell or model', hint: null }],
    ['model,made,weight\nX,,\n', { code: 'missing_column', column: 'on', hint: 'If files may lack this column, add "fieldsMatch": "partial" to the schema' }],
    ['model,made,weight,on,photo\nX,,,,y\n', { code: 'reserved_header', column: 'photo' }]
  ]
  for (const [text, expected] of cases) t.match(parse(text, ',', device()).rejection, expected, text)
})

t.test('a reject of another schema has a hint if the value or the header has a known mistake', async (t) => {
  const schema = parseSchema(JSON.stringify({
    fieldsMatch: 'partial',
    fields: [
      { name: 'status', type: 'string', constraints: { enum: ['active', 'maintenance'] } },
      { name: 'weight', type: 'number', decimalChar: ',' },
      { name: 'size', type: 'number' },
      { name: 'made', type: 'date', format: '%d.%m.%Y' },
      { name: 'sold', type: 'date' },
      { name: 'lat', type: 'number', header: 'location.lat', constraints: { required: true } }
    ]
  }))
  const table: [string, string | null][] = [
    ['status\naktive\n', 'Did you mean "active"?'],
    ['status\nretired\n', null],
    ['weight\n12.5\n', 'It has a decimal point: write "," instead, or change the decimalChar of the field in the schema'],
    ['weight\nn/a\n', 'If "n/a" stands for a missing value, declare "missingValues": ["","n/a"] in the field'],
    ['weight\n1.250\n', null],
    ['size\n12,5\n', 'It has a decimal comma: write "." instead, or change the decimalChar of the field in the schema'],
    ['made\n2024-01-26\n', 'It is written as YYYY-MM-DD: write it as %d.%m.%Y, or remove the format of the field in the schema'],
    ['made\n30.02.2021\n', 'There is no such day'],
    ['sold\n2021-02-30\n', 'There is no such day'],
    ['sold\n26.01.2024\n', 'Write the year first, as in 2024-01-26, or declare "format": "%d.%m.%Y" in the schema']
  ]
  for (const [text, hint] of table) t.equal(parse(text.replace('\n', ';location.lat\n').replace(/\n$/, ';1\n'), ';', schema).rejection!.hint, hint, text)
  t.match(parse('status,size,location.lat\nactive,1,1\n', ';', schema).rejection, { code: 'missing_column', hint: "The fields look separated by \",\": set INPUT_DELIMITER=',', or use \";\" in the file" })
  t.match(parse('{"status": "active", "location": {"lat": 1}}', ',', schema, 'json').rejection, {
    code: 'missing_column', hint: 'location is an object or an array, and its members are not columns: flatten the file, so that it has a member "location.lat" itself'
  })
  const [, program] = /jq '(.*?)'/.exec(readFileSync('docs/schema.md', 'utf8'))!
  const flat = spawnSync('jq', [program!], { input: '{"status": "active", "location": {"lat": 1, "on": false, "at": null}}', encoding: 'utf8' })
  if (flat.error === undefined) t.match(parse(flat.stdout, ',', schema, 'json').data, { status: 'active', lat: 1 }, 'the command of docs/schema.md flattens the file')
})

t.test('no hint suggests to declare a missing value for a required column', async (t) => {
  const schema = device({ missingValues: ['', '-'] })
  t.match(parse('model;made;weight;on\nX;n/a;1;\n', ';', schema).rejection, { column: 'made', hint: 'If "n/a" stands for a missing value, declare "missingValues": ["","-","n/a"] in the field' })
  const required = device({ fields: [{ name: 'weight', type: 'number', constraints: { required: true } }] })
  t.match(parse('weight\nn/a\n', ';', required).rejection, { column: 'weight', hint: null })
})

t.test('the excerpt of a header or row has the delimiter of the file', async (t) => {
  t.match(parse('made;weight;on\n;;\n', ';', device()).rejection, { code: 'missing_column', excerpt: 'made;weight;on' })
  t.match(parse('made;"weight";on\n;;\n', ';', device()).rejection, { code: 'missing_column', excerpt: 'made;weight;on' })
  t.match(parse('model;made;;weight;on\nX;;;;\n', ';', device()).rejection, { code: 'empty_header', excerpt: 'model;made;;weight;on' })
  t.match(parse('model;made;weight;on\nX;;\n', ';', device()).rejection, { code: 'wrong_field_count', excerpt: 'X;;' })
  t.match(parse('made;model;weight;on\n;X;;\n', ';', device({ fieldsMatch: 'exact' })).rejection, { code: 'wrong_columns', excerpt: 'made;model;weight;on' })
})

t.test('fieldsMatch decides which other columns a file may have and lack', async (t) => {
  const files = {
    same: 'model,made,weight,on\nX,,,\n',
    reordered: 'made,model,weight,on\n,X,,\n',
    more: 'model,made,weight,on,city\nX,,,,Rome\n',
    fewer: 'model,on\nX,\n',
    others: 'model,city\nX,Rome\n'
  }
  const accepted = {
    exact: ['same'], equal: ['same', 'reordered'], subset: ['same', 'reordered', 'more'], superset: ['same', 'reordered', 'fewer'], partial: Object.keys(files)
  }
  for (const [fieldsMatch, names] of Object.entries(accepted)) {
    const found = Object.entries(files).filter(([, text]) => parse(text, ',', device({ fieldsMatch })).data !== undefined).map(([name]) => name)
    t.same(found, names, fieldsMatch)
  }
  t.match(parse(files.more, ',', device({ fieldsMatch: 'equal' })).rejection, { code: 'wrong_columns', column: 'city' })
  t.match(parse(files.reordered, ',', device({ fieldsMatch: 'exact' })).rejection, { code: 'wrong_columns', line: 1 })
  t.match(parse('city\nRome\n', ',', device({ fieldsMatch: 'partial' })).rejection, { code: 'missing_column' })
})

t.test('a TSV file has tabs between its fields, regardless of the delimiter of CSV files', async (t) => {
  t.match(parse('first_name\tlast_name\tbirthts\nAnn\t"Lee\t2"\t5\n', ';', users, 'tsv').data, { first_name: 'Ann', last_name: 'Lee\t2', birthts: 5 })
  t.match(parse(HEADER + 'Ann, Lee, 5\n', ',', users, 'tsv').rejection, { code: 'missing_column', hint: /separated by ",": use a tab in the file, or a name that ends in \.csv/ })
})

t.test('a .csv.gz file is unpacked', async (t) => {
  const plain = HEADER + 'Ann, Lee, 5\n'
  t.match(parse(gzipSync(plain), ',', users, 'csv.gz').data, { first_name: 'Ann', birthts: 5 })
  const padded = Buffer.from(plain.padEnd(1024 * 1024, '\n'))
  t.match(parse(gzipSync(padded), ',', users, 'csv.gz').data, { first_name: 'Ann' }, 'of 1 MiB')
  const cases: [string, Buffer, object][] = [
    ['a byte more', gzipSync(Buffer.concat([padded, Buffer.from('\n')])), { code: 'too_large', hint: /one record/ }],
    ['a bomb', gzipSync(Buffer.alloc(64 * 1024 * 1024)), { code: 'too_large' }],
    ['cut off', gzipSync(plain).subarray(0, 30), { code: 'malformed_gzip', detail: /cannot be decompressed: unexpected end of file/, hint: /damaged or incomplete/ }],
    ['not gzip', Buffer.from(plain), { code: 'malformed_gzip', hint: /not gzip: .* a name that ends in \.csv$/ }],
    ['empty', Buffer.alloc(0), { code: 'empty_file', detail: 'The file is empty', hint: null }],
    ['packed bytes that are not text', gzipSync(Buffer.from([0xe9])), { code: 'invalid_utf8' }]
  ]
  for (const [name, body, expected] of cases) t.match(parse(body, ',', users, 'csv.gz').rejection, expected, name)
})

t.test('text in each encoding is read', async (t) => {
  const text = HEADER + 'Zoë, Łee™, 5\n'
  const read = (body: Buffer, encoding: InputEncoding, format: InfoFormat = 'csv') => {
    const { data } = parse(body, ',', users, format, encoding)
    return data && [data['first_name'], data['last_name']]
  }
  t.same(read(Buffer.from(text), 'utf-8'), ['Zoë', 'Łee™'])
  for (const mark of ['', '\ufeff']) {
    const utf16 = Buffer.from(mark + text, 'utf16le')
    t.same(read(utf16, 'utf-16'), ['Zoë', 'Łee™'], `UTF-16 with ${mark.length} marks`)
    t.same(read(Buffer.from(utf16).swap16(), 'utf-16'), ['Zoë', 'Łee™'], `big-endian, with ${mark.length} marks`)
  }
  const oneByte = Buffer.from(HEADER + 'Zo\xeb, \x80 Lee\x99, 5\n', 'latin1')
  t.same(read(oneByte, 'windows-1252'), ['Zoë', '€ Lee™'])
  t.same(read(oneByte, 'iso-8859-1'), ['Zoë', '\x80 Lee\x99'], 'the bytes from 0x80 to 0x9f are control characters')
  t.same(read(gzipSync(oneByte), 'windows-1252', 'csv.gz'), ['Zoë', '€ Lee™'])
  t.same(read(Buffer.from('{"first_name":"Zo\xeb","last_name":"","birthts":5}', 'latin1'), 'iso-8859-1', 'json'), ['Zoë', ''])
  const json = '{"first_name":"Zoë","last_name":"Łee","birthts":5}'
  for (const encoding of INPUT_ENCODINGS) t.same(read(Buffer.from(json), encoding, 'json'), ['Zoë', 'Łee'], `JSON is UTF-8, although the setting is ${encoding}`)
  t.same(read(Buffer.from(json, 'utf16le'), 'utf-16', 'json'), ['Zoë', 'Łee'])
})

t.test('every byte that Windows-1252 defines, except NUL, is a character of its own, in the order of the code page', async (t) => {
  const isRejected = (byte: number) => {
    const body = Buffer.concat([Buffer.from(HEADER + 'x"', 'latin1'), Buffer.from([byte])])
    return parse(body, ',', users, 'csv', 'windows-1252').rejection!.code === 'invalid_encoding'
  }
  t.same(Array.from({ length: 256 }, (_, byte) => byte).filter(isRejected), [0, 0x81, 0x8d, 0x8f, 0x90, 0x9d])
  const high = Buffer.from(Array.from({ length: 128 }, (_, i) => i + 128).filter((byte) => !isRejected(byte) && byte !== 0xa0))
  const { data } = parse(Buffer.concat([Buffer.from(HEADER + '"'), high, Buffer.from('",x,5\n')]), ',', users, 'csv', 'windows-1252')
  t.equal(data!['first_name'], '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ' + Buffer.from(Array.from({ length: 95 }, (_, i) => i + 0xa1)).toString('latin1'))
})

t.test('a file in another encoding than that of the settings is rejected, with a hint', async (t) => {
  const text = HEADER + 'Zoë, Lee, 5\n'
  const latin1 = Buffer.from(text, 'latin1')
  const utf16 = Buffer.from('\ufeff' + text, 'utf16le')
  const cases: [string, InputEncoding, Buffer, string, RegExp | null][] = [
    ['Windows-1252', 'utf-8', latin1, 'invalid_utf8', /looks like Windows-1252 or .*: save it as UTF-8, or set INPUT_ENCODING=windows-1252 if all files/],
    ['UTF-16', 'utf-8', utf16, 'invalid_utf8', /looks like UTF-16: save it as UTF-8, or set INPUT_ENCODING=utf-16 if all files/],
    ['UTF-8', 'utf-16', Buffer.from(text), 'invalid_encoding', /looks like UTF-8, while INPUT_ENCODING is utf-16: convert it \(iconv -f UTF-8 -t UTF-16\), or set INPUT_ENCODING=utf-8/],
    ['Windows-1252 of an odd length', 'utf-16', latin1, 'invalid_encoding', /INPUT_ENCODING=windows-1252/],
    ['half a character', 'utf-16', utf16.subarray(0, -1), 'invalid_encoding', /damaged or incomplete/],
    ['UTF-8 in the header', 'windows-1252', Buffer.from('first_nameé,last_name,birthts\nA,B,5\n'), 'invalid_encoding', /looks like UTF-8, while INPUT_ENCODING is windows-1252: convert it \(iconv -f UTF-8 -t WINDOWS-1252\), or set INPUT_ENCODING=utf-8 if all/],
    ['UTF-8 in a text', 'windows-1252', Buffer.from(HEADER + 'Zoë, Müller, 5\n'), 'invalid_encoding', /looks like UTF-8/],
    ['UTF-8 in a value', 'iso-8859-1', Buffer.from('first_name,last_name,birthts\nA,B,5€\n'), 'invalid_encoding', /looks like UTF-8.*iconv -f UTF-8 -t ISO-8859-1/],
    ['text of one byte a character', 'windows-1252', Buffer.from(HEADER + 'Zo\xe9, Lee, five\n', 'latin1'), 'invalid_value', null],
    ['UTF-8 with a byte order mark', 'windows-1252', Buffer.from('\ufeff' + text), 'invalid_encoding', /looks like UTF-8, while INPUT_ENCODING is windows-1252/],
    ['Windows-1252 after the byte order mark of UTF-8', 'windows-1252', Buffer.concat([Buffer.from('\ufeff'), latin1]), 'invalid_encoding', /looks like/],
    ['UTF-16', 'windows-1252', utf16, 'invalid_encoding', /looks like UTF-16/],
    ['UTF-16 without a mark', 'iso-8859-1', utf16.subarray(2), 'invalid_encoding', /looks like UTF-16: save it as ISO-8859-1/],
    ['an undefined byte', 'windows-1252', Buffer.from(HEADER + 'Zo\x81, Lee, 5\n', 'latin1'), 'invalid_encoding', /looks like ISO-8859-1/],
    ['gzip', 'windows-1252', gzipSync(text), 'invalid_encoding', /looks like gzip/]
  ]
  for (const [name, encoding, body, code, hint] of cases) t.match(parse(body, ',', users, 'csv', encoding).rejection, { code, hint }, `${name} for ${encoding}`)
})
