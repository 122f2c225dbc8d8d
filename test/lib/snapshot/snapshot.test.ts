import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { SourceState } from '../../../lib/source/source-state.js'
import { rejection } from '../../../lib/source/reject.js'
import { decodeSnapshot, encodeSnapshot } from '../../../lib/snapshot/snapshot.js'
import { rowsOf, tableOf, textsOf, type TestRow } from '../../support/tables.js'

const IDENTITY = 'this lake'

function stateOf (rows: readonly TestRow[]): SourceState {
  const table = tableOf(rows)
  const texts = (text: (row: number) => string) => textsOf(Array.from({ length: table.length }, (_, row) => text(row)))
  return {
    name: '7@1.5',
    table,
    files: { keys: texts((row) => row % 3 === 0 ? `source_data/sub/${row}.CSV` : ''), etags: texts((row) => `etag-${row}`), sizes: Uint32Array.from(rows, (_, row) => row), racy: Uint8Array.from(rows, (_, row) => row % 2) },
    images: { etags: texts((row) => row % 2 === 0 ? '' : `image-${row}`), sizes: Float64Array.from(rows, (_, row) => row * 1e9), modified: Float64Array.from(rows, () => 1.7e12) },
    rejected: new Map([['source_data/7.csv', { userId: '7', key: 'source_data/7.csv', etag: 'x', size: 5, racy: false, rejection: rejection('no_row', 'There is none', { line: 1 }) }]])
  }
}

/** All that a state says. */
const contentOf = ({ name, table, files, images, rejected }: SourceState) => ({
  name,
  rows: rowsOf(table),
  json: Buffer.from(table.json.bytes).toString(),
  version: table.version,
  births: [...table.births.rows],
  files: [files.keys, files.etags].map(({ offsets, bytes }) => [[...offsets], Buffer.from(bytes).toString()]).concat([[...files.sizes], [...files.racy]] as never),
  images: [[...images.etags.offsets], Buffer.from(images.etags.bytes).toString(), [...images.sizes], [...images.modified]],
  rejected: [...rejected]
})

const text = fc.string({ unit: 'grapheme', maxLength: 8 })
const rows = fc.uniqueArray(fc.record({
  user_id: fc.integer({ min: 0, max: 999 }).map(String),
  first_name: text,
  last_name: text,
  birthts: fc.oneof(fc.integer({ min: -2e12, max: 2e12 }), fc.constantFrom(8.64e15, -8.64e15)),
  img_path: fc.option(text.filter((text) => text !== '')),
  undeclared: fc.dictionary(fc.constantFrom('city', 'birth_date', 'file_etag', '__proto__'), text, { noNullPrototype: false })
}) as fc.Arbitrary<TestRow>, { selector: ({ user_id: id }) => id, maxLength: 12 })

t.test('what is written is read back', async () => {
  fc.assert(fc.property(rows, (rows) => {
    const state = stateOf(rows)
    const back = decodeSnapshot(encodeSnapshot(state, IDENTITY), IDENTITY)
    assert.ok(back)
    assert.deepEqual(contentOf(back), contentOf(state))
  }), { numRuns: 300 })
})

t.test('a pause after a timeout is not kept: another process has another monotonic clock', async (t) => {
  const state = stateOf([])
  const stalled = { ...state.rejected.get('source_data/7.csv')!, backoff: { until: 1e9, timeoutMs: 4000 } }
  const back = decodeSnapshot(encodeSnapshot({ ...state, rejected: new Map([[stalled.key, stalled]]) }, IDENTITY), IDENTITY)
  t.match(back!.rejected.get(stalled.key), { rejection: { code: 'no_row' }, backoff: undefined })
})

t.test('values of more kinds than fit into one byte, or two', async (t) => {
  for (const count of [127, 128, 129, 255, 256, 257, 33_000, 66_000]) {
    const state = stateOf(Array.from({ length: count }, (_, i) => ({ user_id: String(i), first_name: `name ${i}`, ...i % 2 && { undeclared: { city: `city ${i}` } } })))
    const back = decodeSnapshot(encodeSnapshot(state, IDENTITY), IDENTITY)
    t.equal(back?.table.version, state.table.version, `${count}`)
    t.same(rowsOf(back!.table).at(-1), rowsOf(state.table).at(-1))
  }
})

t.test('of ten thousand flipped bytes none is taken for data', async (t) => {
  const file = encodeSnapshot(stateOf(Array.from({ length: 50 }, (_, i) => ({ user_id: String(i), first_name: 'Ann', birthts: i * 1e9, img_path: `${i}.png`, undeclared: { city: 'Rome' } }))), IDENTITY)
  t.ok(decodeSnapshot(file, IDENTITY))
  let accepted = 0
  fc.assert(fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
    const damaged = Buffer.from(file)
    damaged[place]! ^= flip
    if (decodeSnapshot(damaged, IDENTITY) !== undefined) accepted++
  }), { numRuns: 10_000 })
  t.equal(accepted, 0)
})

t.test('what is cut, longer, foreign or no snapshot at all is none', async (t) => {
  const file = encodeSnapshot(stateOf([{ user_id: '1' }]), IDENTITY)
  for (const length of [0, 1, 9, 10, 100, file.length - 1]) t.equal(decodeSnapshot(file.subarray(0, length), IDENTITY), undefined, `${length} bytes`)
  t.equal(decodeSnapshot(Buffer.concat([file, Buffer.from('x')]), IDENTITY), undefined)
  t.equal(decodeSnapshot(file, 'another lake'), undefined)
  t.equal(decodeSnapshot(Buffer.from('hello'.repeat(100)), IDENTITY), undefined)
})

t.test('it is an Arrow file that others read', async (t) => {
  const { tableFromIPC } = await import('@uwdata/flechette')
  const table = tableFromIPC(encodeSnapshot(stateOf([{ user_id: '1', first_name: 'Ann', birthts: 5, img_path: 'p' }, { user_id: '2', undeclared: { city: 'Rome' } }]), IDENTITY))
  t.match(table.toArray(), [
    { user_id: '1', first_name: 'Ann', last_name: '', birthts: 5, img_path: 'p', city: null },
    { user_id: '2', first_name: '', birthts: 0, img_path: null, city: 'Rome' }
  ])
})
