import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { percentiles } from '../../scripts/doctor/latency.js'
import { main } from '../../scripts/doctor.js'
import { csv } from '../support/app.js'
import '../support/file-timeout.js'
import { documentedPolicy } from '../support/policy.js'
import { runMain } from '../support/run-main.js'
import { startS3Endpoint, type S3EndpointOptions } from '../support/s3-endpoint.js'
import { testFolder } from '../support/test-folder.js'

const ARGV = ['--lake', 's3://datalake']

/** An endpoint with two records in the bucket `datalake`, and a function that runs the command on it, which returns the verdicts by check. */
async function setUp (t: Test, options: S3EndpointOptions = {}) {
  const endpoint = await startS3Endpoint(options)
  t.teardown(() => endpoint.stop())
  const bucket = endpoint.bucket('datalake')
  for (const name of ['1', '2']) bucket.put(`source_data/${name}.csv`, csv())
  const run = async (env = {}) => {
    const { code, out, err } = await runMain(main, ARGV, { AWS_ENDPOINT_URL_S3: endpoint.url, ...env })
    t.same(bucket.keys(), ['source_data/1.csv', 'source_data/2.csv'], 'nothing is left behind')
    return { code, out, err, verdicts: verdictsOf(out) }
  }
  return { endpoint, bucket, run }
}

function verdictsOf (out: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...out.matchAll(/^ {2}(.{34}) (yes|no|not tested|not needed|not applicable)(?::|$)/gm)].map(([, name, verdict]) => [name!.trim(), verdict!]))
}

const FEATURES = ['records are served', 'changes are found', 'images', 'output and snapshot', 'several replicas write', 'large lakes are listed in parts']

t.test('a store that supports everything passes each check', async (t) => {
  const { run, endpoint } = await setUp(t)
  const { code, out, err, verdicts } = await run()
  t.match({ code, err }, { code: 0, err: '' })
  t.equal(Object.keys(verdicts).length, 18)
  for (const [name, verdict] of Object.entries(verdicts)) t.equal(verdict, 'yes', name)
  t.match(out, `s3://datalake: ${endpoint.url}, region us-east-1 (default)`)
  for (const name of ['read a small object', 'list a page', 'write a small object']) t.match(out, new RegExp(`${name} +[0-9.]+ / [0-9.]+ / [0-9.]+ ms`))
})

t.test('a store that expects ETags without quotes supports everything', async (t) => {
  const { run } = await setUp(t, { profile: 'rgw' })
  t.equal((await run()).code, 0)
})

t.test('a store that ignores conditions: what is written and images fail, records do not', async (t) => {
  const { endpoint, run } = await setUp(t)
  endpoint.intercept = ({ headers }) => {
    for (const name of ['if-match', 'if-none-match']) delete headers[name]
    return undefined
  }
  const { code, err, verdicts } = await run()
  t.match({ code, err }, { code: 1, err: 'doctor: some checks have failed; see above\n' })
  for (const name of ['conditional writes', 'concurrent conditional writes', 'ranges, and GET with If-Match', 'GET with If-None-Match', ...FEATURES.slice(2, 5)]) t.equal(verdicts[name], 'no', name)
  for (const name of ['a write is seen at once', ...FEATURES.slice(0, 2)]) t.equal(verdicts[name], 'yes', name)
})

t.test('a store that checks conditions, but not atomically, fails the check with concurrent writes', async (t) => {
  const { endpoint, run } = await setUp(t)
  let racing = 0
  endpoint.intercept = async ({ operation, key, headers }) => {
    if (operation !== 'PUT' || !key.endsWith('/race') || ++racing > 2) return undefined
    delete headers['if-none-match']
    return undefined
  }
  const { verdicts, out } = await run()
  t.equal(verdicts['conditional writes'], 'yes')
  t.equal(verdicts['concurrent conditional writes'], 'no', out)
  t.equal(verdicts['several replicas write'], 'no')
  t.equal(verdicts['output and snapshot'], 'yes')
})

t.test('a store that ignores start-after cannot list large lakes in parts', async (t) => {
  const { run } = await setUp(t, { ignoresStartAfter: true })
  const { code, verdicts } = await run()
  t.equal(code, 1)
  t.equal(verdicts['large lakes are listed in parts'], 'no')
  t.equal(verdicts['records are served'], 'yes')
})

