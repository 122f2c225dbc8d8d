import assert from 'node:assert/strict'
import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import t from 'tap'
import { inferSchema } from '../../../scripts/infer-schema/infer-schema.js'
import type { SampledFile } from '../../../scripts/infer-schema/sampled-file.js'
import { runs } from '../../support/property-runs.js'

const header = fc.constantFrom('a', 'A', 'a b', 'a_b', 'A-B', 'id', 'key', 'image', 'first name', 'firstName', 'birth date', 'dob', 'Größe (m)', '__proto__', '7', '=')
/** The values of a column are of one kind, or of several. */
const kinds = [
  ['x', 'y z', '"', 'é'], ['1', '-7', '+3', '123456789012'], ['1.5', '1e3', '.5'], ['1,5', '12'], ['1.234,5', '7'], ['1,234.5', '7'], ['true', 'false'], ['ja', 'nein', 'Ja'],
  ['2024-01-31', '1999-12-01'], ['31.01.2024', '1.2.1999'], ['03/04/2024'], ['2024-01-31T10:00:00Z'], ['2024-01-31 10:00'], ['007', '12'], ['12345678901234567890'], ['20240131'], ['0', '1']
]
const value = (kind: number) => fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...kinds[kind]!) }, { weight: 1, arbitrary: fc.constantFrom('', 'NA', 'k.A.', 'soon') })
const columns = fc.uniqueArray(fc.tuple(header, fc.nat(kinds.length - 1)), { selector: ([name]) => name, minLength: 2, maxLength: 6 })

const lake = columns.chain((columns) => fc.record({
  names: fc.constant(columns.map(([name]) => name)),
  rows: fc.array(fc.tuple(...columns.map(([, kind]) => value(kind))), { minLength: 1, maxLength: 8 }),
  delimiter: fc.constantFrom(',', ';', '\t'),
  encoding: fc.constantFrom('utf8' as const, 'latin1' as const)
}))

t.test('an inferred schema is valid and, with the inferred settings, accepts every file of the sample', async () => {
  fc.assert(fc.property(lake, ({ names, rows, delimiter, encoding }) => {
    fc.pre(rows.every((row) => row.some((cell) => cell !== '')))
    const files = rows.map((row, i): SampledFile =>
      ({ id: `${i}`, key: `${i}.csv`, format: 'csv', body: Buffer.from(stringify([names, row], { delimiter, quoted_string: true }), encoding) }))
    const { schema, accepted, doubts } = inferSchema({ files, ids: new Map(files.map(({ id }) => [id, 1])), images: ['0.png', '0.front.jpg', 'other.png'], others: ['0.pdf', 'x'] })
    assert.equal(accepted, files.length, doubts.join('\n'))
    // In addition to the columns, two image fields and the key, unless a column equals it.
    assert.ok([2, 3].includes(schema.fields.length - names.length))
  }), runs(1000))
})
