import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import t from 'tap'
import { INFO_FORMATS, INPUT_ENCODINGS, type InfoFormat, type InputEncoding } from '../../../lib/base/info-formats.js'
import type { Value } from '../../../lib/schema/field-type.js'
import { parseSchema } from '../../../lib/schema/schema.js'
import { parseInfoFile } from '../../../lib/source/info-file.js'
import { runs } from '../../support/property-runs.js'

const schema = parseSchema(JSON.stringify({
  fieldsMatch: 'partial',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'count', type: 'integer' },
    { name: 'height', type: 'number' },
    { name: 'on', type: 'boolean' },
    { name: 'day', type: 'date' },
    { name: 'seen', type: 'datetime' }
  ]
}))

/** Characters of ISO-8859-1, so that every encoding has them. Quoted cells keep spaces. Not only white space: a row of such cells would be skipped as empty. */
const text = fc.array(fc.constantFrom('a', ' ', '"', ',', ';', '\t', '\n', '{', '\\', 'é', 'ÿ', '0'), { minLength: 1, maxLength: 6 }).map((units) => units.join('')).filter((text) => text.trim() !== '')
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 4 })
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0) && (!Number.isInteger(value) || Number.isSafeInteger(value)))
const values = fc.tuple(orNull(text), orNull(fc.maxSafeInteger()), orNull(number), orNull(fc.boolean()), orNull(fc.integer({ min: -700_000, max: 2_900_000 })), orNull(fc.integer({ min: -60e12, max: 250e12 })))

/** A value as a file has it: in JSON, numbers and booleans may also be texts. */
function written (value: Value, i: number, asText: boolean): string | number | boolean | null {
  const { type } = schema.fileFields[i]!
  if (value === null) return null
  return asText || typeof value === 'string' || ['date', 'datetime'].includes(type.name) ? type.format(value) : value
}

function encode (text: string, encoding: InputEncoding, hasMark: boolean): Buffer {
  if (encoding === 'utf-16') return Buffer.from((hasMark ? '\ufeff' : '') + text, 'utf16le')
  return encoding === 'utf-8' ? Buffer.from((hasMark ? '\ufeff' : '') + text) : Buffer.from(text, 'latin1')
}

t.test('the same record in any format and encoding has the same values', async () => {
  const options = fc.record({
    format: fc.constantFrom<InfoFormat>(...INFO_FORMATS),
    encoding: fc.constantFrom<InputEncoding>(...INPUT_ENCODINGS),
    delimiter: fc.constantFrom(',', ';', '\t', '||'),
    hasMark: fc.boolean(),
    asText: fc.boolean(),
    city: orNull(text)
  })
  fc.assert(fc.property(values, options, (values, { format, encoding, delimiter, hasMark, asText, city }) => {
    const names = [...schema.fileFields.map(({ name }) => name), 'city']
    const cells = [...values.map((value, i) => written(value, i, asText || format !== 'json')), city]
    fc.pre(format === 'json' || cells.some((cell) => cell !== null))
    const body = format === 'json'
      ? JSON.stringify(Object.fromEntries(names.map((name, i) => [name, cells[i]])))
      : stringify([names, cells], { delimiter: format === 'tsv' ? '\t' : delimiter, quoted_string: true })
    const bytes = encode(body, encoding, hasMark)
    const { data, rejection } = parseInfoFile(format === 'csv.gz' ? gzipSync(bytes) : bytes, { format, delimiter, encoding, schema, userId: '1' })
    assert.equal(rejection, undefined)
    assert.deepEqual(data!.values, values)
    const missing = format === 'json' ? {} : { city: '' }
    assert.deepEqual({ ...data!.undeclared }, city === null ? missing : { city })
  }), runs(2000))
})
