import t from 'tap'
import { ObjectList } from '../../../../lib/store/object-list.js'
import { endCheck } from '../../../../lib/store/s3/s3-listing.js'
import { endlessListing, entry, HTML_PAGE, listing, NO_CONTENT, REPEATED_LISTING, UNORDERED_LISTING } from '../../../support/faults.js'
import { listAll } from '../../../support/store-contract.js'
import type { S3Response } from '../../../support/s3-endpoint.js'
import { setUpS3 } from '../../../support/s3-setup.js'
import { until } from '../../../support/until.js'
import { VirtualTime } from '../../../support/virtual-time.js'

const invalid = { name: 'StoreError', code: 'invalid_listing', message: /^s3:\/\/lake: / }

const LAST = '<IsTruncated>false</IsTruncated>'
const ENCODED = '<EncodingType>url</EncodingType>'

t.test('keys that are not URL-encoded are read exactly, also if characters are written as numbers', async (t) => {
  const { endpoint, store } = await setUpS3(t)
  endpoint.intercept = () => listing(LAST + ['a&amp;b', 'a&#x62;', 'a&#98;c', '&#128512;', '&#x1f601;'].map(entry).join(''))
  t.same((await listAll(store, '')).map(({ key }) => key), ['a&b', 'ab', 'abc', '😀', '😁'])
})

t.test('control characters are read as servers write them: percent-encoded, or as references', async (t) => {
  const { endpoint, store } = await setUpS3(t)
  endpoint.intercept = () => listing(LAST + ENCODED + entry('a%01%7F%C2%85'))
  t.same((await listAll(store, '')).map(({ key }) => key), ['a\x01\x7f\x85'])
  endpoint.intercept = () => listing(LAST + entry('a&#1;'))
  t.same((await listAll(store, '')).map(({ key }) => key), ['a\x01'])
})

t.test('refuses responses that are not listings', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  bucket.put('key', 'content')
  const responses: Record<string, S3Response> = {
    'an empty body': NO_CONTENT,
    'a page of a proxy': HTML_PAGE,
    JSON: { status: 200, headers: { 'content-type': 'application/json' }, body: '{"contents":[]}' },
    text: { status: 200, body: 'OK' },
    'another root': { status: 200, body: '<Other/>' },
    'no IsTruncated': listing(entry('key')),
    'cut XML': { status: 200, body: '<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>ke' },
    'an entry without a size': listing(`${LAST}<Contents><Key>key</Key></Contents>`),
    'an entry with a size beyond 2^53': listing(LAST + entry('key').replace(/<Size>\d+/, '<Size>9999999999999999999')),
    'an entry with a negative size': listing(LAST + entry('key').replace(/<Size>\d+/, '<Size>-1')),
    'an entry with a time that does not exist': listing(LAST + entry('key').replace(/<LastModified>[^<]+/, '<LastModified>2024-01-01T00:80:00Z')),
    'a key that is not UTF-8': listing(LAST + ENCODED + entry('%FF')),
    'more, but no token': listing(`<IsTruncated>true</IsTruncated>${entry('key')}`),
    'fewer keys than KeyCount': listing(`<KeyCount>2</KeyCount>${LAST}${ENCODED}${entry('key')}`),
    'an unknown entity': listing(LAST + entry('a&nbsp;b')),
    'an ampersand': listing(LAST + entry('a&b')),
    'half a surrogate pair': listing(LAST + entry('&#xd83d;')),
    'a character after the last one': listing(LAST + entry('&#1114112;')),
    'bytes that are not UTF-8': { status: 200, body: Buffer.from(String(listing(LAST + entry('\xff')).body), 'latin1') },
    'a control character in a usual entry': listing(LAST + ENCODED + entry('\x11.csv')),
    'a control character in an entry in another order': listing(LAST + ENCODED + '<Contents><Size>1</Size><Key>\x01</Key><LastModified>2024-01-01T00:00:00Z</LastModified><ETag>"e"</ETag></Contents>'),
    'a NUL in a key that is not URL-encoded': listing(LAST + entry('a\0b')),
    'a key twice': listing(LAST + entry('a') + entry('a')),
    'keys out of order': listing(LAST + entry('b') + entry('a')),
    'keys in the order of UTF-16': listing(LAST + entry('😀') + entry('\uffee'))
  }
  for (const [name, response] of Object.entries(responses)) {
    endpoint.intercept = () => response
    await t.rejects(listAll(store, ''), invalid, name)
  }
  endpoint.intercept = () => listing(LAST + entry('elsewhere'))
  await t.rejects(listAll(store, 'in/'), invalid, 'a key outside the prefix')
})

