import t from 'tap'
import type { DataVersion } from '../../lib/query/data-version.js'
import { Versions } from '../../lib/versions.js'
import { TestClock } from '../support/app.js'

const dataVersion = (version: string, ...memory: ArrayBuffer[]) => ({ version, memory: new Set(memory.length > 0 ? memory : [new ArrayBuffer(100)]) }) as unknown as DataVersion

function setUp (rules = {}) {
  const clock = new TestClock(0)
  return { clock, versions: new Versions(clock.monotonic, { maxAgeMs: 1000, maxBytes: 250, ...rules }) }
}

t.test('an old version is evicted unless `retain` was called for it', async (t) => {
  const { versions } = setUp()
  t.equal(versions.current, undefined)
  versions.publish(dataVersion('a'))
  t.equal(versions.current?.version, 'a')
  t.equal(versions.get('a')?.version, 'a')
  versions.publish(dataVersion('b'))
  t.equal(versions.get('a'), undefined, 'it is not retained')
  versions.retain('b')
  versions.publish(dataVersion('c'))
  t.equal(versions.get('b')?.version, 'b')
  t.equal(versions.current?.version, 'c')
  versions.retain('unknown')
  t.equal(versions.get('unknown'), undefined)
})

t.test('a retained version is evicted when it has not been used for maxAgeMs', async (t) => {
  const { clock, versions } = setUp()
  versions.publish(dataVersion('a'))
  versions.retain('a')
  versions.publish(dataVersion('b'))
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
    versions.publish(dataVersion(name))
    versions.retain(name)
  }
  versions.get('a')
  versions.publish(dataVersion('d'))
  t.equal(versions.get('b'), undefined)
  t.ok(versions.get('a'))
  t.ok(versions.get('c'))
})

t.test('memory that old versions share counts once, and memory that they share with the current version does not count', async (t) => {
  const { versions } = setUp()
  const [large, old] = [new ArrayBuffer(200), new ArrayBuffer(200)]
  const publish = (name: string, ...memory: ArrayBuffer[]) => {
    versions.publish(dataVersion(name, ...memory))
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
  versions.publish(dataVersion('a'))
  const ended: string[] = []
  const release = versions.acquire('a', () => ended.push('first'))
  versions.acquire('a', () => ended.push('second'))
  versions.publish(dataVersion('b'))
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
  versions.publish(dataVersion('a'))
  const release = versions.acquire('a', () => {})
  versions.publish(dataVersion('b'))
  release()
  t.equal(versions.get('a'), undefined)
})

t.test('data that returns to an old version is that version, and stays retained', async (t) => {
  const { versions } = setUp()
  versions.publish(dataVersion('a'))
  versions.retain('a')
  versions.publish(dataVersion('b'))
  const again = dataVersion('a')
  versions.publish(again)
  t.equal(versions.current, again)
  versions.publish(dataVersion('c'))
  t.equal(versions.get('a'), again, 'versions are retained by name')
})
