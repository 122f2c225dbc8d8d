import assert from 'node:assert/strict'
import fc from 'fast-check'
import { compareUtf8 } from '../../lib/base/utf8.js'
import type { ObjectInfo } from '../../lib/store/object-list.js'
import { StoreError } from '../../lib/store/object-store.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { failure } from '../support/s3-protocol.js'
import { mutateBytes, mutations } from '../support/mutations.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { readListingReference } from './listing-reference.js'
import type { Target } from './target.js'

const KEYS = ['1.csv', '1.png', '2.csv', 'a b.csv', 'a+b.csv', 'a&b.csv', 'a<b.csv', 'é.csv', '😀.csv', '%41.csv', 'a\nb.csv', 'x/y.csv']
/** What mutations insert. */
const TOKENS = [
  '<', '>', '/', '&', ';', '"', '&amp;', '&lt;', '&#x41;', '&#128512;', '&#xd83d;', '&#0;', '&x;', '%41', '%', '+', '\0', '\ufffd', '\n', ' ', '<!--', '-->', '<![CDATA[x]]>', '<?x?>', '<!DOCTYPE x>', '</Contents>', '<Contents>', '</ListBucketResult>',
  '<ListBucketResult>', '<Key>x</Key>', '<Size>1</Size>', '<Size>-1</Size>', '<Size>1e3</Size>', '<Size>9007199254740993</Size>', '<ETag>"x"</ETag>', '<LastModified>2024-01-01T00:00:00.000Z</LastModified>', '<IsTruncated>false</IsTruncated>',
  '<IsTruncated>true</IsTruncated>', '<NextContinuationToken>next</NextContinuationToken>', '<KeyCount>1</KeyCount>', '<EncodingType>url</EncodingType>', '<Contents><Key>z</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag><Size>1</Size></Contents>',
  '999999999999999999999', '0', '1', 'true', 'T25:00:00Z', '2024-02-30'
]
const CONTINUATION_TOKEN = 'next'

