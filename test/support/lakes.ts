import { gzipSync } from 'node:zlib'

/** A lake that differs from the sample data in one thing. */
export interface OtherLake {
  /** What is different, for docs/lakes.md. */
  readonly has: string
  /** The objects by key. Later ones are newer. */
  readonly files: Readonly<Record<string, string | Buffer>>
  /** The objects that are renamed first: the old and the new key of each. */
  readonly renames?: Readonly<Record<string, string>>
  /** The changes to schemas/users.json, by field: properties that are added, a new field, or `null` if the field is removed. */
  readonly fields?: Readonly<Record<string, object | null>>
  /** Other properties of the schema. */
  readonly schema?: object
  readonly settings?: Readonly<Record<string, string>>
  readonly request: string
  readonly response: string
}

const INFO = 'first_name,last_name,birthts\nWren,Ashgrove,-987822000000\n'
const WREN = '[{"user_id":"1000","first_name":"Wren","last_name":"Ashgrove","birthts":-987822000000,"img_path":null}]'
const NAMES = '[{"user_id":"1000","first_name":"Wren","last_name":"Ashgrove"}]'
const names = (rest = '') => `/data?columns=user_id,first_name,last_name${rest}`
const inSource = (name: string, body: string | Buffer = INFO) => ({ [`source_data/${name}`]: body })
const withColumn = (name: string, value: string) => inSource('1000.csv', INFO.replace('birthts\n', `birthts,${name}\n`).replace('000\n', `000,${value}\n`))
const withBirth = (name: string, value: string) => inSource('1000.csv', INFO.replace('birthts', name).replace('-987822000000', value))

