import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { buffersOf } from '../../../lib/base/shared-memory.js'
import { typedArraysIn } from '../../../lib/base/typed-arrays.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { takeRows } from '../../../lib/table/take-rows.js'
import { TableReader, type Table } from '../../../lib/table/table.js'
import { runs } from '../../support/property-runs.js'
import { rowsOf, tableOf, utf8ColumnOf, userAt, type TestRow } from '../../support/tables.js'

// Characters that break naive copies, escapes and comparisons: quotes, control characters, DEL before a four-byte character, several planes.
const unit = fc.constantFrom('a', 'B', '"', '\\', '/', '\n', '\t', '\0', '\u001f', '\u007f', '\u007f😀', '\u2028', 'é', '\ue000', '\uffff', '😀', '李')
const text = fc.array(unit, { maxLength: 12 }).map((units) => units.join(''))
const row = fc.record({
  user_id: fc.tuple(fc.constantFrom('', 'a', '"', '\\', 'é', '😀', '\uffff'), fc.integer({ min: 0, max: 12 })).map(([start, n]) => `${start}${n}`),
  first_name: text,
  last_name: fc.constantFrom('Lee', 'Ray', '', 'O, Neil'),
  birthts: fc.oneof(fc.integer({ min: -2e12, max: 2e12 }), fc.constantFrom(0, 8.64e15, -8.64e15)),
  img_path: fc.option(fc.constantFrom('source_data/1.png', 'x/"y".jpg', '\u007f😀')),
  undeclared: fc.dictionary(fc.constantFrom('city', '__proto__', 'a=b', 'ü'), fc.constantFrom('Rome', '', '😀'), { noNullPrototype: false })
}) as fc.Arbitrary<TestRow>
const rows = fc.uniqueArray(row, { selector: ({ user_id: id }) => id, maxLength: 20 })

/** The content of a table, in a form that can be compared. */
const contentOf = (data: Table) => ({
  rows: rowsOf(data),
  json: Buffer.from(data.json.bytes).toString(),
  version: data.version,
  births: Object.fromEntries(Object.entries(data.births!).map(([name, values]) => [name, typeof values === 'boolean' ? values : [...values as Float64Array]])),
  columns: data.columns.map((column) => column.kind === 'dictionary' ? [column.name, [...column.codes], [...column.values.offsets]] : [column.name, [...column.values]])
})

t.test('the JSON of the rows is what JSON.stringify writes', async () => {
  fc.assert(fc.property(rows, (rows) => {
    const data = tableOf(rows)
    const expected = rowsOf(data).map(({ user_id, first_name, last_name, birthts, img_path }) => ({ user_id, first_name, last_name, birthts, img_path }))
    assert.equal(Buffer.from(data.json.bytes).toString(), JSON.stringify(expected))
  }), runs(1000))
})

t.test('a row has the values that it was built from', async () => {
  fc.assert(fc.property(rows, (rows) => {
    const table = new TableReader(tableOf(rows))
    for (const { birth_date: _, undeclared = {}, ...expected } of rows) {
      const found = userAt(table, table.keys.find(expected.user_id))
      assert.deepEqual({ ...found, undeclared: { ...found.undeclared } }, { ...found, ...expected, undeclared: { ...undeclared } })
    }
    assert.equal(table.keys.find('unknown'), -1)
  }), { numRuns: 500 })
})

t.test('a table that was built version by version equals one that was built at once', async () => {
  fc.assert(fc.property(fc.array(rows, { minLength: 2, maxLength: 5 }), (versions) => {
    let previous = tableOf(versions[0]!)
    for (const rows of versions.slice(1)) {
      // Some of the previous rows are kept.
      const kept = rowsOf(previous).filter((row, i) => i % 3 !== 0 && !rows.some(({ user_id: id }) => id === row.user_id))
      const next = tableOf([...kept, ...rows], { previous })
      assert.deepEqual(contentOf(next), contentOf(tableOf([...kept, ...rows])))
      previous = next
    }
  }), runs(500))
})

t.test('the name of a version depends on all rows and on nothing else', async (t) => {
  const base: TestRow[] = [{ user_id: '1', first_name: 'Ann', undeclared: { city: 'Rome' } }, { user_id: '2' }]
  const name = (rows: TestRow[]) => tableOf(rows).version
  t.match(name(base), /^[\w-]{22}$/)
  t.equal(name([...base].reverse()), name(base))
  const others: TestRow[][] = [
    [], [base[0]!], [base[0]!, { user_id: '3' }], [{ ...base[0]!, first_name: 'ann' }, base[1]!], [{ ...base[0]!, birthts: 1 }, base[1]!],
    [{ ...base[0]!, img_path: 'x' }, base[1]!], [{ ...base[0]!, undeclared: { city: 'Oslo' } }, base[1]!], [{ ...base[0]!, undeclared: {} }, base[1]!],
    [{ ...base[0]!, undeclared: { town: 'Rome' } }, base[1]!], [{ ...base[0]!, undeclared: {} }, { ...base[1]!, undeclared: { city: 'Rome' } }]
  ]
  t.equal(new Set([base, ...others].map(name)).size, others.length + 1)
})