const escape = (text: string) => text.replaceAll(/[&<>"\r\n]/g, (character) => `&#${character.charCodeAt(0)};`)
const encodeKey = (key: string) => encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')

/** The form in which a server writes a listing. All forms have the same meaning. */
const style = fc.record({
  declaration: fc.constantFrom('', '<?xml version="1.0" encoding="UTF-8"?>', "<?xml version='1.0'?>\n"),
  root: fc.constantFrom('', ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'),
  space: fc.constantFrom('', '', '\n  '),
  quote: fc.constantFrom('"', '&quot;', '&#34;', ''),
  order: fc.constantFrom(0, 0, 1, 2),
  more: fc.constantFrom('', '<StorageClass>STANDARD</StorageClass>', '<Owner><ID>x</ID><DisplayName>y</DisplayName></Owner>', '<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumAlgorithm>SHA1</ChecksumAlgorithm>', '<StorageClass/>'),
  isEncoded: fc.constantFrom(true, true, true, false),
  hasCount: fc.boolean(),
  hasMs: fc.boolean()
})

type Style = typeof style extends fc.Arbitrary<infer T> ? T : never
interface Page { readonly objects: readonly ObjectInfo[], readonly isTruncated: boolean }

const objects = fc.subarray(KEYS).chain((keys) => fc.tuple(...keys.toSorted(compareUtf8).map((key) => fc.record({
  key: fc.constant(key),
  etag: fc.constantFrom('e', 'd41d8cd98f00b204e9800998ecf8427e-2'),
  size: fc.constantFrom(0, 1, 1234, Number.MAX_SAFE_INTEGER),
  lastModified: fc.constantFrom(0, Date.parse('2024-02-29T23:59:59Z'))
}))))

function write ({ objects, isTruncated }: Page, { declaration, root, space, quote, order, more, isEncoded, hasCount, hasMs }: Style): string {
  const entry = ({ key, etag, size, lastModified }: ObjectInfo) => {
    const parts = [
      `<Key>${isEncoded ? encodeKey(key) : escape(key)}</Key>`,
      `<LastModified>${new Date(lastModified).toISOString().replace('.000', hasMs ? '.987' : '')}</LastModified>`,
      `<ETag>${quote}${etag}${quote}</ETag>`,
      `<Size>${size}</Size>`
    ]
    return `<Contents>${space}${[...parts.slice(order), ...parts.slice(0, order)].join(space)}${more}${space}</Contents>`
  }
  const head = [
    '<Name>lake</Name>', '<Prefix></Prefix>', ...hasCount ? [`<KeyCount>${objects.length}</KeyCount>`] : [], '<MaxKeys>1000</MaxKeys>', `<IsTruncated>${isTruncated}</IsTruncated>`,
    ...isTruncated ? [`<NextContinuationToken>${CONTINUATION_TOKEN}</NextContinuationToken>`] : [], ...isEncoded ? ['<EncodingType>url</EncodingType>'] : []
  ]
  return `${declaration}<ListBucketResult${root}>${space}${[...head, ...objects.map(entry)].join(space)}${space}</ListBucketResult>`
}

/** Headers that have no meaning for a listing, as long as they do not contradict its body. */
const headers = fc.record({
  'content-type': fc.constantFrom('application/xml', 'text/xml; charset=utf-8', 'text/html', 'application/json', '', 'application/octet-stream'),
  etag: fc.constantFrom('"x"', ''),
  'last-modified': fc.constantFrom('x', 'Thu, 01 Jan 1970 00:00:00 GMT'),
  'x-amz-request-id': fc.constantFrom('', 'é', 'x'.repeat(4000)),
  'content-length': fc.constantFrom('10'),
  'content-encoding': fc.constantFrom('gzip', 'aws-chunked'),
  date: fc.constantFrom('Thu, 01 Jan 1970 00:00:00 GMT', 'x')
}, { requiredKeys: [] })

const withoutEtag = ({ etag, ...info }: ObjectInfo) => info

/** The objects after the first page. */
const REST: Page = { objects: [{ key: '😁.csv', etag: 'e', size: 1, lastModified: 0 }], isTruncated: false }
const USUAL: Style = { declaration: '', root: '', space: '', quote: '&quot;', order: 0, more: '', isEncoded: true, hasCount: true, hasMs: false }

export const listings: Target = {
  name: 'listings',
  about: 'listings of the store, in all forms and damaged: each is an error, or exactly the objects that a strict XML parser reads',
  runs: 60,
  open: async () => {
    const endpoint = await startS3Endpoint()
    endpoint.bucket('lake')
    const list = async () => {
      // A new store for each listing, because a store remembers the ranges of its last listing.
      const store = new S3Store({ bucket: 'lake', endpoint: endpoint.url })
      const found: ObjectInfo[] = []
      try {
        for await (const page of store.list('')) found.push(...page)
      } finally {
        await store.close()
      }
      return found
    }
    const property = fc.asyncProperty(objects, fc.boolean(), style, mutations(TOKENS), fc.option(headers, { freq: 2, nil: {} }), async (objects, isTruncated, style, changes, headers) => {
      const xml = mutateBytes(Buffer.from(write({ objects, isTruncated }, style)), changes)
      let truth: readonly ObjectInfo[] = []
      endpoint.intercept = ({ operation, query }) => {
        if (operation !== 'LIST') return undefined
        const [token, after] = [query.get('continuation-token'), query.get('start-after')]
        if (after !== null) return { status: 200, body: write({ objects: truth.filter(({ key }) => compareUtf8(key, after) > 0), isTruncated: false }, USUAL) }
        if (token === null) return { status: 200, headers, body: xml }
        return token === CONTINUATION_TOKEN ? { status: 200, body: write(REST, USUAL) } : failure(400, 'InvalidArgument')
      }
      const expected = readListingReference(xml)
      // If the document is damaged only where the store reads nothing, the listing may succeed: it must then have the objects of the undamaged document.
      truth = [...expected?.objects ?? objects, ...(expected ? expected.next !== undefined : isTruncated) ? REST.objects : []].map((info) => ({ ...info }))
      const about = `${JSON.stringify(String(xml))} ${JSON.stringify(headers)}`
      try {
        const found = await list()
        if (expected !== undefined) assert.deepEqual(found, truth, about)
        // If the document is not valid XML, an ETag may be read wrongly: the object is then downloaded once more. After several changes, any result is accepted.
        else if (changes.length === 1) assert.deepEqual(found.map(withoutEtag), truth.map(withoutEtag), about)
      } catch (error) {
        assert.ok(error instanceof StoreError, error as Error)
        const isHarmless = !('content-length' in headers) && !('content-encoding' in headers)
        if (changes.length === 0 && isHarmless) assert.fail(`${error.message}, for ${about}`)
      }
    })
    return { property, close: () => endpoint.stop() }
  }
}