export const LAKES: readonly OtherLake[] = [
  {
    has: 'other column names: `Vorname,Nachname,birthts`',
    files: inSource('1000.csv', INFO.replace('first_name', 'Vorname').replace('last_name', 'Nachname')),
    fields: { first_name: { header: 'Vorname' }, last_name: { header: 'Nachname' } },
    request: '/data',
    response: WREN
  },
  {
    has: 'one column under two names: `first_name` in some files, `First Name` in others',
    files: { ...inSource('1000.csv', INFO.replace('first_name', 'First Name')), ...inSource('1001.csv') },
    fields: { first_name: { header: ['first_name', 'First Name'] } },
    request: '/data?first_name=wren&columns=user_id',
    response: '[{"user_id":"1000"},{"user_id":"1001"}]'
  },
  {
    has: 'ISO birth dates: `1938-09-12`',
    files: withBirth('born', '1938-09-12'),
    fields: { birthts: null, born: { type: 'date', role: 'birth' } },
    request: names(',born&min_age=80&as_of=2020-01-01T00:00:00Z'),
    response: NAMES.replace('}]', ',"born":"1938-09-12"}]')
  },
  {
    has: 'birth dates with the day first: `12.09.1938`',
    files: withBirth('born', '12.09.1938'),
    fields: { birthts: null, born: { type: 'date', format: '%d.%m.%Y', role: 'birth' } },
    request: '/data?born=1938-09-12&columns=user_id,born',
    response: '[{"user_id":"1000","born":"1938-09-12"}]'
  },
  {
    has: 'birth timestamps with an offset: `1938-09-12T02:00:00+02:00`',
    files: withBirth('born', '1938-09-12T02:00:00+02:00'),
    fields: { birthts: null, born: { type: 'datetime', role: 'birth' } },
    request: '/data?columns=user_id,born',
    response: '[{"user_id":"1000","born":"1938-09-12T00:00:00.000Z"}]'
  },
  {
    has: 'no birth date',
    files: inSource('1000.csv', 'first_name,last_name\nWren,Ashgrove\n'),
    fields: { birthts: null },
    request: '/stats',
    response: '{"count":1,"with_image":0}'
  },
  {
    has: 'birth dates that are not always known: `NA`',
    files: { ...withBirth('born', 'NA'), ...inSource('1001.csv', 'first_name,last_name,born\nA,B,2000-01-01\n') },
    fields: { birthts: null, born: { type: 'date', role: 'birth', missingValues: ['', 'NA'] } },
    request: '/data?columns=user_id,born&sort=born',
    response: '[{"user_id":"1001","born":"2000-01-01"},{"user_id":"1000","born":null}]'
  },
  {
    has: 'a number with a decimal comma: `"1,75"`',
    files: withColumn('height', '"1,75"'),
    fields: { height: { type: 'number', decimalChar: ',' } },
    request: '/data?height=1.75&columns=user_id,height',
    response: '[{"user_id":"1000","height":1.75}]'
  },
  {
    has: 'a number with thousands separators: `"1.234.567,5"`',
    files: withColumn('income', '"1.234.567,5"'),
    fields: { income: { type: 'number', decimalChar: ',', groupChar: '.' } },
    request: '/data?columns=user_id,income',
    response: '[{"user_id":"1000","income":1234567.5}]'
  },
  {
    has: 'a number with a currency: `EUR 12.50`',
    files: withColumn('fee', 'EUR 12.50'),
    fields: { fee: { type: 'number', bareNumber: false } },
    request: '/data?columns=user_id,fee',
    response: '[{"user_id":"1000","fee":12.5}]'
  },
  {
    has: 'a column of `ja` and `nein`',
    files: withColumn('member', 'ja'),
    fields: { member: { type: 'boolean', trueValues: ['ja'], falseValues: ['nein'] } },
    request: '/data?member=true&columns=user_id,member',
    response: '[{"user_id":"1000","member":true}]'
  },
  {
    has: 'semicolons between the fields',
    files: inSource('1000.csv', INFO.replaceAll(',', ';')),
    settings: { INPUT_DELIMITER: ';' },
    request: '/data',
    response: WREN
  },
  {
    has: '`.tsv` files',
    files: inSource('1000.tsv', INFO.replaceAll(',', '\t')),
    request: '/data',
    response: WREN
  },
  {
    has: '`.json` files: `{"first_name": "Wren", "last_name": "Ashgrove", "birthts": -987822000000}`',
    files: inSource('1000.json', '{"first_name": "Wren", "last_name": "Ashgrove", "birthts": -987822000000}'),
    request: '/data',
    response: WREN
  },
  {
    has: '`.csv.gz` files',
    files: inSource('1000.csv.gz', gzipSync(INFO)),
    request: '/data',
    response: WREN
  },
  {
    has: 'files in Windows-1252, as spreadsheets write them',
    files: inSource('1000.csv', Buffer.from(INFO.replace('Wren', 'Ren\xe9e'), 'latin1')),
    settings: { INPUT_ENCODING: 'windows-1252' },
    request: names(),
    response: NAMES.replace('Wren', 'Renée')
  },
  {
    has: 'files in UTF-16',
    files: inSource('1000.csv', Buffer.from('\ufeff' + INFO, 'utf16le')),
    settings: { INPUT_ENCODING: 'utf-16' },
    request: '/data',
    response: WREN
  },
  {
    has: 'a column `user_id` that repeats the name of the file',
    files: inSource('1000.csv', INFO.replace('first_name', 'user_id,first_name').replace('Wren', '1000,Wren')),
    request: '/data',
    response: WREN
  },
  {
    has: 'another name for the key: a column `number` that repeats the name of the file',
    files: inSource('1000.csv', INFO.replace('first_name', 'number,first_name').replace('Wren', '1000,Wren')),
    fields: { user_id: { name: 'number' } },
    request: '/data?number=1000&columns=number,last_name',
    response: '[{"number":"1000","last_name":"Ashgrove"}]'
  },
  {
    has: 'more columns: `city`',
    files: withColumn('city', 'Kyiv'),
    request: '/data?where=city=Kyiv&columns=user_id,city',
    response: '[{"user_id":"1000","city":"Kyiv"}]'
  },
  {
    has: 'files that lack a column: no `last_name`',
    files: inSource('1000.csv', 'first_name,birthts\nWren,-987822000000\n'),
    fields: { last_name: { constraints: { required: false } } },
    schema: { fieldsMatch: 'partial' },
    request: names(),
    response: NAMES.replace('"Ashgrove"', 'null')
  },
  {
    has: 'folders by date: `source_data/2026/11/26/1000.csv`',
    files: inSource('2026/11/26/1000.csv'),
    request: '/data',
    response: WREN
  },
  {
    has: 'files at the top of the bucket: `1000.csv`',
    files: { '1000.csv': INFO },
    settings: { SOURCE_PREFIX: '' },
    request: '/data',
    response: WREN
  },
  {
    has: 'each upload in a folder of its own, where the newest counts',
    files: { ...inSource('new/1000.csv', INFO.replace('Wren', 'Old')), ...inSource('newest/1000.csv') },
    settings: { DUPLICATES: 'newest' },
    request: '/data',
    response: WREN
  },
  {
    has: 'two images each: `1000.png` and `1000.passport.jpg`',
    files: { ...inSource('1000.csv'), ...inSource('1000.png', 'x'), ...inSource('1000.passport.jpg', 'x') },
    fields: { passport: { type: 'string', source: 'image', extensions: ['passport.jpg'] } },
    request: '/data?columns=user_id,img_path,passport',
    response: '[{"user_id":"1000","img_path":"source_data/1000.png","passport":"source_data/1000.passport.jpg"}]'
  },
  {
    has: 'a folder for each record, whose name is the key: `source_data/1000/info.csv`',
    files: { ...inSource('1000/info.csv'), ...inSource('1000/front.png', 'x') },
    renames: { 'source_data/1000/info.csv': 'source_data/1000.csv', 'source_data/1000/front.png': 'source_data/1000.png' },
    request: '/data',
    response: WREN.replace('null', '"source_data/1000.png"')
  }
]

/** The row of a lake in docs/lakes.md. */
export function rowOf (lake: OtherLake, i: number): string {
  return `| ${i + 1} | ${lake.has} | ${describeSteps(lake)} | \`GET ${lake.request}\` | \`${lake.response}\` |`
}

function describeSteps ({ renames = {}, fields = {}, schema = {}, settings = {} }: OtherLake): string {
  const steps = [
    ...Object.entries(renames).map(([from, to]) => `rename \`${from}\` to \`${to}\``),
    ...Object.entries(fields).map(([name, properties]) => properties === null
      ? `remove the field \`${name}\``
      : 'type' in properties ? `add a field \`${JSON.stringify({ name, ...properties })}\`` : `change the field \`${name}\`: \`${JSON.stringify(properties)}\``),
    ...Object.entries(schema).map(([name, value]) => `add to the schema \`${JSON.stringify(name)}: ${JSON.stringify(value)}\``),
    ...Object.entries(settings).map(([name, value]) => `set \`${name}=${/^[\w./:-]*$/.test(value) ? value : `'${value}'`}\``)
  ]
  return steps.join('; ') || 'nothing'
}
