import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import type { GetOptions, ObjectBody, ObjectInfo, ObjectStore, PutOptions } from '../../lib/store/object-store.js'
import { raceWrites } from '../../lib/store/check-writes.js'
import { tracedStore } from '../../lib/store/traced-store.js'
import { compareUtf8 } from '../../lib/base/utf8.js'
import { bodyOfParts } from './streamed-bodies.js'
import { until } from './until.js'

export interface ContractSubject {
  /**
   * Opens a store on a bucket or folder that contains exactly one object per key (default: none), which is not racy and whose content is its key. The
   * store is closed and its content is removed after the test.
   */
  readonly open: (t: Test, keys?: readonly string[]) => Promise<ObjectStore>
  /** Opens a store on a bucket or folder that does not exist. */
  readonly openMissing: (t: Test) => Promise<ObjectStore>
  /** Opens a store whose server or file system has the object `key` but never responds to a request for its content. */
  readonly openStalled?: (t: Test) => Promise<ObjectStore>
  /** Keys that are valid in this store but not in every store. */
  readonly additionalKeys?: readonly string[]
}

/** Keys that are damaged or misplaced if a layer decodes twice, joins paths, does not escape XML or compares UTF-16. */
const HOSTILE_KEYS = [
  'a b.csv', ' leading', 'trailing ', 'a+b', 'a%20b', 'a%2Fb', 'a%25b', '100%', '%', '%zz', 'what?.csv', 'a#b', 'a&b=c', 'a&amp;b',
  '"quoted"', "it's", '<tag>', ']]>', 'back\\slash', '..hidden', 'a..b', '.hidden', '...', 'a/.b/..c', '~', 'a;b,c:d@e$f!g*h(i)',
  'zażółć', 'e\u0301', '\u00e9', '日本語', '😀.csv', '\uff5e', '\ufffd', 'users/😀/\uffee.csv', 'x'.repeat(240)
]

const bytes = (content: string) => Buffer.from(content)

/** Options with which reads are tested: a store may have a faster path for small objects. */
const READ_OPTIONS: readonly GetOptions[] = [{}, { maxBytes: 4096 }]

/** The contract of a store: tests that every store must pass. */
export function contract (t: Test, subject: ContractSubject): void {
  testListing(t, subject)
  testKeys(t, subject)
  testReading(t, subject)
  testTimeouts(t, subject)
  testWriting(t, subject)
  testStreamedBodies(t, subject)
  testRaces(t, subject)
  testMissing(t, subject)
}

function testListing (t: Test, { open }: ContractSubject): void {
  t.test('the listing of an empty store is empty', async t => {
    const store = await open(t)
    t.same(await listAll(store, ''), [])
    await store.put('a/b', bytes(''))
    t.same(await listAll(store, 'b'), [])
    t.same(await listAll(store, 'a/b/'), [])
    t.same(await listAll(store, 'missing/folder/'), [])
  })

  t.test('a listing of many pages is complete and in order', async t => {
    const keys = Array.from({ length: 2600 }, (_, i) => `source_data/${i * 7919 % 2600}.csv`)
    const store = await open(t, keys)
    const listed = await listAll(store, 'source_data/')
    t.equal(listed.map(({ key }) => key).join(' '), keys.toSorted(compareUtf8).join(' '))
    t.ok(listed.every(({ key, size }) => size === key.length))
  })

  t.test('a listing is in the order of bytes, folders among files', async t => {
    const keys = ['a!', 'a.csv', 'a/b', 'a0', 'b/c/d', 'b/c0', '\ue000', '\uffee', '\u{10000}', '😀']
    const store = await open(t, keys.toReversed())
    t.same((await listAll(store, '')).map(({ key }) => key), keys)
  })

  t.test('lists the keys that begin with the prefix, with or without a slash at its end', async t => {
    const store = await open(t, ['in/1.csv', 'in/12.csv', 'in/1/x.csv', 'in2/1.csv', 'inn'])
    const keysBelow = async (prefix: string) => (await listAll(store, prefix)).map(({ key }) => key)
    t.same(await keysBelow('in/'), ['in/1.csv', 'in/1/x.csv', 'in/12.csv'])
    t.same(await keysBelow('in'), ['in/1.csv', 'in/1/x.csv', 'in/12.csv', 'in2/1.csv', 'inn'])
    t.same(await keysBelow('in/1'), ['in/1.csv', 'in/1/x.csv', 'in/12.csv'])
    t.same(await keysBelow('in/1/'), ['in/1/x.csv'])
    t.same(await keysBelow('inn'), ['inn'])
  })
}

