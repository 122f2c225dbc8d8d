import t from 'tap'
import { build, csv } from '../support/app.js'
import { DENIED, endlessListing, HTML_PAGE, NO_CONTENT, REPEATED_LISTING, SLOW_DOWN, UNORDERED_LISTING, type Fault } from '../support/faults.js'
import { failure, type S3Request } from '../support/s3-protocol.js'

/** What every request for a listing gets, and the reason that `Data-Stale` then has. */
const FAULTS: Readonly<Record<string, readonly [Fault | ((request: S3Request) => Fault), string]>> = {
  'the connection closes': ['drop', 'unreachable'],
  '500 InternalError': [failure(500, 'InternalError'), 'store_error'],
  '502 of a proxy': [{ ...HTML_PAGE, status: 502 }, 'store_error'],
  '503 SlowDown': [SLOW_DOWN, 'store_error'],
  '504 of a proxy': [{ status: 504 }, 'store_error'],
  '429 TooManyRequests': [{ status: 429 }, 'store_error'],
  '408 RequestTimeout': [{ status: 408 }, 'timeout'],
  '403 AccessDenied': [DENIED, 'access_denied'],
  '400 ExpiredToken': [failure(400, 'ExpiredToken'), 'access_denied'],
  '403 RequestTimeTooSkewed': [failure(403, 'RequestTimeTooSkewed'), 'access_denied'],
  '404 NoSuchBucket': [failure(404, 'NoSuchBucket'), 'no_such_bucket'],
  '301 PermanentRedirect': [failure(301, 'PermanentRedirect'), 'store_error'],
  '307 to another server': [{ status: 307, headers: { location: 'http://127.0.0.1:9/elsewhere' } }, 'store_error'],
  '200 with an HTML page': [HTML_PAGE, 'invalid_listing'],
  '200 without a body': [NO_CONTENT, 'invalid_listing'],
  'a page that is cut': ['cut body', 'unreachable'],
  'keys that are repeated': [REPEATED_LISTING, 'invalid_listing'],
  'keys that are out of order': [UNORDERED_LISTING, 'invalid_listing'],
  'half of the keys, with the KeyCount of all': [{ rewrite: (response) => ({ ...response, body: String(response.body).replace(/<Contents>.*?<\/Contents>/s, '') }) }, 'invalid_listing'],
  'an endless listing': [endlessListing(), 'invalid_listing']
}

const PATHS = ['/data', '/data/1', '/stats', '/changes', '/rejects']

for (const [name, [fault, reason]] of Object.entries(FAULTS)) {
  t.test(name, async (t) => {
    const { app, endpoint, bucket, clock } = await build(t, { files: { '1.csv': csv('Ann'), '2.csv': csv('Bob') } })
    const read = async (path: string) => await app.inject(path)
    const records = async () => (await read('/data')).json().map(({ first_name: name }: Record<string, string>) => name)
    t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded' })
    const output = bucket.get('processed_data/output.csv')!.etag
    bucket.put('source_data/3.csv', csv('Cid'))
    endpoint.intercept = (request) => request.operation !== 'LIST' ? undefined : typeof fault === 'function' ? fault(request) : fault
    clock.advance(3000)
    for (const path of PATHS) t.match(await read(path), { statusCode: 200, headers: { 'data-stale': reason } }, path)
    t.same(await records(), ['Ann', 'Bob'], 'nothing is removed')
    t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { status: 503, code: reason })
    t.match((await read('/readyz')).json(), { status: 'ready', details: [{ code: reason }] })
    t.equal((await read('/livez')).statusCode, 200)
    t.equal(bucket.get('processed_data/output.csv')!.etag, output, 'nothing is published')
    endpoint.intercept = undefined
    clock.advance(3000)
    t.same(await records(), ['Ann', 'Bob', 'Cid'])
    t.equal((await read('/data')).headers['data-stale'], undefined)
  })
}
