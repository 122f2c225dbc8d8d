import t from 'tap'
import type { TypeName, TypeOptions } from '../../../lib/schema/field-type.js'
import { createType } from '../../../lib/schema/types/index.js'

type Case = readonly [type: TypeName, options: TypeOptions, text: string, json: string | undefined]

/** The JSON value of a text; `undefined` if the text is not of the type. */
const CASES: readonly Case[] = [
  ['string', {}, 'a "b"', '"a \\"b\\""'],
  ['integer', {}, '12', '12'],
  ['integer', {}, '+012', '12'],
  ['integer', {}, '-0', '0'],
  ['integer', {}, '9007199254740991', '9007199254740991'],
  ['integer', {}, '9007199254740992', undefined],
  ['integer', {}, '1.0', undefined],
  ['integer', {}, '1e3', undefined],
  ['integer', {}, '', undefined],
  ['integer', { groupChar: ',' }, '1,234,567', '1234567'],
  ['integer', { groupChar: ',' }, '-12,345', '-12345'],
  ['integer', { groupChar: ',' }, '1234567', '1234567'],
  ['integer', { groupChar: ',' }, '1,5', undefined],
  ['integer', { groupChar: ',' }, '1,234,56', undefined],
  ['integer', { groupChar: ',' }, '1234,567', undefined],
  ['integer', { groupChar: ',' }, ',123', undefined],
  ['integer', { groupChar: ',' }, '123,', undefined],
  ['integer', { groupChar: ',' }, '1,,234', undefined],
  ['integer', { groupChar: ' ', bareNumber: false }, 'EUR 1 234', '1234'],
  ['integer', { bareNumber: false }, 'EUR -95 %', '-95'],
  ['integer', { bareNumber: false }, 'none', undefined],
  ['integer', { bareNumber: false }, '-€95', '-95'],
  ['integer', { bareNumber: false }, 'EUR \u221295', '-95'],
  ['integer', { bareNumber: false }, '- $ 95', '-95'],
  ['integer', { bareNumber: false }, '95-', undefined],
  ['integer', { bareNumber: false }, '95 - EUR', undefined],
  ['integer', { bareNumber: false }, 'EUR - 95', undefined],
  ['integer', { bareNumber: false }, '(95)', undefined],
  ['integer', { bareNumber: false }, 'pre-tax 95 (net)', '95'],
  ['number', { bareNumber: false, decimalChar: ',' }, 'Fr. 95,-', '95'],
  ['number', {}, '-1.5', '-1.5'],
  ['number', {}, '.5', '0.5'],
  ['number', {}, '5.', '5'],
  ['number', {}, '1E+3', '1000'],
  ['number', {}, '-0.0', '0'],
  ['number', {}, 'NaN', undefined],
  ['number', {}, 'INF', undefined],
  ['number', {}, '1e999', undefined],
  ['number', {}, '0x10', undefined],
  ['number', { decimalChar: ',' }, '1,5', '1.5'],
  ['number', { decimalChar: ',' }, '1.5', undefined],
  ['number', { decimalChar: ',', groupChar: '.' }, '1.234,5', '1234.5'],
  ['number', { decimalChar: ',', groupChar: '.' }, '1234,5', '1234.5'],
  ['number', { decimalChar: ',', groupChar: '.' }, '-1.234.567e3', '-1234567000'],
  ['number', { decimalChar: ',', groupChar: '.' }, '0,1234', '0.1234'],
  ['number', { decimalChar: ',', groupChar: '.' }, '1.5', undefined],
  ['number', { decimalChar: ',', groupChar: '.' }, '1,234.567', undefined],
  ['number', { decimalChar: ',', groupChar: '.' }, '1.2345,5', undefined],
  ['number', { groupChar: ',' }, '1.234,567', undefined],
  ['number', { groupChar: ',', bareNumber: false }, '€1,234.50', '1234.5'],
  ['number', { bareNumber: false }, '€95.5', '95.5'],
  ['boolean', {}, 'True', 'true'],
  ['boolean', {}, '0', 'false'],
  ['boolean', {}, 'yes', undefined],
  ['boolean', { trueValues: ['ja'], falseValues: ['nein'] }, 'ja', 'true'],
  ['boolean', { trueValues: ['ja'], falseValues: ['nein'] }, 'true', undefined],
  ['date', {}, '2024-02-29', '"2024-02-29"'],
  ['date', {}, '1969-12-31', '"1969-12-31"'],
  ['date', {}, '0001-01-01', '"0001-01-01"'],
  ['date', {}, '2023-02-29', undefined],
  ['date', {}, '2023-13-01', undefined],
  ['date', {}, '0000-01-01', undefined],
  ['date', {}, '01/02/2023', undefined],
  ['date', { format: '%d/%m/%Y' }, '1/2/2023', '"2023-02-01"'],
  ['date', { format: '%d. %B %Y' }, '3. March 2021', '"2021-03-03"'],
  ['date', { format: '%d. %B %Y' }, '3. Mar 2021', undefined],
  ['date', { format: '%b %d, %y' }, 'Dec 31, 68', '"2068-12-31"'],
  ['date', { format: '%b %d, %y' }, 'Dec 31, 69', '"1969-12-31"'],
  ['date', { format: '%Y-%j' }, '2024-366', '"2024-12-31"'],
  ['date', { format: '%Y-%j' }, '2023-366', undefined],
  ['date', { format: '%Y(%m)%d' }, '2023(04)05', '"2023-04-05"'],
  ['date', { format: '%Y-%m-%dT%H:%M:%S%z' }, '2024-02-29T00:30:00+14:00', '"2024-02-29"'],
  ['date', { format: '%Y-%m-%dT%H:%M:%S%z' }, '0001-01-01T00:30:00+14:00', '"0001-01-01"'],
  ['date', { format: '%Y-%m-%dT%H:%M:%S%z' }, '2024-02-29T00:30:00+15:00', undefined],
  ['datetime', { format: '%Y-%m-%dT%H:%M:%S%z' }, '2024-02-29T00:30:00+14:00', '"2024-02-28T10:30:00.000Z"'],
  ['datetime', {}, '2024-01-26T15:00:00', '"2024-01-26T15:00:00.000Z"'],
  ['datetime', {}, '2024-01-26T15:00:00.3-05:00', '"2024-01-26T20:00:00.300Z"'],
  ['datetime', {}, '1960-01-01T00:00:00.1239999Z', '"1960-01-01T00:00:00.123Z"'],
  ['datetime', {}, '2024-01-26 15:00:00', undefined],
  ['datetime', {}, '2024-01-26T24:00:00', undefined],
  ['datetime', {}, '2024-01-26T15:00:00+15:00', undefined],
  ['datetime', {}, '9999-12-31T23:59:59-01:00', undefined],
  ['datetime', { format: '%d.%m.%Y %H:%M' }, '26.01.2024 15:30', '"2024-01-26T15:30:00.000Z"'],
  ['datetime', { format: '%Y%m%dT%H%M%S%z' }, '20240126T150000+0530', '"2024-01-26T09:30:00.000Z"']
]

