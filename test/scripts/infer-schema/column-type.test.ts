import t from 'tap'
import { inferType, type SampleValue } from '../../../scripts/infer-schema/column-type.js'

t.test('types, formats, decimal characters and missing values are inferred from the values', async (t) => {
  const cases: [SampleValue[], object][] = [
    [['a', 'b'], { type: 'string' }],
    [['true', 'false', ''], { type: 'boolean' }],
    [[true, false], { type: 'boolean' }],
    [['ja', 'Nein', 'nein'], { type: 'boolean', trueValues: ['ja'], falseValues: ['Nein', 'nein'] }],
    [['1', '-2', ' 3 '], { type: 'integer' }],
    [['1', '2.5', '-1e3'], { type: 'number' }],
    [['1', '2,5'], { type: 'number', decimalChar: ',' }],
    [['1.234,50', '7,5'], { type: 'number', decimalChar: ',', groupChar: '.' }],
    [['1,234.50', '7.5'], { type: 'number', groupChar: ',' }],
    [['1.883,5', '1197,2', '7'], { type: 'number', decimalChar: ',', groupChar: '.' }],
    [['1.883,5', '1.5'], { type: 'string' }],
    [['1 234,5', '7'], { type: 'number', decimalChar: ',', groupChar: ' ' }],
    [['2024-01-31'], { type: 'date' }],
    [['31.01.2024', '1.2.2024'], { type: 'date', format: '%d.%m.%Y' }],
    [['01/31/2024', '02/01/2024'], { type: 'date', format: '%m/%d/%Y' }],
    [['31 Jan 2024'], { type: 'date', format: '%d %b %Y' }],
    [['2024-01-31T12:00:00Z', '2024-01-31T12:00:00.5+02:00'], { type: 'datetime' }],
    [['2024-01-31 12:00', '2024-02-01 00:30'], { type: 'datetime', format: '%Y-%m-%d %H:%M' }],
    [['5', 'NA', '', '-'], { type: 'integer', missingValues: ['', 'NA', '-'] }],
    [['1', '2', '3', '4', 'none known'], { type: 'integer', missingValues: ['', 'none known'] }],
    [['1', '2', 'three'], { type: 'string' }],
    [['01234', '99999'], { type: 'string' }],
    [['12345678901234567890'], { type: 'string' }],
    [['1', 'x'], { type: 'string' }],
    [['6,4', 'n/a', 922.8, 7], { type: 'number', decimalChar: ',', missingValues: ['', 'n/a'] }],
    [['1.234,5', '7,5', 1234.5], { type: 'number', decimalChar: ',', groupChar: '.' }],
    [['5', 7, 2.5], { type: 'number' }],
    [['5', 'n/a', 7], { type: 'integer', missingValues: ['', 'n/a'] }],
    [['ja', 'nein', true, false], { type: 'boolean', trueValues: ['ja'], falseValues: ['nein'] }],
    [['ja', 'nein', 1], { type: 'string' }],
    [['n/a', 2.5, 7], { type: 'number', missingValues: ['', 'n/a'] }],
    [['2024-01-31', 20240131], { type: 'string' }],
    [['', ''], { type: 'string' }],
    [[], { type: 'string' }]
  ]
  for (const [values, field] of cases) t.same(inferType(values).field, field, JSON.stringify(values))
})

t.test('what cannot be decided is reported as a doubt', async (t) => {
  const cases: [SampleValue[], RegExp | undefined][] = [
    [['03/04/2024'], /also fit %m\/%d\/%Y: check the order/],
    [['2024-01-31T12:00:00Z'], undefined],
    [['1,234'], /may separate thousands/],
    [['1,25'], undefined],
    [['0', '1'], /may be a boolean/],
    [['20240131'], /may be a date with the format %Y%m%d/],
    [['007'], /leading zeros, such as 007/],
    [['9007199254740993'], /does not represent exactly/],
    [['5', 'NA'], /"NA": they are treated as missing values/],
    [['x', 'NA'], /the values "NA": if they stand for a missing value/],
    [['x', 5], /numbers or booleans such as 5: those files will be rejected/],
    [[''], /no value in the sample/]
  ]
  for (const [values, doubt] of cases) {
    const found = inferType(values).doubts.join()
    if (doubt === undefined) t.equal(found, '', JSON.stringify(values))
    else t.match(found, doubt, JSON.stringify(values))
  }
})

t.test('a column has the type of most values if it has at least 20 values and at most 5 % exceptions; up to 10 % are reported', async (t) => {
  const some = (count: number, text: (i: number) => SampleValue) => Array.from({ length: count }, (_, i) => text(i))
  const german = { type: 'number', decimalChar: ',' }
  const cases: [values: SampleValue[], field: object, majority: { field: object, exceptions: string[], count: number, exceptionCount: number } | undefined][] = [
    [[...some(195, (i) => `${i},5`), 'hoch'], german, { field: german, exceptions: ['hoch'], count: 196, exceptionCount: 1 }],
    [[...some(38, (i) => i), 'NA', '', 'x 1', ' x 1 '], { type: 'integer', missingValues: ['', 'NA'] }, { field: { type: 'integer', missingValues: ['', 'NA'] }, exceptions: ['x 1'], count: 40, exceptionCount: 2 }],
    [[...some(195, (i) => `${i % 28 + 1}.01.2026`), '31.02.2026'], { type: 'date', format: '%d.%m.%Y' }, { field: { type: 'date', format: '%d.%m.%Y' }, exceptions: ['31.02.2026'], count: 196, exceptionCount: 1 }],
    [[...some(19, (i) => `2026-01-${i + 10}T12:00:00Z`), 'soon'], { type: 'datetime' }, { field: { type: 'datetime' }, exceptions: ['soon'], count: 20, exceptionCount: 1 }],
    [[...some(39, (i) => i % 2 === 0 ? 'ja' : 'nein'), 'x'], { type: 'boolean', trueValues: ['ja'], falseValues: ['nein'] }, { field: { type: 'boolean', trueValues: ['ja'], falseValues: ['nein'] }, exceptions: ['x'], count: 40, exceptionCount: 1 }],
    [[...some(38, (i) => i), 'unbekannt', 'unbekannt'], { type: 'integer', missingValues: ['', 'unbekannt'] }, undefined],
    // Too few values, or too many exceptions, for a type, and enough for a doubt.
    [[...some(18, (i) => i), '12a'], { type: 'string' }, { field: { type: 'integer' }, exceptions: ['12a'], count: 19, exceptionCount: 1 }],
    [[...some(18, (i) => i), '12a', '12b'], { type: 'string' }, { field: { type: 'integer' }, exceptions: ['12a', '12b'], count: 20, exceptionCount: 2 }],
    [[...some(17, (i) => i), '12a', '12b', '12c'], { type: 'string' }, undefined],
    [[...some(8, (i) => i), '12a'], { type: 'string' }, undefined],
    // Codes remain strings.
    [[...some(39, (i) => `00${i}`), 'A1'], { type: 'string' }, undefined],
    [some(40, (i) => `name ${i}`), { type: 'string' }, undefined],
    [some(40, (i) => i), { type: 'integer' }, undefined]
  ]
  for (const [values, field, expected] of cases) {
    const { field: found, majority } = inferType(values)
    t.same(found, field, JSON.stringify(values.slice(-3)))
    t.same(majority && { ...majority, exceptions: [...majority.exceptions] }, expected, JSON.stringify(values.slice(-3)))
  }
})