t.test('with the documented rights nothing is written, because it could not be removed; the right to write is tested', async (t) => {
  const { endpoint, run } = await setUp(t, { policy: documentedPolicy('datalake') })
  const keys = [...endpoint.bucket('datalake').keys()]
  const { code, out, verdicts } = await run()
  t.equal(code, 0)
  t.same(endpoint.bucket('datalake').keys(), keys)
  t.match(out, /a missing object +yes: the store refuses to read it, as AWS does/)
  t.match(out, /write processed_data\/\* +yes: a write whose condition cannot be met failed by its condition only, so writing is allowed; no more is tested, because what the test writes could not be removed: the credentials do not allow s3:DeleteObject \(see docs\/stores\.md\)\n/)
  t.same(FEATURES.map((name) => verdicts[name]), ['yes', 'not tested', 'yes', 'yes', 'not tested', 'yes'], 'ranges are tested with a source object')
})

t.test('without the right to write the output, the doctor reports that and writes nothing', async (t) => {
  const { endpoint, run } = await setUp(t, { policy: documentedPolicy('datalake', { without: 'processed_data/' }) })
  const keys = [...endpoint.bucket('datalake').keys()]
  const { code, out, verdicts } = await run()
  t.equal(code, 1)
  t.match(out, /write processed_data\/\* +no: s3:\/\/datalake\/processed_data\/doctor-.*: HTTP 403 AccessDenied: the credentials lack a right: allow s3:PutObject, or set PUBLISH=false\n/)
  t.match({ served: verdicts['records are served'], changes: verdicts['changes are found'], output: verdicts['output and snapshot'] }, { served: 'yes', changes: 'not tested', output: 'no' })
  t.notMatch(out, 'run userlake doctor')
  t.same(endpoint.bucket('datalake').keys(), keys)
})

t.test('if the first write fails, its reason is reported once, and no other write is tried', async (t) => {
  const { endpoint, run } = await setUp(t)
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? { status: 400, body: '<Error><Code>QuotaExceeded</Code></Error>' } : undefined
  const { code, out, verdicts } = await run()
  t.equal(code, 1)
  t.match(out, /write processed_data\/\* +no: .*QuotaExceeded/)
  t.equal(out.match(/QuotaExceeded/g)?.length, 1, out)
  t.match(verdicts, { 'a write is seen at once': 'not tested', 'output and snapshot': 'no', 'several replicas write': 'no', 'records are served': 'yes', images: 'yes' })
})

t.test('with PUBLISH=false, nothing is written, and the right to write is not needed', async (t) => {
  const { endpoint, run } = await setUp(t, { policy: documentedPolicy('datalake', { without: 'processed_data/' }) })
  const { code, out, verdicts } = await run({ PUBLISH: 'false' })
  t.equal(code, 0, out)
  t.match(out, /write processed_data\/\* +not needed: PUBLISH=false\n/)
  t.same(FEATURES.map((name) => verdicts[name]), ['yes', 'not tested', 'yes', 'not needed', 'not needed', 'yes'])
  t.match({ PUT: 0, DELETE: 0 }, { PUT: endpoint.counts.PUT, DELETE: endpoint.counts.DELETE })
  endpoint.intercept = ({ operation, headers }) => {
    if (operation === 'GET') delete headers['if-match']
    return undefined
  }
  t.equal((await run({ PUBLISH: 'false' })).verdicts['images'], 'no', 'what only reads is tested')
})

const NEEDS_LISTING = ['read source_data/*', 'a missing object', 'write processed_data/*', 'listings begin after a key', 'a write is seen at once', 'ranges, and GET with If-Match']

t.test('credentials that are refused: nothing else is tested, and no right is named', async (t) => {
  const { endpoint, run } = await setUp(t)
  endpoint.intercept = () => ({ status: 403, body: '<Error><Code>InvalidAccessKeyId</Code></Error>' })
  const { code, out, verdicts } = await run()
  t.equal(code, 1)
  t.match(out, /list source_data\/ +no: .*: the server does not know the access key/)
  for (const name of NEEDS_LISTING) t.equal(verdicts[name], 'not tested', name)
  t.equal(out.match(/not tested: the listing failed$/gm)?.length, 6, 'also the clock: the store has responded, but not to a request that was accepted')
  t.notMatch(out, 's3:ListBucket')
  t.notMatch(out, 's3:PutObject')
})

