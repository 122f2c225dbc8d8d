import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { compareUtf8 } from '../../../../lib/base/utf8.js'
import type { ObjectList } from '../../../../lib/store/object-list.js'
import { RangedLister, type ListerOptions } from '../../../../lib/store/s3/ranged-lister.js'
import { RangedListing, type RangedListingOptions } from '../../../../lib/store/s3/ranged-listing.js'
import { ListedKeys } from '../../../support/listed-keys.js'
import { runs } from '../../../support/property-runs.js'

const PREFIX = 'p/'

/** Reads a listing. `step` is called whenever requests wait; it must execute some of them. */
async function read (listing: AsyncIterable<ObjectList>, bucket: ListedKeys, step: () => void): Promise<string[]> {
  const keys: string[] = []
  const progress = { isOver: false }
  const reading = (async () => { for await (const page of listing) keys.push(...[...page].map(({ key }) => key)) })()
  const over = () => { progress.isOver = true }
  reading.then(over, over)
  while (!progress.isOver) {
    await setImmediate()
    if (bucket.waiting > 0) step()
  }
  await reading
  return keys
}

const listingOf = (bucket: ListedKeys, options: Partial<RangedListingOptions> = {}) =>
  new RangedListing({ url: 's3://lake', prefix: PREFIX, pagesOf: (range) => bucket.pagesOf(PREFIX, range), farMs: 0, ...options })

const listerOf = (bucket: ListedKeys, options: Partial<ListerOptions>) =>
  new RangedLister({ url: 's3://lake', pagesOf: (prefix, range) => bucket.pagesOf(prefix, range), farMs: 0, ...options })

const keys = fc.array(fc.constantFrom('0', '1', '5', '9', 'B', 'a', 'f', 'z', '/', 'é', '\uffee', '😀'), { minLength: 1, maxLength: 4 }).map((characters) => PREFIX + characters.join(''))
const lake = fc.uniqueArray(keys, { maxLength: 40 })
const pageSize = fc.integer({ min: 1, max: 5 })
const surplus = fc.integer({ min: 0, max: 8 })
const changes = fc.array(fc.record({ key: keys, isAdded: fc.boolean() }), { maxLength: 30 })
/** Which request is executed next; when the list has ended, the first one. */
const order = fc.array(fc.nat(), { maxLength: 100 })

/** Executes the requests in this order, with a change before each of them. Returns the keys that were in the bucket all the time, and at some time. */
function changing (bucket: ListedKeys, order: readonly number[], changes: readonly { readonly key: string, readonly isAdded: boolean }[]) {
  const always = new Set(bucket.sorted)
  const ever = new Set(bucket.sorted)
  const [orders, edits] = [order.values(), changes.values()]
  const step = () => {
    const edit = edits.next().value
    if (edit?.isAdded === true) bucket.add(edit.key)
    if (edit?.isAdded === false) bucket.delete(edit.key)
    if (edit !== undefined) (edit.isAdded ? ever.add(edit.key) : always.delete(edit.key))
    bucket.execute(orders.next().value ?? 0)
  }
  return { always, ever, step }
}

function assertComplete (listed: readonly string[], { always, ever }: { readonly always: ReadonlySet<string>, readonly ever: ReadonlySet<string> }): void {
  assert.deepEqual(listed, [...new Set(listed)].sort(compareUtf8), 'in order, each key once')
  assert.deepEqual([...always].filter((key) => !listed.includes(key)), [], 'no key is missing')
  assert.deepEqual(listed.filter((key) => !ever.has(key)), [], 'no key is invented')
}

