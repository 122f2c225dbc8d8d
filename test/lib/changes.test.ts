import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { monotonicNow } from '../../lib/base/clock.js'
import { appendChanges, findPosition, encodeLog, keysBetween, lastPosition, randomPosition, renameLast, startLog } from '../../lib/source/change-log.js'
import { EtagCache } from '../../lib/source/etag-cache.js'
import { FolderStore } from '../../lib/store/folder/folder-store.js'
import { UserDataTransformer } from '../../lib/transformer.js'
import { InProcessBackend } from '../../lib/worker/in-process-backend.js'
import { noPause } from '../support/virtual-time.js'
import { runs } from '../support/property-runs.js'
import { utf8ColumnOf } from '../support/tables.js'
import { testFolder } from '../support/test-folder.js'

type Records = Readonly<Record<string, unknown>>
/** The records that a client has, and the position from which it continues. */
interface ClientCopy { readonly records: Records, readonly position: string }

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), key: fc.constantFrom('a', 'b', 'ü', '😀', 'c.d'), name: fc.constantFrom('Ann', 'Bo'), city: fc.constantFrom(undefined, 'Rome') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'image' as const), key: fc.constantFrom('a', 'b', 'ü') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'kill' as const) }) }
)
const round = fc.record({ steps: fc.array(step, { maxLength: 3 }), replay: fc.array(fc.nat(20), { maxLength: 4 }) })

async function textOf (chunks: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const chunk of chunks) text += chunk
  return text
}

t.test('a position that a client has received while the last snapshot was being written is in that snapshot', async (t) => {
  const info = (name: string) => `first_name,last_name,birthts\n${name},Lee,0\n`
  const root = testFolder(t, { source_data: { 'a.csv': info('Ann'), 'a.png': 'x' } })
  const store = new FolderStore(root)
  t.teardown(() => store.close())
  let position: string | undefined
  class Backend extends InProcessBackend {
    override async saveSnapshot (...args: Parameters<InProcessBackend['saveSnapshot']>): Promise<true> {
      const isSaved = await super.saveSnapshot(...args)
      if (position === undefined) {
        writeFileSync(join(root, 'source_data', 'a.csv'), info('Bo'))
        await first.reconcile({ fresh: true })
        position = first.changesSince(undefined)!.next
      }
      return isSaved
    }
  }
  const first = new UserDataTransformer({ store, cache: new EtagCache(), pause: noPause, openBackend: (rules) => new Backend(store, monotonicNow, rules) })
  await first.reconcile()
  await first.flush()
  await first.close()
  writeFileSync(join(root, 'source_data', 'a.png'), 'another')
  const next = new UserDataTransformer({ store, cache: new EtagCache(), pause: noPause })
  t.teardown(() => next.close())
  await next.reconcile()
  t.strictSame(next.changesSince(position)!.keys, ['a'], 'its image was replaced afterwards')
})

t.test('replaying the changes from any earlier position leads to exactly the current records, or the position is refused', async (t) => {
  const property = runs(60)
  const folder = testFolder(t, {})
  let lakes = 0
  let replayed = 0
  await fc.assert(fc.asyncProperty(fc.array(round, { minLength: 2, maxLength: 8 }), async (rounds) => {
    const root = join(folder, String(lakes++))
    mkdirSync(join(root, 'source_data'), { recursive: true })
    const open = () => {
      const store = new FolderStore(root)
      return { store, transformer: new UserDataTransformer({ store, cache: new EtagCache(), pause: noPause }) }
    }
    let { store, transformer } = open()
    const close = async () => {
      await transformer.close()
      await store.close()
    }
    const seen: ClientCopy[] = []
    for (const { steps, replay } of rounds) {
      for (const step of steps) {
        if (step.do === 'write') writeFileSync(join(root, 'source_data', `${step.key}.csv`), `first_name,last_name,birthts${step.city ? ',city' : ''}\n${step.name},Lee,0${step.city ? `,${step.city}` : ''}\n`)
        else if (step.do === 'delete') rmSync(join(root, 'source_data', `${step.key}.csv`), { force: true })
        else if (step.do === 'image') writeFileSync(join(root, 'source_data', `${step.key}.png`), String(Math.random()))
        else {
          if (step.do === 'restart') await transformer.flush()
          await close()
          ;({ store, transformer } = open())
        }
      }
      await transformer.reconcile({ fresh: true })
      const current = transformer.changesSince(undefined)!
      const { columns } = transformer.current
      const all = (await textOf(transformer.renderChanges({ ...current, keys: ['a', 'b', 'c.d', 'ü', '😀'] }, 'json', columns)))
      const expected = Object.fromEntries(JSON.parse(all).changed.map((record: { user_id: string }) => [record.user_id, record]))
      for (const index of [...replay, seen.length - 1]) {
        const copy = seen[index]
        const changes = copy && transformer.changesSince(copy.position)
        if (copy === undefined || changes === undefined) continue
        const { changed, removed } = JSON.parse(await textOf(transformer.renderChanges(changes, 'json', columns))) as { changed: { user_id: string }[], removed: string[] }
        const records: Record<string, unknown> = { ...copy.records }
        for (const record of changed) records[record.user_id] = record
        for (const key of removed) delete records[key]
        // A column that has appeared or disappeared is null or absent in records that were not touched.
        assert.deepEqual(withoutNulls(records), withoutNulls(expected))
        replayed++
      }
      assert.deepEqual(transformer.changesSince(current.next)!.keys, [])
      seen.push({ records: expected, position: current.next }, { records: expected, position: current.version.version })
    }
    await close()
  }), property)
  t.ok(replayed > property.numRuns, `${replayed} replays in ${property.numRuns} runs`)
})

