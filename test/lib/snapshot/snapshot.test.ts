import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import t from 'tap'
import { encodeRejectedFiles, rejectedFilesOf, type SourceState } from '../../../lib/source/source-state.js'
import { rejection } from '../../../lib/source/reject.js'
import { decodeInThread } from '../../../lib/snapshot/decode-in-thread.js'
import { decodeSnapshot, encodeSnapshot, type SnapshotProblem } from '../../../lib/snapshot/snapshot.js'
import { rowsOf, tableOf, utf8ColumnOf, type TestRow } from '../../support/tables.js'
import { appendChanges, decodeLog, startLog } from '../../../lib/source/change-log.js'
import { runs } from '../../support/property-runs.js'

const IDENTITY = 'this lake'

function stateOf (rows: readonly TestRow[]): SourceState {
  const table = tableOf(rows)
  const texts = (text: (row: number) => string) => utf8ColumnOf(Array.from({ length: table.length }, (_, row) => text(row)))
  return {
    name: '7@1.5',
    table,
    files: { keys: texts((row) => row % 3 === 0 ? `source_data/sub/${row}.CSV` : ''), etags: texts((row) => `etag-${row}`), sizes: Uint32Array.from(rows, (_, row) => row), racy: Uint8Array.from(rows, (_, row) => row % 2) },
    images: [{ etags: texts((row) => row % 2 === 0 ? '' : `image-${row}`), sizes: Float64Array.from(rows, (_, row) => row * 1e9), modified: Float64Array.from(rows, () => 1.7e12) }],
    rejected: encodeRejectedFiles([{ id: '7', key: 'source_data/7.csv', etag: 'x', size: 5, racy: false, rejection: rejection('no_row', 'There is none', { line: 1 }) }]),
    changes: appendChanges(startLog('an earlier version'), table.version, table.keys)
  }
}

const decode = (file: Buffer, identity = IDENTITY) => decodeSnapshot(file, identity) as SourceState

/** The content of a state, in a form that can be compared. */
const contentOf = ({ name, table, files, images, rejected, changes }: SourceState) => ({
  name,
  changes: decodeLog(changes),
  rows: rowsOf(table),
  json: Buffer.from(table.json.bytes).toString(),
  version: table.version,
  births: [...table.births!.rows],
  files: [files.keys, files.etags].map(({ offsets, bytes }) => [[...offsets], Buffer.from(bytes).toString()]).concat([[...files.sizes], [...files.racy]] as never),
  images: images.map(({ etags, sizes, modified }) => [[...etags.offsets], Buffer.from(etags.bytes).toString(), [...sizes], [...modified]]),
  rejected: [...rejectedFilesOf({ rejected })]
})

const text = fc.string({ unit: 'grapheme', maxLength: 8 })
const rows = fc.uniqueArray(fc.record({
  user_id: fc.integer({ min: 0, max: 999 }).map(String),
  first_name: text,
  last_name: text,
  birthts: fc.oneof(fc.integer({ min: -2e12, max: 2e12 }), fc.constantFrom(8.64e15, -8.64e15)),
  img_path: fc.option(text.filter((text) => text !== '')),
  undeclared: fc.dictionary(fc.constantFrom('city', '__birth_date', '__file_etag', '____file_etag', '__', '__proto__', 'userlake sha256 '), text, { noNullPrototype: false })
}) as fc.Arbitrary<TestRow>, { selector: ({ user_id: id }) => id, maxLength: 12 })

t.test('a decoded state is equal to the encoded one', async () => {
  fc.assert(fc.property(rows, (rows) => {
    const state = stateOf(rows)
    const back = decode(encodeSnapshot(state, IDENTITY))
    assert.deepEqual(contentOf(back), contentOf(state))
  }), runs(300))
})

t.test('the backoff after a failed download is not written, because another process has another monotonic clock', async (t) => {
  const state = stateOf([])
  const timedOut = { ...rejectedFilesOf(state).get('source_data/7.csv')!, backoff: { since: 0, until: 1e9, pauseMs: 1e9, timeoutMs: 4000, isGivenUp: false } }
  const back = decode(encodeSnapshot({ ...state, rejected: encodeRejectedFiles([timedOut]) }, IDENTITY))
  t.match(rejectedFilesOf(back).get(timedOut.key), { rejection: { code: 'no_row' }, backoff: undefined })
})

t.test('dictionaries on both sides of the limits of 2^7, 2^8 and 2^16 values are decoded', async (t) => {
  for (const count of [127, 128, 129, 255, 256, 257, 33_000, 66_000]) {
    const state = stateOf(Array.from({ length: count }, (_, i) => ({ user_id: String(i), first_name: `name ${i}`, ...i % 2 && { undeclared: { city: `city ${i}` } } })))
    const back = decode(encodeSnapshot(state, IDENTITY))
    t.equal(back.table.version, state.table.version, `${count}`)
    t.same(rowsOf(back.table).at(-1), rowsOf(state.table).at(-1))
  }
})