t.test('ranges with any edges list every key once and in order, while keys are added and removed', async () => {
  await fc.assert(fc.asyncProperty(lake, fc.uniqueArray(keys, { maxLength: 8 }), pageSize, surplus, fc.integer({ min: 1, max: 6 }), order, changes,
    async (initial, edges, pageSize, surplus, maxRanges, order, changes) => {
      // Edges are often keys that exist, and change during the listing.
      const sorted = [...new Set([...edges, ...initial.filter((_, i) => i % 7 === 0)])].sort(compareUtf8)
      const bucket = new ListedKeys(initial, { pageSize })
      const run = changing(bucket, order, [...changes, ...sorted.map((key, i) => ({ key, isAdded: i % 2 === 0 }))])
      assertComplete(await read(listingOf(bucket, { edges: sorted, surplus, maxRanges }), bucket, run.step), run)
    }), runs(500))
})

t.test('listings whose ranges are the pages of the previous listing are complete, whether or not the store knows start-after', async () => {
  await fc.assert(fc.asyncProperty(lake, pageSize, surplus, fc.boolean(), fc.array(fc.tuple(order, changes), { minLength: 1, maxLength: 3 }),
    async (initial, pageSize, surplus, ignoresStartAfter, listings) => {
      const bucket = new ListedKeys(initial, { pageSize, ignoresStartAfter })
      const lister = listerOf(bucket, { surplus })
      for (const [order, changes] of listings) {
        const run = changing(bucket, order, changes)
        assertComplete(await read(lister.list(PREFIX), bucket, run.step), run)
      }
    }), runs(500))
})

t.test('a listing is divided only while each page takes 10 ms or more', async (t) => {
  const bucket = new ListedKeys(Array.from({ length: 100 }, (_, i) => `${PREFIX}${100 + i}`), { pageSize: 10 })
  let now = 0
  const lister = listerOf(bucket, { farMs: 10, clock: () => now })
  const starts = async (ms: number) => {
    bucket.starts.length = 0
    const step = () => {
      now += ms
      bucket.executeAll()
    }
    t.same(await read(lister.list(PREFIX), bucket, step), bucket.sorted)
    return bucket.starts.length
  }
  t.equal(await starts(9), 1)
  t.equal(await starts(9), 1, 'near')
  t.equal(await starts(10), 1, 'the store has become far away: the ends of its pages are remembered')
  t.equal(await starts(10), 10, 'far: one range for each page')
  t.equal(await starts(9), 10, 'it has become near')
  t.equal(await starts(9), 1)
})

t.test('a store that ignores start-after is listed sequentially from then on', async (t) => {
  const bucket = new ListedKeys(Array.from({ length: 100 }, (_, i) => `${PREFIX}${100 + i}`), { pageSize: 10, ignoresStartAfter: true })
  const lister = listerOf(bucket, { surplus: 0 })
  for (let round = 0; round < 3; round++) t.same(await read(lister.list(PREFIX), bucket, () => bucket.executeAll()), bucket.sorted)
  const [first, ...others] = bucket.starts
  t.equal(first, undefined)
  t.ok(others.includes(undefined) && others.some((start) => start !== undefined), 'the first listing began in ranges')
  t.same(bucket.starts.slice(-2), [undefined, undefined], 'later ones have one range')
})

t.test('a damaged page of any range fails the listing', async () => {
  const damages: Readonly<Record<string, (keys: readonly string[]) => string[]>> = {
    repeated: (keys) => [...keys, keys.at(-1)!],
    unordered: (keys) => [...keys.slice(0, -2), keys.at(-1)!, keys.at(-2)!],
    foreign: (keys) => [...keys.slice(0, -1), `q${keys.at(-1)!}`]
  }
  await fc.assert(fc.asyncProperty(lake, pageSize, fc.constantFrom(...Object.keys(damages)), fc.nat(20), order, async (initial, pageSize, name, nth, order) => {
    const bucket = new ListedKeys(initial, { pageSize })
    let pages = 0
    let isDamaged = false
    bucket.damage = (keys) => {
      if (keys.length < 2 || pages++ !== nth) return keys
      isDamaged = true
      return damages[name]!(keys)
    }
    const edges = bucket.sorted.filter((_, i) => i % 6 === 5)
    const listed = read(listingOf(bucket, { edges, maxRanges: 3 }), bucket, changing(bucket, order, []).step)
    const error = await listed.then(() => undefined, (error: unknown) => error as { code: string })
    assert.equal(error?.code, isDamaged ? 'invalid_listing' : undefined)
  }), runs(300))
})

