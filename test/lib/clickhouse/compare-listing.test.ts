import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { compareUtf8 } from '../../../lib/base/utf8.js'
import { compareListing, type ObjectChange, type ObjectPage } from '../../../lib/clickhouse/compare-listing.js'
import { ObjectList, type ObjectInfo } from '../../../lib/store/object-list.js'
import { runs } from '../../support/property-runs.js'

const key = fc.oneof(fc.constantFrom('a.csv', 'a-b.csv', 'a.b.csv', 'A.csv', 'ü.csv', '😀.csv', '\ue000.csv', 'x/a.png', 'x.a.png'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }))
const object = fc.record({ key, etag: fc.constantFrom('', '1', '2'), size: fc.constantFrom(0, 1), lastModified: fc.constantFrom(0, 1000) })
const racy = fc.record({ isRacy: fc.boolean() }).map(({ isRacy }) => isRacy ? { racy: true as const } : {})
const lake = (of: fc.Arbitrary<ObjectInfo>) => fc.uniqueArray(of, { selector: ({ key }) => key, maxLength: 30 }).map((objects) => objects.sort((a, b) => compareUtf8(a.key, b.key)))
const pageSizes = fc.array(fc.nat(4), { minLength: 1, maxLength: 40 })

/**
 * Divides objects into pages of these sizes, which are used again from the first one on, then each plus one, so that the pages end even if all sizes are 0. All pages use the same memory, as those of
 * stores do.
 */
async function * pagesOf (objects: readonly ObjectInfo[], sizes: readonly number[], onEnd: () => void): AsyncGenerator<ObjectPage> {
  const page = new ObjectList()
  try {
    for (let start = 0, i = 0; start < objects.length; i++) {
      const size = sizes[i % sizes.length]! + (i >= sizes.length ? 1 : 0)
      page.clear()
      for (const object of objects.slice(start, start + size)) page.push(object)
      const first = start
      yield { objects: page, idOf: (i) => `id of ${objects[first + i]!.key}` }
      start += size
    }
  } finally {
    onEnd()
  }
}

/** The reference implementation: compares all objects in memory. */
function reference (listing: readonly ObjectInfo[], known: readonly ObjectInfo[]): ObjectChange[] {
  const old = new Map(known.map((object) => [object.key, object]))
  const listed = new Set(listing.map(({ key }) => key))
  const isKnown = ({ key, etag, size, lastModified, racy }: ObjectInfo) => {
    const object = old.get(key)
    return racy !== true && object !== undefined && object.etag === etag && object.size === size && object.lastModified === lastModified
  }
  return [
    ...listing.filter((object) => !isKnown(object)).map((object) => ({ key: object.key, id: `id of ${object.key}`, listed: object })),
    ...known.filter(({ key }) => !listed.has(key)).map(({ key }) => ({ key, id: `id of ${key}` }))
  ].sort((a, b) => compareUtf8(a.key, b.key))
}

t.test('the changes of a listing are those that a comparison in memory finds, wherever pages end', async () => {
  await fc.assert(fc.asyncProperty(lake(fc.tuple(object, racy).map(([object, racy]) => ({ ...object, ...racy }))), lake(object), fc.boolean(), pageSizes, pageSizes, async (listing, other, isSimilar, sizes, knownSizes) => {
    const known = isSimilar ? listing.filter((_, i) => i % 3 !== 0).map(({ racy, ...object }) => object) : other
    let ended = 0
    const changes: ObjectChange[] = []
    for await (const some of compareListing(pagesOf(listing, sizes, () => { ended++ }), pagesOf(known, knownSizes, () => { ended++ }))) {
      assert.ok(some.length > 0)
      changes.push(...some)
    }
    assert.deepEqual(changes, reference(listing, known))
    assert.equal(ended, 2, 'both have been read to the end or closed')
  }), runs(500))
})

t.test('of very many known objects in a row that are not listed any more, at most 10,000 are yielded together', async (t) => {
  const known = Array.from({ length: 25_000 }, (_, i) => ({ key: `${100_000 + i}.csv`, etag: '1', size: 1, lastModified: 0 }))
  for (const listing of [[], [{ ...known[0]!, key: 'z.csv' }]]) {
    const lengths: number[] = []
    for await (const some of compareListing(pagesOf(listing, [1], () => {}), pagesOf(known, [30_000], () => {}))) lengths.push(some.length)
    t.ok(lengths.every((length) => length <= 10_000), lengths.join(', '))
    t.equal(lengths.reduce((a, b) => a + b), known.length + listing.length)
  }
})

t.test('the known objects are closed when the listing fails', async (t) => {
  let isClosed = false
  const known = pagesOf([{ key: 'a.csv', etag: '', size: 0, lastModified: 0 }, { key: 'c.csv', etag: '', size: 0, lastModified: 0 }], [1], () => { isClosed = true })
  const listing = async function * () {
    yield { objects: new ObjectList([{ key: 'b.csv', etag: '', size: 0, lastModified: 0 }]), idOf: () => 'b' }
    throw new Error('the listing has failed')
  }
  await t.rejects(async () => { for await (const some of compareListing(listing(), known)) t.ok(some) }, { message: 'the listing has failed' })
  t.ok(isClosed)
})