t.test('each type accepts only texts of its format, and reads their values', async (t) => {
  for (const [name, options, text, json] of CASES) {
    const type = createType(name, options)
    const value = type.parse(text)
    t.equal(value === undefined ? undefined : type.toJson(value), json, `${name} ${JSON.stringify(options)} ${JSON.stringify(text)}`)
  }
})

t.test('a type with default options parses what it formats', async (t) => {
  for (const [name, options, text, json] of CASES) {
    if (json === undefined) continue
    const value = createType(name, options).parse(text)!
    t.equal(createType(name).parse(createType(name).format(value)), value, `${name} ${text}`)
  }
})

t.test('JSON files have values of the declared type', async (t) => {
  const cases: readonly (readonly [TypeName, number | boolean, unknown])[] = [
    ['string', 1, undefined], ['integer', 1, 1], ['integer', -0, 0], ['integer', 1.5, undefined], ['integer', 2 ** 53, undefined], ['number', 1.5, 1.5],
    ['number', true, undefined], ['boolean', true, true], ['boolean', 1, undefined], ['date', 1, undefined], ['datetime', 1, undefined]
  ]
  for (const [name, value, expected] of cases) t.equal(createType(name).fromJson(value), expected, `${name} ${String(value)}`)
})

t.test('strings compare by their UTF-8 bytes, other values by size', async (t) => {
  t.ok(createType('string').compare('\uffff', '\u{10000}') < 0)
  t.ok(createType('integer').compare(2, 10) < 0)
  t.ok(createType('boolean').compare(false, true) < 0)
})
