import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import t from 'tap'
import { render, type CsvOptions, type Format } from '../../../lib/output/render.js'
import type { SelectQuery, Selection, TextChunks } from '../../../lib/query/data-version.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { parseSchema } from '../../../lib/schema/schema.js'
import { tableFields } from '../../../lib/table/table-field.js'
import { runs } from '../../support/property-runs.js'
import { tableOfAny, type AnyRow } from '../../support/tables.js'

const FIELDS = tableFields(parseSchema(JSON.stringify({
  fields: [
    { name: 'id', type: 'string', source: 'key' },
    { name: 'model "x", y', type: 'string' },
    { name: 'count', type: 'integer' },
    { name: 'weight', type: 'number' },
    { name: 'on', type: 'boolean' },
    { name: 'made', type: 'date' },
    { name: 'seen', type: 'datetime' },
    { name: 'photo', type: 'string', source: 'image' },
    { name: 'scan', type: 'string', source: 'image', extensions: ['scan.png'] }
  ]
})))

// Characters that CSV or JSON escapes or that begin a formula; white space of one, two and three bytes; and characters whose last byte is the last byte of
// one of these.
const character = fc.constantFrom('a', ',', ';', '|', '"', '\\', '\'', '=', '-', '+', '@', '＝', '\t', '\n', '\r', '\0', ' ', '\u00a0', '\u2003', '\ufeff', '\u3000', 'à', '耀', '😀', '\u007f')
const text = fc.array(character, { maxLength: 4 }).map((characters) => characters.join(''))
const digits = fc.constantFrom(0, 9, 10, 99_999_999, 100_000_000, 100_000_001, 2 ** 31, 2 ** 32, 1e15, Number.MAX_SAFE_INTEGER)
const integer = fc.oneof(digits, digits.map((value) => -value), fc.maxSafeInteger()).map((value) => value + 0)
const day = fc.oneof(fc.integer({ min: -719_162, max: 2_932_896 }), fc.constantFrom(-719_162, -1, 0, 2_932_896))
const instant = fc.oneof(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), fc.constantFrom(-62_135_596_800_000, -1, 0, 253_402_300_799_999))
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 5 })
// 'usual' and 'front' stand for keys that a table stores as one byte (see `ImageKeys`).
const row: fc.Arbitrary<AnyRow> = fc.record({
  key: fc.tuple(text, fc.nat(99)).map(([start, n]) => `${start}${n}`),
  values: fc.tuple(orNull(text), orNull(integer), orNull(fc.oneof(integer, fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0))), orNull(fc.boolean()), orNull(day), orNull(instant)),
  images: fc.tuple(orNull(text.filter((text) => text !== '')), orNull(fc.constantFrom('a.png', 'b "x".png', 'usual', 'front'))),
  undeclared: fc.dictionary(fc.constantFrom('city', '__proto__', 'ü'), text, { noNullPrototype: false })
}).map(({ key, images: [photo, scan], ...row }) => ({ key, images: [photo, scan === 'usual' ? `source_data/${key}.png` : scan === 'front' ? `source_data/${key}.front.jpg` : scan], ...row }))
const rows = fc.uniqueArray(row, { selector: ({ key }) => key, maxLength: 12 })
const NAMES = [...FIELDS.map(({ name }) => name), 'city', '__proto__', 'ü', 'none']
const shape = fc.record({
  columns: fc.oneof(fc.shuffledSubarray(NAMES, { minLength: 1 }), fc.constantFrom(FIELDS.map(({ name }) => name), ['city'])),
  format: fc.constantFrom<Format>('json', 'ndjson', 'csv', 'csv', 'csv'),
  options: fc.record<CsvOptions>({
    delimiter: fc.constantFrom(',', ';', '\t', '|', ' ', '\'', '=', '-', '.', ':', '1', 'e', '§', '||'),
    emptyValue: fc.constantFrom('', '-', 'n/a', ' ', ',', '"'),
    escapeFormulas: fc.boolean()
  }, { requiredKeys: [] })
})

const bytesOf = async (text: Buffer | TextChunks) => (Buffer.isBuffer(text) ? text : await buffer(Readable.from(text))).toString()
/** The same selection without `text`, so that `render` uses JSON.stringify and csv-stringify instead of the text that the engine writes. */
const asCells = ({ text: _, ...selection }: Selection): Selection => selection

t.test('text that is written from columns is equal to that of JSON.stringify and csv-stringify', async () => {
  await fc.assert(fc.asyncProperty(rows, shape, fc.boolean(), async (rows, { columns, format, options }, isReversed) => {
    const version = new TableVersion(tableOfAny(FIELDS, rows), 'UTC')
    const selection = await version.select({ columns, sort: [{ column: 'id', isReversed }] })
    assert.equal(await bytesOf(render(selection, format, options)), await bytesOf(render(asCells(selection), format, options)))
  }), runs(1500))
})

async function piecesOf (version: TableVersion, format: Format, query: SelectQuery): Promise<number[]> {
  const selection = await version.select(query)
  const pieces: Buffer[] = []
  const text = render(selection, format)
  if (Buffer.isBuffer(text)) pieces.push(text)
  else for await (const piece of text) pieces.push(piece as Buffer)
  assert.equal(Buffer.concat(pieces).toString(), await bytesOf(render(asCells(selection), format)))
  return pieces.map(({ length }) => length)
}

t.test('text is written in pieces of at most 64,000 cells and about 1 MiB', async (t) => {
  const many = new TableVersion(tableOfAny(FIELDS, Array.from({ length: 65_000 }, (_, i) => ({ key: `${i}`, values: ['', i, i / 3, true, i, i], undeclared: { city: `${i % 9000}` } }))), 'UTC')
  for (const format of ['json', 'ndjson', 'csv'] as const) {
    t.equal((await piecesOf(many, format, { columns: ['id'], page: { limit: 64_000 } })).length, 1)
    t.equal((await piecesOf(many, format, { columns: ['id'] })).length, 2)
    const pieces = await piecesOf(many, format, { columns: ['id', 'count', 'city', 'seen'], sort: [{ column: 'id', isReversed: true }] })
    t.ok(pieces.length >= 5 && Math.max(...pieces) < 1.1 * 1024 * 1024, `${pieces.length} pieces`)
    t.equal((await piecesOf(many, format, { columns: ['weight'], page: { limit: 8001 } })).length, 2)
  }
  const long = new TableVersion(tableOfAny(FIELDS, Array.from({ length: 90 }, (_, i) => ({ key: `${i}`, values: ['"'.repeat(60_000), null, null, null, null, null] }))), 'UTC')
  for (const format of ['json', 'csv'] as const) {
    for (const length of await piecesOf(long, format, { columns: ['model "x", y'] })) t.ok(length < 1024 * 1024 + 130_000, `${length} bytes`)
  }
})

t.test('a short text is written into the memory that the caller provides', async (t) => {
  const version = new TableVersion(tableOfAny(FIELDS, [{ key: 'a', values: ['x', 1, 2, true, 3, 4] }]), 'UTC')
  const { text } = await version.select({ columns: ['id'] })
  const memory = new ArrayBuffer(100)
  t.equal((text!({ format: 'json' }, () => memory) as Buffer).buffer, memory)
})