t.test('fails if a continuation token repeats', async t => {
  const { endpoint, store } = await setUpS3(t)
  const page = (token: string) => listing(`<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`)
  endpoint.intercept = () => page('again')
  await t.rejects(listAll(store, ''), invalid)
  endpoint.intercept = ({ query }) => page(query.get('continuation-token') === 'a' ? 'b' : 'a')
  await t.rejects(listAll(store, ''), invalid)
})

t.test('fails if too many consecutive pages have no object, each with a new token', async t => {
  const check = endCheck()
  let pages = 0
  const add = (count: number, objects = new ObjectList()) => { for (let i = 0; i < count; i++) check({ objects, next: String(++pages) }) }
  add(1000)
  add(1, new ObjectList([{ key: 'key', etag: 'e', size: 1, lastModified: 0 }]))
  add(1000)
  t.throws(() => add(1), { code: 'invalid_listing', message: 'more than 1000 consecutive pages of the listing have no object' })
})

t.test('an endless listing of empty pages ends', async t => {
  const { endpoint, store } = await setUpS3(t)
  endpoint.intercept = endlessListing()
  await t.rejects(listAll(store, ''), invalid)
  t.ok(endpoint.counts.LIST <= 1003, `${endpoint.counts.LIST} requests`)
})

t.test('a listing ends after 20 s without a key, and after 15 minutes with keys', async t => {
  const time = new VirtualTime()
  const page = { objects: new ObjectList([{ key: 'key', etag: 'e', size: 1, lastModified: 0 }]), next: '' }
  let pages = 0
  const add = async (check: ReturnType<typeof endCheck>, ms: number, objects = page.objects) => {
    await time.advance(ms)
    check({ objects, next: String(++pages) })
  }
  const empty = new ObjectList()
  const keyless = endCheck(time.clock)
  await add(keyless, 15_000, empty)
  await add(keyless, 15_000)
  await add(keyless, 20_000, empty)
  await t.rejects(add(keyless, 1, empty), { code: 'invalid_listing', message: 'the pages of the listing have had no object for more than 20 s' })
  const endless = endCheck(time.clock)
  for (let minute = 1; minute <= 15; minute++) await add(endless, 60_000)
  await t.rejects(add(endless, 1), { code: 'invalid_listing', message: 'the listing has not ended after 15 minutes' })
})

t.test('listings that are repeated, unordered or cut anywhere are refused', async t => {
  const { endpoint, bucket, store } = await setUpS3(t)
  for (const key of ['a', 'b']) bucket.put(key, key)
  let length = 0
  for (const fault of [REPEATED_LISTING, UNORDERED_LISTING]) {
    endpoint.intercept = () => fault
    await t.rejects(listAll(store, ''), invalid)
  }
  endpoint.intercept = () => ({
    rewrite: (response) => {
      length = response.body!.length
      return response
    }
  })
  t.equal((await listAll(store, '')).length, 2)
  for (let cutAt = 0; cutAt < length; cutAt++) {
    endpoint.intercept = () => ({ rewrite: (response) => ({ ...response, body: response.body!.slice(0, cutAt) }) })
    await t.rejects(listAll(store, ''), invalid, `cut at ${cutAt}`)
  }
})

t.test('checks the order across pages', async t => {
  const { endpoint, store } = await setUpS3(t)
  endpoint.intercept = ({ query }) => query.has('continuation-token')
    ? listing(LAST + entry('a'))
    : listing(`<IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken>${entry('b')}`)
  await t.rejects(listAll(store, ''), invalid)
})

t.test('continues after an empty page', async t => {
  const { endpoint, bucket, store } = await setUpS3(t, { pageSize: 2 })
  for (const key of ['a', 'b', 'c']) bucket.put(key, '')
  endpoint.intercept = ({ query }) => query.has('continuation-token')
    ? undefined
    : listing('<IsTruncated>true</IsTruncated><NextContinuationToken>AA</NextContinuationToken>')
  t.same((await listAll(store, '')).map(({ key }) => key), ['a', 'b', 'c'])
})

