import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { crc32 } from '../../../lib/base/crc32.js'
import { parseSchema } from '../../../lib/schema/schema.js'
import { tableFields, type TableField } from '../../../lib/table/table-field.js'
import { TableReader, type Table } from '../../../lib/table/table.js'
import { runs } from '../../support/property-runs.js'
import { emptyTable } from '../../../lib/table/build-table.js'
import { tableOf, tableOfAny, type AnyRow, type TestRow } from '../../support/tables.js'
import { USER_FIELDS } from '../../support/user-fields.js'

const sha256 = (text: string) => createHash('sha256').update(text).digest()

/** A reference implementation of CRC-32, one bit at a time. */
function crc (text: string): number {
  let remainder = 0xffffffffn
  for (const byte of Buffer.from(text)) {
    remainder ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) remainder = (remainder & 1n) === 1n ? (remainder >> 1n) ^ 0xedb88320n : remainder >> 1n
  }
  return Number(remainder ^ 0xffffffffn)
}

/** A reference implementation of the definition in docs/decisions/0016-the-name-of-a-data-version.md, as simple as possible. */
function referenceName (fields: readonly TableField[], records: readonly Readonly<Record<string, unknown>>[]) {
  const key = fields.find(({ source }) => source === 'key')!.name
  const buckets = new Map<number, string[]>()
  for (const record of [...records].sort((a, b) => Buffer.compare(Buffer.from(String(a[key])), Buffer.from(String(b[key]))))) {
    const bucket = crc(String(record[key])) % 1024
    const members = Object.keys(record).map((name) => `${JSON.stringify(name)}:${JSON.stringify(record[name])}`)
    buckets.set(bucket, [...buckets.get(bucket) ?? [], `{${members.join(',')}}\n`])
  }
  const lines = [...buckets].sort(([a], [b]) => a - b).map(([bucket, lines]) => `${bucket} ${sha256(lines.join('')).toString('hex')}\n`)
  const head = JSON.stringify(['userlake records 2', ...fields.map(({ name, source, type }) => [name, source, type])])
  return { name: sha256(`${head}\n${lines.join('')}`).toString('base64url').slice(0, 22), lines, head }
}

const recordsOf = (data: Table) => {
  const table = new TableReader(data)
  return Array.from({ length: table.length }, (_, row) => table.row(row))
}

const FIELDS = tableFields(parseSchema(JSON.stringify({ fields: [{ name: 'photo', type: 'string', source: 'image' }, { name: 'id', type: 'string', source: 'key' }, { name: 'weight', type: 'number' }, { name: 'made', type: 'date' }] })))
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary)
const row: fc.Arbitrary<AnyRow> = fc.record({
  key: fc.nat(40).map((n) => `k${n}`),
  values: fc.tuple(orNull(fc.constantFrom(0, -1.5, 1e21)), orNull(fc.constantFrom(0, 19_000))),
  images: fc.tuple(orNull(fc.constantFrom('a.png', 'b "1".png'))),
  undeclared: fc.dictionary(fc.constantFrom('city', 'ü', 'a b'), fc.constantFrom('', 'Rome', '"\n'), { noNullPrototype: false })
})

t.test('the name of a version is the one of the definition, and does not depend on earlier versions', async () => {
  fc.assert(fc.property(fc.array(fc.uniqueArray(row, { selector: ({ key }) => key, maxLength: 12 }), { minLength: 1, maxLength: 5 }), (versions) => {
    let table = emptyTable(FIELDS)
    let last: readonly AnyRow[] = []
    for (const changed of versions) {
      const unchanged = last.filter(({ key }, i) => i % 4 !== 0 && !changed.some((row) => row.key === key))
      last = [...unchanged, ...changed]
      table = tableOfAny(FIELDS, last, { previous: table })
      assert.equal(table.version, referenceName(FIELDS, recordsOf(table)).name)
    }
  }), runs(500))
})

t.test('a large record and a bucket of many records, which are hashed in pieces, have the name of the definition', async (t) => {
  const rows: TestRow[] = Array.from({ length: 3000 }, (_, i) => ({ user_id: `${i}`, first_name: 'x'.repeat(i % 300), undeclared: { city: 'y'.repeat(i % 200) } }))
  const long = [{ user_id: 'a', first_name: '"'.repeat(70_000), undeclared: { city: '\n'.repeat(70_000), other: 'z'.repeat(70_000) } }]
  for (const table of [tableOf(rows), tableOf(long)]) t.equal(table.version, referenceName(USER_FIELDS, recordsOf(table)).name)
})

t.test('data versions without records have different names if their columns differ', async (t) => {
  t.not(emptyTable(FIELDS).version, emptyTable(USER_FIELDS).version)
  t.equal(emptyTable(FIELDS).version, referenceName(FIELDS, []).name)
})

t.test('CRC-32 is computed as by the reference implementation', async (t) => {
  t.equal(crc32(Buffer.from('123456789'), 0, 9), 0xcbf43926, 'the check value of the catalogue of CRC algorithms')
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => {
    const bytes = Buffer.from(`x${text}y`)
    assert.equal(crc32(bytes, 1, bytes.length - 1), crc(text))
  }))
})

t.test('the example in the definition is correct', async (t) => {
  const rows = [{ user_id: '1000', first_name: 'Ann', last_name: 'Lee', birthts: 0, img_path: 'source_data/1000.png' }, { user_id: '1001', first_name: 'Bo', last_name: 'Ray', birthts: -5, undeclared: { city: 'Rome' } }]
  const table = tableOf(rows)
  const { name, lines, head } = referenceName(USER_FIELDS, recordsOf(table))
  t.equal(table.version, name)
  const document = readFileSync('docs/decisions/0016-the-name-of-a-data-version.md', 'utf8')
  for (const text of [head, ...lines.map((line) => line.trim()), name]) t.ok(document.includes(text), text)
})