t.test('a listing that the policy does not allow: the right, the bucket and the prefix are named', async (t) => {
  const { out, verdicts } = await (await setUp(t, { policy: documentedPolicy('other') })).run()
  t.match(out, /list source_data\/ +no: s3:\/\/datalake: HTTP 403 AccessDenied: the credentials lack a right: allow s3:ListBucket on s3:\/\/datalake for source_data\/\*; perhaps the bucket has another name, the policy is for another bucket or prefix, or the credentials were revoked\n/)
  for (const name of NEEDS_LISTING) t.equal(verdicts[name], 'not tested', name)
  const objects = await (await setUp(t, { policy: documentedPolicy('datalake', { without: 'source_data/' }) })).run()
  t.match(objects.out, /read source_data\/\* +no: .*: allow s3:GetObject on s3:\/\/datalake for source_data\/\*/)
})

t.test('what is missing is named: rights, the region, the clock, the bucket, the server', async (t) => {
  const denied = await setUp(t, { policy: documentedPolicy('datalake', { without: 'source_data/' }) })
  t.match((await denied.run()).out, /read source_data\/\* +no: s3:\/\/datalake\/source_data\/1.csv: HTTP 403 AccessDenied/)
  const elsewhere = await setUp(t)
  elsewhere.endpoint.intercept = () => ({ status: 400, body: '<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>' })
  t.match((await elsewhere.run()).out, /list source_data\/ +no: .*: the bucket is in the region eu-west-1: set AWS_REGION=eu-west-1/)
  const late = await setUp(t, { skewMs: -7_200_000 })
  const { code, out } = await late.run()
  t.equal(code, 1)
  t.match(out, /clock +no: the server is 7[12]\d\d s behind: set the clock/)
  const missing = await setUp(t)
  missing.endpoint.deleteBucket('datalake')
  t.match((await missing.run()).out, /list source_data\/ +no: .*NoSuchBucket: check the name of the bucket in --lake/)
  await missing.endpoint.stop()
  t.match((await missing.run()).out, /list source_data\/ +no: .*: the connection to http:\/\/127.0.0.1:\d+ failed \(ECONNREFUSED\)/)
  t.match((await missing.run()).out, /clock +not tested: the listing failed\n/)
  await missing.endpoint.start()
})

t.test('an empty lake: what needs objects is not tested', async (t) => {
  const endpoint = await startS3Endpoint()
  t.teardown(() => endpoint.stop())
  const bucket = endpoint.bucket('datalake')
  const { code, out } = await runMain(main, ARGV, { AWS_ENDPOINT_URL_S3: endpoint.url })
  t.equal(code, 0)
  t.match(verdictsOf(out), { 'records are served': 'not tested', 'large lakes are listed in parts': 'not tested', 'output and snapshot': 'yes' })
  t.same(bucket.keys(), [])
})

t.test('a folder is checked, and is unchanged afterwards', async (t) => {
  const root = testFolder(t, { source_data: { '1.csv': csv(), '2.csv': csv() } })
  const { code, out } = await runMain(main, ['--lake', `file:${root}`])
  t.equal(code, 0, out)
  t.match(verdictsOf(out), { 'records are served': 'yes', 'output and snapshot': 'yes', 'several replicas write': 'not applicable', clock: 'not applicable' })
  t.same(readdirSync(root, { recursive: true }).sort(), ['source_data', 'source_data/1.csv', 'source_data/2.csv'])
  const missing = await runMain(main, [], { LAKE_URL: `file:${root}/missing` })
  t.match(missing, { code: 1, out: /list source_data\/ +no: .*/ }, 'LAKE_URL is the default')
  t.notMatch(missing.out, 'Latency', 'no request was timed')
})

t.test('other prefixes are used, --help prints the usage, and a mistake is named', async (t) => {
  const { endpoint, bucket } = await setUp(t)
  bucket.put('in/1.csv', csv())
  const keys: string[] = []
  endpoint.intercept = ({ operation, key }) => {
    if (operation === 'PUT') keys.push(key)
    return undefined
  }
  const { out } = await runMain(main, ['--lake', 's3://datalake', '--prefix', 'in/', '--output-key', 'out.csv'], { AWS_ENDPOINT_URL_S3: endpoint.url })
  t.match(out, /list in\/ +yes: 1 object in/)
  t.ok(keys.length > 40 && keys.every((key) => /^doctor-[0-9a-f-]{36}\//.test(key)))
  t.match(await runMain(main, ['--help']), { code: 0, out: /userlake doctor \[options\]/ })
  t.match(await runMain(main, []), { code: 2, err: 'doctor: --lake is missing, and LAKE_URL is not set; see --help\n' })
})

t.test('percentiles are values of the sample, by the nearest rank', async (t) => {
  t.same(percentiles([5]), { p50: 5, p90: 5, p99: 5 })
  t.same(percentiles(Array.from({ length: 100 }, (_, i) => 100 - i)), { p50: 50, p90: 90, p99: 99 })
})