t.test('decodes keys once, and only if they are encoded', async t => {
  const { endpoint, store } = await setUpS3(t)
  endpoint.intercept = () => listing(LAST + ENCODED + entry('a+b%2Bc%2525'))
  t.match(await listAll(store, ''), [{ key: 'a b+c%25' }])
  endpoint.intercept = () => listing(LAST + entry('a+b%2Bc%2525'))
  t.match(await listAll(store, ''), [{ key: 'a+b%2Bc%2525' }])
})

t.test('marks objects without an ETag as racy', async t => {
  const { endpoint, store } = await setUpS3(t)
  const withEtag = (etag: string) => listing(LAST + entry('key').replace('"e"', etag))
  endpoint.intercept = () => withEtag('W/&quot;weak&quot;')
  t.same(await listAll(store, ''), [{ key: 'key', etag: 'weak', size: 1, lastModified: Date.UTC(2025, 0, 1) }])
  endpoint.intercept = () => withEtag('')
  t.match(await listAll(store, ''), [{ key: 'key', etag: '', racy: true }])
})

t.test('fails if a later page fails', async t => {
  const { endpoint, bucket, store } = await setUpS3(t, { pageSize: 1 })
  bucket.put('a', '')
  bucket.put('b', '')
  endpoint.intercept = ({ query }) => query.has('continuation-token') ? { status: 403 } : undefined
  await t.rejects(listAll(store, ''), { code: 'access_denied' })
  endpoint.intercept = ({ query }) => query.has('continuation-token') ? 'cut body' : undefined
  await t.rejects(listAll(store, ''), { code: 'unreachable' })
})

t.test('requests the next page before it yields the current one', async t => {
  const { endpoint, bucket, store } = await setUpS3(t, { pageSize: 1 })
  for (const key of ['a', 'b', 'c']) bucket.put(key, '')
  const keys: string[] = []
  for await (const page of store.list('')) {
    keys.push(...[...page].map(({ key }) => key))
    await until(() => endpoint.counts.LIST >= Math.min(3, keys.length + 1))
  }
  t.same(keys, ['a', 'b', 'c'])
  t.equal(endpoint.counts.LIST, 3, 'no page is requested twice')
  const broken = store.list('')[Symbol.asyncIterator]()
  t.equal((await broken.next()).value.length, 1)
  await broken.return!() // the requested page is discarded
})

t.test('follows continuation tokens that only the SDK can read', async t => {
  const { endpoint, store } = await setUpS3(t)
  endpoint.intercept = ({ query }) => query.get('continuation-token') === 'x&y'
    ? listing(LAST + ENCODED + entry('b'))
    : query.has('continuation-token') ? { status: 400 } : listing(`<IsTruncated>true</IsTruncated><NextContinuationToken>x&amp;y</NextContinuationToken>${ENCODED}${entry('a')}`)
  t.match(await listAll(store, ''), [{ key: 'a' }, { key: 'b' }])
})

t.test('lists in ranges when it knows the keys of the previous listing', async t => {
  const { endpoint, bucket, store } = await setUpS3(t, { pageSize: 3 })
  endpoint.limit({ latencyMs: 30 })
  for (let i = 0; i < 30; i++) bucket.put(`in/${i} ä+%25&<😀`, '')
  const expected = bucket.keys()
  const list = async () => (await listAll(store, 'in/')).map(({ key }) => key)
  t.same(await list(), expected)
  const starts: (string | null)[] = []
  endpoint.reset()
  endpoint.intercept = ({ query }) => {
    starts.push(query.get('start-after'))
    return undefined
  }
  t.same(await list(), expected)
  t.same(starts.sort(), [null, ...expected.filter((_, i) => i % 3 === 2).slice(0, -1)].sort(), 'one request for each page')
  endpoint.intercept = ({ headers }) => headers['user-agent']?.startsWith('aws-sdk') === true ? undefined : { status: 500 }
  t.same(await list(), expected, 'by the SDK')
})

t.test('lists completely if the server ignores start-after', async t => {
  const { endpoint, bucket, store } = await setUpS3(t, { pageSize: 3, ignoresStartAfter: true })
  endpoint.limit({ latencyMs: 30 })
  for (let i = 10; i < 40; i++) bucket.put(`in/${i}`, '')
  for (let round = 0; round < 3; round++) {
    endpoint.reset()
    t.same((await listAll(store, 'in/')).map(({ key }) => key), bucket.keys())
  }
  t.equal(endpoint.counts.LIST, 10, 'in one sequence')
})