t.test('an error of any range is the error of the listing, and no further page is requested', async (t) => {
  const bucket = new ListedKeys(Array.from({ length: 100 }, (_, i) => `${PREFIX}${100 + i}`), { pageSize: 5 })
  const edges = bucket.sorted.filter((_, i) => i % 20 === 19)
  bucket.damage = (keys) => {
    if (keys.includes(`${PREFIX}145`)) throw new Error('broken')
    return keys
  }
  await t.rejects(read(listingOf(bucket, { edges }), bucket, () => bucket.execute(0)), { message: 'broken' })
  while (bucket.waiting > 0) {
    bucket.executeAll()
    await setImmediate()
  }
  t.ok(bucket.starts.length <= edges.length + 1)
})

t.test('a caller that stops ends all ranges', async (t) => {
  const bucket = new ListedKeys(Array.from({ length: 100 }, (_, i) => `${PREFIX}${100 + i}`), { pageSize: 5 })
  const edges = bucket.sorted.filter((_, i) => i % 20 === 19)
  const listing = listingOf(bucket, { edges })[Symbol.asyncIterator]()
  const first = listing.next()
  await setImmediate()
  t.equal(bucket.waiting, edges.length + 1, 'all ranges have begun')
  bucket.executeAll()
  t.equal((await first).value.length, 5)
  await listing.return!(undefined)
  for (let round = 0; round < 2; round++) {
    await setImmediate()
    bucket.executeAll()
  }
  await setImmediate()
  t.equal(bucket.waiting, 0)
})

/** Lists twice; each time all requests that wait are executed together. Returns the numbers of rounds and of requests. */
async function listTwice (keys: readonly string[]) {
  const bucket = new ListedKeys(keys, { pageSize: 10 })
  const lister = listerOf(bucket, { surplus: 20 })
  const figures: { rounds: number, requests: number }[] = []
  for (let listing = 0; listing < 2; listing++) {
    const figure = { rounds: 0, requests: 0 }
    const listed = await read(lister.list(PREFIX), bucket, () => {
      figure.rounds++
      figure.requests += bucket.waiting
      bucket.executeAll()
    })
    assert.deepEqual(listed, bucket.sorted)
    figures.push(figure)
  }
  return { first: figures[0]!, again: figures[1]! }
}

const padded = (i: number) => String(i).padStart(7, '0')
const LAKES: Readonly<Record<string, (i: number) => string>> = {
  'padded numbers, with images': (i) => `user-${padded(i >> 1)}.${i % 2 === 0 ? 'csv' : 'png'}`,
  numbers: (i) => `${i}.csv`,
  'hexadecimal digits': (i) => `${(Math.imul(i + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')}.csv`,
  folders: (i) => `2024/${String(1 + i % 12).padStart(2, '0')}/${i}.json`,
  'two starts of different frequency': (i) => `${i % 10 === 0 ? 'z' : 'a'}${padded(i)}.csv`
}

t.test('200 pages are listed in an eighth of the rounds, without more requests, and the first time in a sixth of them', async (t) => {
  for (const [name, keyOf] of Object.entries(LAKES)) {
    const { first, again } = await listTwice(Array.from({ length: 2000 }, (_, i) => PREFIX + keyOf(i)))
    t.same(again.requests, 200, name)
    t.ok(again.rounds <= 25, `${name}: ${again.rounds} rounds`)
    t.ok(first.rounds <= 34 && first.requests <= 300, `${name}: at first ${first.rounds} rounds, ${first.requests} requests`)
  }
})

t.test('a small lake takes one request for each page', async (t) => {
  const { first, again } = await listTwice(Array.from({ length: 20 }, (_, i) => `${PREFIX}${10 + i}`))
  t.same([first, again], [{ rounds: 2, requests: 2 }, { rounds: 1, requests: 2 }])
})
