import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import t from 'tap'
import { ObjectList } from '../../../../../lib/store/object-list.js'
import { scanListing as scan } from '../../../../../lib/store/s3/fast-path/listing-scan.js'
import { readPage, type ListingPage } from '../../../../../lib/store/s3/s3-listing.js'
import { readListingReference, type ReferencePage } from '../../../../fuzz/listing-reference.js'
import { runs } from '../../../../support/property-runs.js'

// The SDK warns once per process about Node versions whose support ends soon.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

const plain = (page: ListingPage | undefined) => page && { objects: [...page.objects], next: page.next }
const scanListing = (body: string) => plain(scan(Buffer.from(body), new ObjectList()))

/** The page that the SDK reads from a response; `undefined` if it fails. */
async function readBySdk (body: string) {
  const handle = async () => ({ response: { statusCode: 200, headers: { 'content-type': 'application/xml' }, body: Readable.from([Buffer.from(body)]) } })
  const client = new S3Client({ region: 'us-east-1', endpoint: 'http://127.0.0.1:1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts: 1, requestHandler: { handle } as never })
  try {
    return plain(readPage(await client.send(new ListObjectsV2Command({ Bucket: 'lake' }))))
  } catch {
    return undefined
  }
}

const encodeKey = (key: string) => encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')
const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 })
const etag = fc.tuple(fc.constantFrom('&quot;', '"', '&#34;', ''), fc.constantFrom('d41d8cd98f00b204e9800998ecf8427e', 'abc-2', '')).map(([quote, etag]) => quote + etag + quote)
const instant = fc.date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true }).map((date) => date.toISOString())
const entry = fc.record({
  key: key.map(encodeKey),
  modified: instant,
  etag,
  size: fc.nat(),
  more: fc.constantFrom('', '<StorageClass>STANDARD</StorageClass>', '<Owner><ID>x</ID><DisplayName>y</DisplayName></Owner>', '<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>'),
  order: fc.boolean()
}).map(({ key, modified, etag, size, more, order }) => {
  const [k, rest] = [`<Key>${key}</Key>`, `<LastModified>${modified}</LastModified><ETag>${etag}</ETag><Size>${size}</Size>${more}`]
  return order ? k + rest : rest + k
})
const page = fc.record({
  entries: fc.array(entry, { maxLength: 5 }),
  space: fc.constantFrom('', '\n', '\n  '),
  truncated: fc.constantFrom('true', 'false', '', 'maybe'),
  token: fc.constantFrom('', '<NextContinuationToken>abc/+=</NextContinuationToken>', '<NextContinuationToken>a&amp;b</NextContinuationToken>'),
  encoding: fc.constantFrom('<EncodingType>url</EncodingType>', '<EncodingType>url</EncodingType>', ''),
  prolog: fc.constantFrom('<?xml version="1.0" encoding="UTF-8"?>', '<?xml version="1.0" encoding="UTF-8"?>\n', '')
}).map(({ entries, space, truncated, token, encoding, prolog }) =>
  `${prolog}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${space}<Name>lake</Name><Prefix></Prefix><KeyCount>${entries.length}</KeyCount>` +
  `${truncated && `<IsTruncated>${truncated}</IsTruncated>`}${token}${encoding}${entries.map((entry) => `${space}<Contents>${entry}</Contents>`).join('')}${space}</ListBucketResult>`)

t.test('reads the same page as the SDK, or leaves the response to the SDK', async (t) => {
  let read = 0
  await fc.assert(fc.asyncProperty(page, async (body) => {
    const scanned = scanListing(body)
    if (scanned === undefined) return
    read++
    assert.deepEqual(scanned, await readBySdk(body))
  }), runs(3000))
  t.ok(read > runs(500).numRuns, `${read} pages were read without the SDK`)
})

t.test('a listing with one wrong bit is read as a strict XML parser reads it or, if that refuses it, as the undamaged listing (ETags aside), or not at all', async () => {
  const entries = ['a b', 'é', '1'].map((key) => `<Contents><Key>${encodeKey(key)}</Key><LastModified>2025-06-15T12:15:30.000Z</LastModified><ETag>&quot;abc&quot;</ETag><Size>1</Size></Contents>`)
  const other = '<Contents><Size>12</Size><LastModified>2025-06-15T12:15:30Z</LastModified><Key>2</Key></Contents>'
  const whole = Buffer.from(`<?xml version="1.0"?><ListBucketResult><Name>lake</Name><KeyCount>4</KeyCount><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>${entries.join('')}${other}</ListBucketResult>`)
  const read = (xml: Buffer) => plain(scan(xml, new ObjectList()))
  const withoutEtags = (page: ListingPage | ReferencePage | undefined) => page && { ...page, objects: [...page.objects].map(({ key, size, lastModified }) => ({ key, size, lastModified })) }
  assert.deepEqual(read(whole), readListingReference(whole))
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const damaged = Buffer.from(whole)
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    const [scanned, reference] = [read(damaged), readListingReference(damaged)]
    if (scanned === undefined) continue
    const about = JSON.stringify(String(damaged))
    if (reference !== undefined) assert.deepEqual(scanned, reference, about)
    else assert.deepEqual(withoutEtags(scanned as never), withoutEtags(readListingReference(whole)), about)
  }
})

t.test('a damaged listing is never read as a different listing', async (t) => {
  const contents = Array.from({ length: 3 }, (_, i) => `<Contents><Key>source_data/${i}.csv</Key><LastModified>2025-06-15T12:15:30.000Z</LastModified><ETag>&quot;abc${i}&quot;</ETag><Size>${i}</Size></Contents>`).join('')
  const whole = `<?xml version="1.0"?><ListBucketResult><Name>lake</Name><KeyCount>3</KeyCount><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>${contents}</ListBucketResult>`
  t.equal(scanListing(whole)?.objects.length, 3)
  for (let length = 0; length < whole.length; length++) {
    if (scanListing(whole.slice(0, length)) !== undefined) t.fail(`cut after ${length} characters`)
  }
  for (let start = 0; start < whole.length; start += 7) {
    const damaged = whole.slice(0, start) + whole.slice(start + 7)
    const scanned = scanListing(damaged)
    // Damage in an element that is not used may go unnoticed.
    if (scanned !== undefined) assert.deepEqual(scanned, await readBySdk(damaged) ?? scanListing(whole))
  }
  for (const other of ['', '{}', '<html><body>Welcome</body></html>', whole.replace('<Key>', '<!-- --><Key>'), whole.replace('<Size>1', '<Size>x'), whole.replace('KeyCount>3', 'KeyCount>4'), whole.replace('url', '')]) {
    t.equal(scanListing(other), undefined)
  }
})