t.test('damage to any single byte is detected', async (t) => {
  const file = encodeSnapshot(stateOf(Array.from({ length: 50 }, (_, i) => ({ user_id: String(i), first_name: 'Ann', birthts: i * 1e9, img_path: `${i}.png`, undeclared: { city: 'Rome' } }))), IDENTITY)
  t.type(decodeSnapshot(file, IDENTITY), 'object')
  const outcomes: Record<string, number> = {}
  fc.assert(fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
    const damaged = Buffer.from(file)
    damaged[place]! ^= flip
    const outcome = decodeSnapshot(damaged, IDENTITY)
    outcomes[typeof outcome === 'string' ? outcome : 'accepted'] = (outcomes[typeof outcome === 'string' ? outcome : 'accepted'] ?? 0) + 1
  }), runs(10_000))
  t.same(outcomes, { damaged: runs(10_000).numRuns })
})

t.test('a truncated file, a longer one, one of another lake and one that is not a snapshot are refused with a reason', async (t) => {
  const file = encodeSnapshot(stateOf([{ user_id: '1' }]), IDENTITY)
  const cases: [name: string, file: Buffer, identity: string, outcome: SnapshotProblem][] = [
    ...[2000, file.length - 1].map((length): typeof cases[0] => [`${length} bytes`, file.subarray(0, length), IDENTITY, 'damaged']),
    ['longer', Buffer.concat([file, Buffer.from('x')]), IDENTITY, 'damaged'],
    ['another lake', file, 'another lake', 'foreign'],
    ...[0, 1, 9, 10, 100].map((length): typeof cases[0] => [`${length} bytes`, file.subarray(0, length), IDENTITY, 'foreign']),
    ['no snapshot', Buffer.from('hello'.repeat(100)), IDENTITY, 'foreign']
  ]
  for (const [name, file, identity, outcome] of cases) t.equal(decodeSnapshot(file, identity), outcome, name)
})

t.test('content that looks like the checksum is not mistaken for it', async (t) => {
  const label = 'userlake sha256 '
  const state = stateOf([{ user_id: label, first_name: label + '1'.repeat(64), undeclared: { [label]: label } }])
  const rejected = { ...rejectedFilesOf(state).get('source_data/7.csv')!, key: label, rejection: rejection('no_row', label, { excerpt: label }) }
  t.same(contentOf(decode(encodeSnapshot({ ...state, rejected: encodeRejectedFiles([rejected]) }, IDENTITY))).rows, rowsOf(state.table))
  const zeroed = stateOf([{ user_id: '1', undeclared: { city: label + '0'.repeat(64) } }])
  t.equal(decodeSnapshot(encodeSnapshot(zeroed, IDENTITY), IDENTITY), 'foreign', 'such content makes the snapshot unusable, but never wrong')
})

t.test('any Arrow reader can read the records', async (t) => {
  const { tableFromIPC } = await import('@uwdata/flechette')
  const table = tableFromIPC(encodeSnapshot(stateOf([{ user_id: '1', first_name: 'Ann', birthts: 5, img_path: 'p' }, { user_id: '2', undeclared: { city: 'Rome' } }]), IDENTITY))
  t.match(table.toArray(), [
    { user_id: '1', first_name: 'Ann', last_name: '', birthts: 5, img_path: 'p', city: null },
    { user_id: '2', first_name: '', birthts: 0, img_path: null, city: 'Rome' }
  ])
})

t.test('a large snapshot is decoded in a thread, with the same result', async (t) => {
  const state = stateOf(Array.from({ length: 45_000 }, (_, i) => ({ user_id: String(i), first_name: `Name ${i}`, last_name: `Last name ${i % 100}`, birthts: i })))
  const file = encodeSnapshot(state, IDENTITY)
  t.ok(file.length > 4 * 1024 * 1024, `${file.length} bytes`)
  const flipped = Buffer.from(file)
  flipped[file.length >> 1]! ^= 1
  // A file may be a part of a larger buffer, which is not transferred.
  const part = Buffer.concat([Buffer.alloc(8), file]).subarray(8)
  t.same(contentOf(await decodeInThread(part, IDENTITY) as SourceState), contentOf(state))
  t.ok(part.equals(file))
  t.equal(await decodeInThread(flipped, IDENTITY), 'damaged')
  t.equal(await decodeInThread(Buffer.from(file), 'another lake'), 'foreign')
  t.same(contentOf(await decodeInThread(file, IDENTITY) as SourceState), contentOf(state))
})

t.test('if the thread that decodes a snapshot dies, decoding fails', async (t) => {
  const file = Buffer.alloc(5 * 1024 * 1024)
  const thread = once(process, 'worker') as Promise<[Worker]>
  const decoding = decodeInThread(file, IDENTITY)
  await (await thread)[0].terminate()
  await t.rejects(decoding, /exited with code/)
})
