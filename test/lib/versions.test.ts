import t from 'tap'
import type { DataVersion } from '../../lib/query/data-version.js'
import { memoryLimit } from '../../lib/base/memory-limit.js'
import { parseSizeOrAuto } from '../../lib/base/memory-limit.js'
import { Versions } from '../../lib/versions.js'
import { TestClock } from '../support/app.js'

const recordsOf = (version: string, ...memory: ArrayBuffer[]) => ({ version, memory: new Set(memory.length > 0 ? memory : [new ArrayBuffer(100)]) }) as unknown as DataVersion

function setUp (rules = {}) {
  const clock = new TestClock(0)
  return { clock, versions: new Versions(clock.monotonic, { maxAgeMs: 1000, maxBytes: 250, ...rules }) }
}

t.test('an old version is evicted unless `retain` was called for it', async (t) => {
  const { versions } = setUp()
  t.equal(versions.current, undefined)
  versions.publish(recordsOf('a'))
  t.equal(versions.current?.version, 'a')
  t.equal(versions.get('a')?.version, 'a')
  versions.publish(recordsOf('b'))
  t.equal(versions.get('a'), undefined, 'it is not retained')
  versions.retain('b')
  versions.publish(recordsOf('c'))
  t.equal(versions.get('b')?.version, 'b')
  t.equal(versions.current?.version, 'c')
  versions.retain('unknown')
  t.equal(versions.get('unknown'), undefined)
})

t.test('a retained version is evicted when it has not been used for maxAgeMs', async (t) => {
  const { clock, versions } = setUp()
  versions.publish(recordsOf('a'))
  versions.retain('a')
  versions.publish(recordsOf('b'))
  clock.advance(1000)
  t.ok(versions.get('a'))
  clock.advance(1000)
  versions.prune()
  t.ok(versions.get('a'), 'it was used in between')
  clock.advance(1001)
  versions.prune()
  t.equal(versions.get('a'), undefined)
})

t.test('if old versions exceed maxBytes, the least recently used one is evicted', async (t) => {
  const { versions } = setUp()
  for (const name of ['a', 'b', 'c']) {
    versions.publish(recordsOf(name))
    versions.retain(name)
  }
  versions.get('a')
  versions.publish(recordsOf('d'))
  t.equal(versions.get('b'), undefined)
  t.ok(versions.get('a'))
  t.ok(versions.get('c'))
})

t.test('memory that old versions share counts once, and memory that they share with the current version does not count', async (t) => {
  const { versions } = setUp()
  const [large, old] = [new ArrayBuffer(200), new ArrayBuffer(200)]
  const publish = (name: string, ...memory: ArrayBuffer[]) => {
    versions.publish(recordsOf(name, ...memory))
    versions.retain(name)
  }
  for (const name of ['a', 'b', 'c']) publish(name, large, new ArrayBuffer(20))
  publish('d', large, old)
  t.ok(['a', 'b', 'c'].every((name) => versions.get(name)), 'their memory is 60 bytes')
  publish('e', old)
  t.equal(versions.get('a'), undefined, 'their memory was 260 bytes')
  t.ok(['b', 'c', 'd'].every((name) => versions.get(name)), 'their memory is 240 bytes')
})

t.test('a version is retained while it is read; if it is evicted earlier, its readers are ended', async (t) => {
  const { clock, versions } = setUp()
  versions.publish(recordsOf('a'))
  const ended: string[] = []
  const release = versions.acquire('a', () => ended.push('first'))
  versions.acquire('a', () => ended.push('second'))
  versions.publish(recordsOf('b'))
  t.ok(versions.get('a'))
  release()
  t.ok(versions.get('a'), 'it is retained for the second reader')
  t.same(ended, [])
  clock.advance(1001)
  versions.prune()
  t.same(ended, ['second'])
  t.equal(versions.get('a'), undefined)
})

t.test('a version is evicted when its last reader has released it', async (t) => {
  const { versions } = setUp()
  versions.publish(recordsOf('a'))
  const release = versions.acquire('a', () => {})
  versions.publish(recordsOf('b'))
  release()
  t.equal(versions.get('a'), undefined)
})

t.test('data that returns to an old version is that version, and stays retained', async (t) => {
  const { versions } = setUp()
  versions.publish(recordsOf('a'))
  versions.retain('a')
  versions.publish(recordsOf('b'))
  const again = recordsOf('a')
  versions.publish(again)
  t.equal(versions.current, again)
  versions.publish(recordsOf('c'))
  t.equal(versions.get('a'), again, 'versions are retained by name')
})

t.test('the size auto is the lesser of 256 MiB and an eighth of the memory of the container or machine', async (t) => {
  const MiB = 2 ** 20
  t.equal(parseSizeOrAuto('auto', 512 * MiB), 64 * MiB)
  t.equal(parseSizeOrAuto('auto', 64 * 1024 * MiB), 256 * MiB)
  t.equal(parseSizeOrAuto('1GiB', 512 * MiB), 1024 * MiB)
  t.equal(memoryLimit(512 * MiB, 1024 * MiB), 512 * MiB, 'the memory of the container')
  for (const unlimited of [undefined, 0, 2 ** 63 - 1, 2 ** 64]) t.equal(memoryLimit(unlimited, 1024 * MiB), 1024 * MiB, 'the memory of the machine')
  t.ok(memoryLimit() > 64 * MiB)
})