t.test('takeRows copies rows byte for byte', async () => {
  const dirty = (bytes: number) => Uint8Array.from({ length: bytes + 9 }, () => 0xff).buffer
  const frame = fc.record({ texts: fc.array(text.map((text) => text + ','), { maxLength: 30 }), picks: fc.array(fc.nat(), { maxLength: 40 }), hasFirst: fc.boolean() })
  fc.assert(fc.property(frame, ({ texts, picks, hasFirst }) => {
    const rows = Uint32Array.from(texts.length === 0 ? [] : picks, (pick) => pick % texts.length)
    const expected = (hasFirst ? '[' : '') + [...rows].map((row) => texts[row]!.slice(0, -1) + ';').join('')
    const length = Buffer.byteLength(expected) - (hasFirst ? 1 : 0)
    const gathered = takeRows(utf8ColumnOf(texts), rows, 0, rows.length, { length, separator: 0x3b, allocate: dirty, ...hasFirst && { first: 0x5b } })
    assert.equal(gathered.toString(), expected)
  }), runs(2000))
})

t.test('filters are right even if birth dates are not in the order of birth timestamps', async (t) => {
  // In 1867, the date line moved from the east of Alaska to its west: in Juneau, October 19 was followed by October 18.
  const timeZone = 'America/Juneau'
  const change = Date.parse('1867-10-19T00:31:13Z')
  const born = [-3, -2, -1, 0, 1, 2].map((hours) => change + hours * 6 * 3_600_000)
  const data = tableOf(born.map((birthts, i) => ({ user_id: String(i), birthts })), { timeZone })
  t.equal(data.births!.datesAscend, false)
  const records = new TableVersion(data, timeZone)
  for (const { birth_date: date } of rowsOf(data)) {
    const expected = rowsOf(data).filter((row) => row.birth_date >= date).length
    const filters = [{ op: 'born', unit: 'calendar day', value: { min: date } }] as const
    t.equal((await records.select({ filters })).count, expected)
    t.equal((await records.statistics({ filters, asOf: 0, binWidth: 10 })).count, expected)
  }
})

t.test('batches of long rows have fewer rows', async (t) => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ user_id: String(i), first_name: String(i % 10).repeat(20_000 + i) }))
  const { batches } = await new TableVersion(tableOf(rows), 'UTC').select({ columns: ['first_name'] })
  const lengths: number[] = []
  for await (const batch of batches()) lengths.push(batch.length)
  t.equal(lengths.reduce((sum, length) => sum + length, 0), 100)
  t.ok(Math.max(...lengths) < 10, String(lengths))
})

t.test('columns that do not change are shared with the previous version', async (t) => {
  const row = (i: number, rest: Partial<TestRow> = {}): TestRow => ({ user_id: `u${i}`, first_name: `F${i % 3}`, last_name: 'L', birthts: i, undeclared: { city: `C${i % 2}`, height: `${i}` }, ...rest })
  const rows = Array.from({ length: 100 }, (_, i) => row(i))
  const first = tableOf(rows)
  const changedParts = (next: Table) => {
    const arrays = new Set(typedArraysIn(first))
    const changed = Object.entries(next).flatMap(([name, value]) => name === 'columns'
      ? next.columns.filter((column) => !typedArraysIn(column).every((array) => arrays.has(array))).map((column) => column.name)
      : typedArraysIn(value).every((array) => arrays.has(array)) ? [] : [name])
    return changed.sort()
  }
  const change = (rest: Partial<TestRow>) => tableOf([row(0, rest), ...rows.slice(1)], { previous: first })
  t.same(changedParts(change({ undeclared: { city: 'C1', height: '0' } })), ['buckets', 'city'])
  t.same(changedParts(change({ first_name: 'F2' })), ['buckets', 'first_name', 'json'])
  t.same(changedParts(change({ birthts: 50 })), ['births', 'birthts', 'buckets', 'json'])
  t.same(changedParts(change({ img_path: 'i.png' })), ['births', 'buckets', 'images', 'json'])
  t.same(changedParts(change({ undeclared: { city: 'C0', height: '0', age: '1' } })), ['age', 'buckets'], 'a column that comes before the others')
  const buffers = buffersOf(change({ first_name: 'F2' }))
  t.ok([...buffers].filter((buffer) => buffersOf(first).has(buffer)).length > buffers.size / 2, 'more than half of the buffers are those of the previous version')
})