function testKeys (t: Test, { open, additionalKeys = [] }: ContractSubject): void {
  t.test('stores and lists unusual keys unchanged', async t => {
    const store = await open(t)
    const keys = [...HOSTILE_KEYS, ...additionalKeys]
    for (const key of keys) await store.put(key, bytes(`content of ${key}`))
    t.same((await listAll(store, '')).map(({ key }) => key), keys.sort(compareUtf8))
    for (const key of keys) {
      for (const options of READ_OPTIONS) t.equal(await bodyOf(store, key, options), `content of ${key}`, JSON.stringify(key))
      t.equal((await store.head(key))?.key, key)
    }
  })

  t.test('invalid keys have no object and cannot be written', async t => {
    const store = await open(t)
    for (const key of ['', 'nul\0', '\ud800', 'x'.repeat(1025)]) {
      for (const options of READ_OPTIONS) t.equal(await store.get(key, options), undefined)
      t.equal(await store.stream(key), undefined)
      t.equal(await store.head(key), undefined)
      await t.rejects(store.put(key, bytes('')), { code: 'invalid_key' })
    }
  })
}

function testReading (t: Test, { open }: ContractSubject): void {
  t.test('reads, streams and listings return what was written, with the same ETag', async t => {
    const store = await open(t)
    const large = Buffer.alloc(5 * 1024 * 1024, 'large ')
    for (const [key, body] of [['empty', bytes('')], ['small', bytes('small')], ['large', large]] as const) {
      const { etag } = await store.put(key, body, { contentType: 'text/plain' })
      t.match(etag, /^[^"]+$/)
      const info = { key, etag, size: body.length }
      const head = await store.head(key)
      t.match(head, info)
      t.ok(Math.abs(head!.lastModified - Date.now()) < 60_000)
      for (const options of [{}, { maxBytes: body.length }, { maxBytes: 8 * 1024 * 1024 }]) {
        const { body: found, ...properties } = await store.get(key, options) as ObjectBody
        t.same(properties, head)
        t.ok(found.equals(body))
      }
      t.match((await listAll(store, key))[0], info)
      const stream = await store.stream(key)
      t.match(stream, info)
      t.equal(await text(stream!.body), body.toString())
    }
  })

  t.test('a read with the ETag of an earlier read returns a body only if the object has changed', async t => {
    const store = await open(t)
    const { etag } = await store.put('key', bytes('one'))
    for (const options of READ_OPTIONS) t.equal(await store.get('key', { ...options, ifNoneMatch: etag }), 'unchanged')
    await store.put('key', bytes('two'))
    for (const options of READ_OPTIONS) {
      t.match(await store.get('key', { ...options, ifNoneMatch: etag }), { body: bytes('two') })
      t.match(await store.get('key', { ...options, ifNoneMatch: '' }), { body: bytes('two') })
      t.equal(await store.get('missing', { ...options, ifNoneMatch: etag }), undefined)
    }
  })

  t.test('streams ranges, of the requested version only', async t => {
    const store = await open(t)
    const { etag } = await store.put('key', bytes('0123456789'))
    const read = async (first: number, last: number) => {
      const stream = await store.stream('key', { ifMatch: etag, range: { first, last } })
      t.equal(stream?.size, 10)
      return text(stream!.body)
    }
    t.equal(await read(0, 0), '0')
    t.equal(await read(3, 5), '345')
    t.equal(await read(8, 99), '89')
    await t.rejects(store.stream('key', { range: { first: 10, last: 10 } }), { code: 'store_error' })
    await t.rejects(store.stream('key', { ifMatch: 'other' }), { code: 'precondition_failed' })
    t.equal(await text((await store.stream('key', { ifMatch: '' }))!.body), '0123456789')
  })

  t.test('a read fails if the object is larger than maxBytes', async t => {
    const store = await open(t)
    // From a few bytes to more than a single read of a file or socket returns.
    for (const size of [10, 1024 * 1024, 2 * 1024 * 1024 + 1]) {
      const { etag } = await store.put('key', Buffer.alloc(size))
      t.match(await store.get('key', { maxBytes: size }), { size })
      for (const maxBytes of [size - 1, 1, 0]) await t.rejects(store.get('key', { maxBytes }), { name: 'StoreError', code: 'too_large' }, `${maxBytes} of ${size}`)
      t.equal(await store.get('key', { maxBytes: 1, ifNoneMatch: etag }), 'unchanged')
    }
    await store.put('key', bytes(''))
    t.match(await store.get('key', { maxBytes: 0 }), { size: 0 })
  })
}

function testTimeouts (t: Test, { openStalled }: ContractSubject): void {
  if (openStalled === undefined) return
  t.test('a read that exceeds its time limit fails with `timeout`', async t => {
    const store = await openStalled(t)
    for (const options of READ_OPTIONS) {
      const began = performance.now()
      await t.rejects(store.get('key', { ...options, maxMs: 100 }), { name: 'StoreError', code: 'timeout' })
      t.ok(performance.now() - began >= 99, 'not before the time limit')
    }
  })
}

function testWriting (t: Test, { open }: ContractSubject): void {
  t.test('an object that was written again with the same size has another ETag', async t => {
    const store = await open(t)
    const etags = new Set<string>()
    for (let i = 100; i < 200; i++) {
      const { etag } = await store.put('key', bytes(String(i)))
      etags.add(etag)
      t.match(await store.head('key'), { etag })
    }
    t.equal(etags.size, 100)
    t.equal(await bodyOf(store, 'key'), '199')
  })

  t.test('metadata is that of the last write', async t => {
    const store = await open(t)
    for (const options of [{}, { ifMatch: null }]) {
      const key = JSON.stringify(options)
      const { etag } = await store.put(key, bytes('one'), { ...options, metadata: { records: '1', other: 'a b' } })
      t.match(await store.head(key), { etag, metadata: { records: '1', other: 'a b' } })
      const two = await store.put(key, bytes('two'), { ifMatch: etag, metadata: { records: '2' } })
      t.same((await store.head(key))?.metadata, { records: '2' })
      await store.put(key, bytes('three'), { ifMatch: two.etag })
      t.equal((await store.head(key))?.metadata, undefined)
    }
  })

  t.test('operations that are part of a trace have the same results', async t => {
    const store = tracedStore(await open(t), { traceId: '0af7651916cd43dd8448eb211c80319c', flags: 1 })
    const one = await store.put('key', bytes('one'))
    const { etag } = await store.put('key', bytes('two'), { ifMatch: one.etag })
    t.match(await store.head('key'), { etag })
    t.same((await listAll(store, '')).map(({ key }) => key), ['key'])
    for (const options of READ_OPTIONS) t.equal(await bodyOf(store, 'key', options), 'two')
    t.equal(await store.get('key', { ifNoneMatch: etag }), 'unchanged')
    const stream = await store.stream('key', { ifMatch: etag })
    t.equal(await text(stream!.body), 'two')
  })

  t.test('creates an object only if it does not exist', async t => {
    const store = await open(t)
    const { etag } = await store.put('key', bytes('one'), { ifMatch: null })
    t.match(await store.head('key'), { etag })
    await t.rejects(store.put('key', bytes('two'), { ifMatch: null }), { code: 'precondition_failed' })
    t.equal(await bodyOf(store, 'key'), 'one')
  })

  t.test('replaces an object only if its ETag is the expected one', async t => {
    const store = await open(t)
    const one = await store.put('key', bytes('one'))
    const two = await store.put('key', bytes('two'), { ifMatch: one.etag })
    t.match(await store.head('key'), { etag: two.etag })
    await t.rejects(store.put('key', bytes('three'), { ifMatch: one.etag }), { code: 'precondition_failed' })
    await t.rejects(store.put('missing', bytes('three'), { ifMatch: one.etag }), { code: 'precondition_failed' })
    t.equal(await bodyOf(store, 'key'), 'two')
    t.equal(await store.head('missing'), undefined)
  })
}

function testStreamedBodies (t: Test, { open }: ContractSubject): void {
  /** No condition, and one that holds. */
  const CONDITIONS: ReadonlyArray<(store: ObjectStore, key: string) => Promise<PutOptions>> = [
    async () => ({}),
    async (store, key) => ({ ifMatch: (await store.head(key))?.etag ?? null })
  ]
  const parts = Array.from({ length: 40 }, (_, i) => `${i} `.repeat(5000))

  t.test('a streamed body is written as its bytes', async t => {
    const store = await open(t)
    for (const [key, content] of [['empty', []], ['parts of nothing', ['', '']], ['one', ['one']], ['some', ['so', '', 'me']], ['many', Array(15).fill(parts).flat()]] as const) {
      for (const [round, conditionOf] of [...CONDITIONS, ...CONDITIONS].entries()) {
        const body = await bodyOfParts(content)
        const { etag } = await store.put(key, body, { ...await conditionOf(store, key), contentType: 'text/plain', metadata: { round: String(round) } })
        t.match(await store.head(key), { etag, size: body.length, metadata: { round: String(round) } })
        t.equal(await bodyOf(store, key), content.join(''))
        t.equal(body.closed, body.opened)
      }
    }
  })

  t.test('if the source of a streamed body fails, nothing is written, and the error is that of the source', async t => {
    const store = await open(t)
    const failure = new Error('of the source')
    const { etag } = await store.put('key', bytes('earlier content'))
    for (const before of [0, 1, 20, parts.length]) {
      for (const key of ['key', 'missing']) {
        for (const conditionOf of CONDITIONS) {
          const body = await bodyOfParts(parts, function * () {
            yield * parts.slice(0, before)
            yield ''
            throw failure
          })
          t.equal(await store.put(key, body, await conditionOf(store, key)).catch((error: unknown) => error), failure, `after ${before} parts`)
          t.same([body.opened, body.closed], [1, 1], 'the source is not read again')
        }
      }
    }
    t.match(await store.head('key'), { etag })
    t.equal(await store.head('missing'), undefined)
  })

  t.test('a streamed body that differs from the one that was measured is not written', async t => {
    const store = await open(t)
    const { etag } = await store.put('key', bytes('earlier content'))
    for (const others of [[], ['on', 'e'], ['one', 'tw'], ['one', 'two', '!'], ['onetwo!'], ['one', 'two', '', '!'], ['one', 'tow'], parts]) {
      for (const condition of [{}, { ifMatch: etag }]) {
        const body = await bodyOfParts(['one', 'two'], () => others)
        await t.rejects(store.put('key', body, condition), { name: 'StoreError', code: 'corrupt', message: /key: the body that was read to be written differs/ })
        t.same([body.opened, body.closed], [1, 1])
        t.match(await store.head('key'), { etag })
      }
    }
  })

  t.test('a streamed body is written only if the condition holds', async t => {
    const store = await open(t)
    const { etag } = await store.put('key', bytes('one'))
    for (const ifMatch of [null, 'other']) {
      const body = await bodyOfParts(parts)
      await t.rejects(store.put('key', body, { ifMatch }), { code: 'precondition_failed' })
      await until(() => body.closed === body.opened)
    }
    t.match(await store.head('key'), { etag })
  })
}

function testRaces (t: Test, { open }: ContractSubject): void {
  t.test('of many concurrent conditional writes, one succeeds', async t => {
    const store = await open(t)
    let expected: string | null = null
    for (let round = 1; round <= 8; round++) {
      const { winners, losses } = await raceWrites(store, 'key', expected, Array.from({ length: 16 }, (_, i) => `${round}, writer ${i}`))
      t.same(losses.map(({ code }) => code), Array(15).fill('precondition_failed'))
      const [winner] = winners
      t.equal(await bodyOf(store, 'key'), winner?.body)
      t.match(await store.head('key'), { etag: winner?.etag })
      expected = winner?.etag ?? null
    }
  })
}

function testMissing (t: Test, { open, openMissing }: ContractSubject): void {
  t.test('reads of a key without an object return nothing', async t => {
    const store = await open(t)
    await store.put('folder/key', bytes(''))
    for (const key of ['missing', 'folder', 'folder/missing', 'missing/key', 'folder/key/below']) {
      for (const options of READ_OPTIONS) t.equal(await store.get(key, options), undefined)
      t.equal(await store.stream(key), undefined)
      t.equal(await store.head(key), undefined)
    }
  })

  t.test('every operation fails if the bucket is missing, until it is created', async t => {
    const store = await openMissing(t)
    const expected = { name: 'StoreError', code: 'no_such_bucket' }
    await t.rejects(listAll(store, ''), expected)
    await t.rejects(listAll(store, 'source_data/'), expected)
    for (const options of READ_OPTIONS) await t.rejects(store.get('key', options), expected)
    await t.rejects(store.stream('key'), expected)
    await t.rejects(store.head('key'), expected)
    await t.rejects(store.put('key', bytes('')), expected)
    await t.rejects(store.put('key', bytes(''), { ifMatch: null }), expected)
    await t.rejects(store.put('key', bytes(''), { ifMatch: 'etag' }), expected)
    await store.create()
    await store.create()
    t.same(await listAll(store, ''), [])
    await store.put('key', bytes(''))
  })
}

/** The objects of all pages. */
export async function listAll (store: ObjectStore, prefix: string): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = []
  for await (const page of store.list(prefix)) objects.push(...page)
  return objects
}

/** The content of the object as text; `undefined` if it does not exist. */
async function bodyOf (store: ObjectStore, key: string, options: GetOptions = {}): Promise<string | undefined> {
  const object = await store.get(key, options)
  return object === undefined || object === 'unchanged' ? undefined : object.body.toString()
}