function withoutNulls (records: Records): Records {
  return JSON.parse(JSON.stringify(records, (_, value: unknown) => value ?? undefined))
}

const version = (n: number) => `v${n}`.padEnd(22, '_')

/** More keys than are reported again after a position with a random name. */
const MANY = utf8ColumnOf(Array.from({ length: 101 }, (_, i) => `m${i}`))

t.test('if a position or the first one of its version has a random name, the position counts as the one before that first one', async (t) => {
  const random = randomPosition(version(2), () => 0.5, [version(1)])
  const start = appendChanges(startLog(version(0)), version(1), MANY)
  const later = appendChanges(appendChanges(start, version(2), utf8ColumnOf(['a'])), version(3), utf8ColumnOf(['b']))
  t.equal(findPosition(later, random), 1)
  t.same(keysBetween(later, findPosition(later, random)!, 3), ['a', 'b'])
  t.equal(findPosition(later, `${version(2)}~1`), 2)
  const own = renameLast(appendChanges(start, version(2), utf8ColumnOf(['a'])), random)
  for (const numbered of [version(2), `${version(2)}~1`]) t.equal(findPosition(own, numbered), 1, 'this replica has reached the version by itself')
})

t.test('a position with a random name is refused if the log begins with a position of this replica only, because an image may have been replaced before that', async (t) => {
  const random = randomPosition(version(1), () => 0.5, [version(0)])
  t.equal(findPosition(startLog(version(1)), random), undefined)
  const log = appendChanges(appendChanges(startLog(version(0)), version(1), utf8ColumnOf(['a'])), version(2), utf8ColumnOf(['b']))
  t.equal(findPosition(log, random), 0)
  const own = { ...log, positions: utf8ColumnOf([randomPosition(version(0), () => 0.1, []), version(1), version(2)]) }
  t.equal(findPosition(own, random), undefined)
  t.equal(findPosition(own, version(1)), 1, 'a position of this log is not refused')
})

t.test('a position of a replica that had no position of a leader before is refused by others: an image may have been replaced before their logs begin', async (t) => {
  const alone = randomPosition(version(1), Math.random, [])
  const next = randomPosition(version(1), Math.random, [alone])
  const joined = randomPosition(version(1), Math.random, [alone, version(0)])
  for (const position of [alone, next, joined]) t.match(position, /~\d{9}$/)
  const log = appendChanges(appendChanges(startLog(version(0)), version(1), utf8ColumnOf(['a'])), version(2), utf8ColumnOf(['b']))
  t.same([alone, next, joined].map((position) => findPosition(log, position)), [undefined, undefined, 0])
  t.equal(findPosition(renameLast(log, alone), alone), 2, 'this log has the position itself')
})

t.test('after a random position of another replica, up to 100 keys that were touched before it are reported again, because that replica may have found their changes in another order', async (t) => {
  let log = startLog(version(0))
  for (let i = 1; i <= 300; i++) log = appendChanges(log, version(i), utf8ColumnOf([`k${i}`]))
  t.equal(findPosition(log, randomPosition(version(50), Math.random, [version(0)])), 0)
  t.equal(findPosition(log, randomPosition(version(250), Math.random, [version(0)])), 150)
  const many = appendChanges(log, version(301), utf8ColumnOf(Array.from({ length: 200 }, (_, i) => `k${i}`)))
  t.equal(findPosition(many, randomPosition(version(301), Math.random, [version(0)])), 300)
  t.equal(findPosition(log, `${version(250)}~7`), 250, 'after a numbered position, no key that was touched before it is reported again')
})

t.test('the log is bounded by positions, keys and bytes, and drops the oldest', async (t) => {
  const numbers = Array.from({ length: 9990 }, (_, i) => i)
  let log = encodeLog({ positions: numbers.map(version), ends: numbers, keys: numbers.slice(1).map((i) => `k${i}`) })
  for (let i = 9990; i <= 10_050; i++) log = appendChanges(log, version(i), utf8ColumnOf([`k${i}`]))
  t.equal(log.ends.length, 10_000)
  t.equal(findPosition(log, version(50)), undefined)
  t.same(keysBetween(log, findPosition(log, version(51))!, findPosition(log, version(53))!), ['k52', 'k53'])
  const many = utf8ColumnOf(Array.from({ length: 30_000 }, (_, i) => `${i}`))
  log = appendChanges(appendChanges(log, version(20_000), many), version(20_001), many)
  t.equal(findPosition(log, version(19_999)), undefined)
  t.same([findPosition(log, version(20_000)), findPosition(log, version(20_001))], [0, 1])
  const long = utf8ColumnOf(Array.from({ length: 20_000 }, (_, i) => `${i}`.padEnd(240, 'x')))
  log = appendChanges(log, version(20_002), long)
  t.equal(lastPosition(log), version(20_002))
  t.equal(log.ends.length, 1, 'a change that is too large begins a new log')
})
