import t, { type Test } from 'tap'
import { build, csv, PNG, type TestLake, type LogLine } from '../support/app.js'
import type { Interceptor } from '../support/s3-endpoint.js'

const SNAPSHOT = 'processed_data/output.snapshot.arrow'
const BIRTH = Date.parse('1990-06-14T20:00:00Z')
const files = {
  '1.csv': csv('Ann', 'Lee', BIRTH),
  '1.png': PNG,
  '2.csv': csv('Bob', 'Ray', -8.64e15),
  '3.csv': 'first_name;last_name;birthts\nCid;;8640000000000000\n',
  'source_data/team/4.CSV': 'first_name,last_name,birthts,city\nDan,,5,\n',
  '5.jpg': PNG
}

/** The responses of a service that depend on its lake. */
async function responsesOf ({ app }: TestLake) {
  const urls = ['/data', '/data?sort=-birthts&min_age=0&format=csv', '/stats?as_of=2025-06-14T21:00:00Z', '/rejects']
  const responses = []
  for (const url of urls) {
    const { statusCode, body, headers } = await app.inject(url)
    responses.push({ url, statusCode, body, version: headers['data-version'], etag: headers['etag'], stale: headers['data-stale'] })
  }
  return responses
}

/** Lets a service read the lake, stops it, and starts the next one on the same lake. */
async function restart (t: Test, first: TestLake, { settings = {}, intercept }: { settings?: Record<string, string>, intercept?: Interceptor } = {}) {
  await first.app.inject('/data')
  await first.app.close()
  first.endpoint.reset()
  first.endpoint.intercept = intercept
  return await build(t, { beside: first, settings })
}

const ids = (records: { user_id: string }[]) => records.map((record) => record.user_id)
const downloads = ({ endpoint }: TestLake) => endpoint.gets.filter((key) => key.startsWith('source_data/')).sort()

t.test('a restart downloads no unchanged file, and has the same responses', async (t) => {
  const first = await build(t, { files })
  await first.app.inject('/data')
  const before = await responsesOf(first)
  const second = await restart(t, first)
  await second.app.inject('/data')
  t.same(await responsesOf(second), before)
  t.same(second.endpoint.gets, [SNAPSHOT])
  t.equal(second.endpoint.counts.LIST, 1)
  await second.app.close()
  t.same(second.endpoint.puts, [], 'the snapshot is not written again')
})

t.test('a restart downloads only the files that have changed since the snapshot', async (t) => {
  const first = await build(t, { files })
  await first.app.inject('/data')
  await first.app.close()
  first.endpoint.reset()
  first.bucket.put('source_data/1.csv', csv('Amy', 'Lee', BIRTH))
  first.bucket.delete('source_data/2.csv')
  first.bucket.delete('source_data/1.png')
  first.bucket.put('source_data/6.csv', csv('Eve'))
  const second = await build(t, { beside: first })
  const records = (await second.app.inject('/data')).json()
  t.same(ids(records), ['1', '4', '6'])
  t.match(records[0], { first_name: 'Amy', img_path: null })
  t.same(downloads(second), ['source_data/1.csv', 'source_data/6.csv'])
})

t.test('a job writes the snapshot, and another replica starts from it', async (t) => {
  const first = await build(t, { files })
  await first.app.inject({ method: 'POST', url: '/data' })
  await first.app.transformer.flush()
  first.endpoint.reset()
  const replica = await build(t, { beside: first })
  t.equal((await replica.app.inject('/data')).headers['data-version'], (await first.app.inject('/data')).headers['data-version'])
  t.same(downloads(replica), [])
})

t.test('a damaged snapshot is logged, all files are downloaded, and the responses are correct', async (t) => {
  const first = await build(t, { files })
  await first.app.inject('/data')
  const before = await responsesOf(first)
  await first.app.close()
  const { body } = first.bucket.get(SNAPSHOT)!
  const flipped = Buffer.from(body)
  flipped[body.length >> 1]! ^= 1
  const cases: [file: Buffer, message: RegExp][] = [
    [flipped, /is damaged/], [body.subarray(0, -1), /is damaged/], [body.subarray(0, 100), /another release/], [Buffer.alloc(0), /another release/], [Buffer.from('<html></html>'), /another release/]
  ]
  for (const [damaged, message] of cases) {
    first.bucket.put(SNAPSHOT, damaged)
    first.endpoint.reset()
    const log: LogLine[] = []
    const second = await build(t, { beside: first, log })
    await second.app.inject('/data')
    t.same(await responsesOf(second), before, `${damaged.length} bytes`)
    t.match(log.filter(({ level, msg }) => level === 40 && msg.includes('snapshot')).map(({ msg }) => msg), [message])
    t.equal(downloads(second).length, 4)
    await second.app.close()
    t.ok(first.bucket.get(SNAPSHOT)!.body.equals(body), 'a valid snapshot replaces it')
  }
})

t.test('if the snapshot cannot be read, all files are downloaded', async (t) => {
  const first = await build(t, { files })
  await first.app.inject('/data')
  const before = await responsesOf(first)
  const second = await restart(t, first, {
    intercept: ({ operation, key }) => operation === 'GET' && key === SNAPSHOT ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined
  })
  await second.app.inject('/data')
  t.same(await responsesOf(second), before)
  t.equal(downloads(second).length, 4)
})

t.test('a snapshot of another lake is not used, even if the lakes are similar', async (t) => {
  const other = await build(t, { files: { ...files, '6.csv': csv('Last good') }, name: 'other' })
  await other.app.inject('/data')
  other.bucket.put('source_data/6.csv', 'bad')
  t.same(ids((await other.fresh('/data')).json), ['1', '2', '4', '6'])
  await other.app.close()
  const first = await build(t, { files: { ...files, '6.csv': 'bad', [SNAPSHOT]: other.bucket.get(SNAPSHOT)!.body }, beside: other })
  first.endpoint.reset()
  t.same(ids((await first.app.inject('/data')).json()), ['1', '2', '4'], 'this lake never had a valid row of 6')
  t.equal(downloads(first).length, 5)
})

t.test('settings that change how files are parsed make the snapshot unusable', async (t) => {
  const ages = '/data?max_age=34&as_of=2025-06-14T20:59:59Z' // already 35 in UTC
  const first = await build(t, { files })
  t.same(ids((await first.app.inject(ages)).json()), [])
  const table: [settings: Record<string, string>, url: string, ids: string[]][] = [
    [{ INPUT_DELIMITER: ';' }, '/data', ['3']],
    [{ AGE_TIME_ZONE: 'Europe/Moscow' }, ages, ['1']],
    [{ IMAGE_EXTENSIONS: 'jpg' }, '/data?image_exists=true', []],
    [{ SOURCE_PREFIX: 'source_data/team/' }, '/data', ['4']]
  ]
  await first.app.close()
  const { body } = first.bucket.get(SNAPSHOT)!
  for (const [settings, url, expected] of table) {
    first.bucket.put(SNAPSHOT, body)
    first.endpoint.reset()
    const second = await build(t, { beside: first, settings })
    t.same(ids((await second.app.inject(url)).json()), expected, JSON.stringify(settings))
    t.equal(downloads(second).length, settings['SOURCE_PREFIX'] === undefined ? 4 : 1)
    await second.app.close()
  }
})

t.test('another schema makes the snapshot unusable: a cold start, which is logged', async (t) => {
  const first = await build(t, { files })
  await first.app.inject('/data')
  const before = await responsesOf(first)
  await first.app.close()
  const schema = { fields: [{ name: 'name', type: 'string', header: 'first_name' }, { name: 'birthts', type: 'number' }], fieldsMatch: 'subset' } as const
  const log: LogLine[] = []
  const messages = () => log.filter(({ msg }) => /snapshot/.test(msg)).map(({ msg }) => msg)
  first.endpoint.reset()
  const second = await build(t, { beside: first, schema, log })
  t.equal((await second.app.inject('/data.csv?columns=user_id,name,birthts,last_name')).body,
    `user_id,name,birthts,last_name\r\n1,Ann,${BIRTH},Lee\r\n2,Bob,-8640000000000000,Ray\r\n4,Dan,5,\r\n`)
  t.equal(downloads(second).length, 4)
  t.match(messages(), [/^The snapshot was written for another lake, with another schema or other settings, or by another release: this start downloads every info file, and the files that are rejected now lose their last good versions$/])
  const third = await restart(t, second)
  await third.app.inject('/data')
  t.same(await responsesOf(third), before, 'back with the first schema')
  t.equal(downloads(third).length, 4)
})

t.test('settings that do not change how files are parsed leave the snapshot usable', async (t) => {
  const first = await build(t, { files })
  const second = await restart(t, first, { settings: { OUTPUT_COLUMNS: 'user_id', OUTPUT_DELIMITER: ';', MAX_STALENESS: '5s', VERSIONS_MAX_AGE: '1m' } })
  await second.app.inject('/data')
  t.same(downloads(second), [])
})

t.test('rejects, and the last good rows of bad files and failed downloads, survive a restart', async (t) => {
  const first = await build(t, { files: { '1.csv': csv('Ann'), '2.csv': csv('Bob'), '3.csv': csv('Cid'), 'bad.csv': 'x' } })
  const { bucket, endpoint } = first
  await first.app.inject('/data')
  bucket.put('source_data/1.csv', 'not a person')
  bucket.put('source_data/2.csv', csv('Ben'))
  const refuse = ({ operation, key }: { operation: string, key: string }) =>
    operation === 'GET' && key === 'source_data/2.csv' ? { status: 500, body: '' } : undefined
  endpoint.intercept = refuse
  await first.fresh('/data')
  const before = await responsesOf(first)
  t.match(before[0], { body: /Ann.*Bob.*Cid/, stale: 'download_failed' })
  const second = await restart(t, first, { intercept: refuse })
  await second.app.inject('/data')
  t.same(await responsesOf(second), before)
  t.same([...new Set(downloads(second))], ['source_data/2.csv'], 'failed downloads are retried, invalid files are not')
  t.match((await second.app.inject('/rejects')).json().entries, [
    { key: 'source_data/1.csv', last_good: { key: 'source_data/1.csv', etag: /./ } },
    { key: 'source_data/2.csv', code: 'download_failed', last_good: { key: 'source_data/2.csv' } },
    { key: 'source_data/bad.csv', last_good: null }
  ])
  endpoint.intercept = undefined
  t.match((await second.fresh('/data')).json, [{ first_name: 'Ann' }, { first_name: 'Ben' }, { first_name: 'Cid' }])
  const third = await restart(t, second)
  bucket.put('source_data/1.csv', csv('Amy'))
  t.match((await third.fresh('/data')).json, [{ first_name: 'Amy' }, { first_name: 'Ben' }, { first_name: 'Cid' }])
})

t.test('a dry run writes no snapshot', async (t) => {
  const { app, bucket } = await build(t, { files })
  await app.inject({ method: 'POST', url: '/data?dry_run=true' })
  await app.transformer.close()
  t.equal(bucket.get(SNAPSHOT), undefined)
})

t.test('a replica with older data does not replace a newer snapshot', async (t) => {
  const first = await build(t, { files })
  const second = await build(t, { beside: first })
  for (const { app } of [first, second]) await app.inject('/data')
  first.bucket.put('source_data/6.csv', csv('Eve'))
  await second.fresh('/data')
  for (const { app } of [second, first]) await app.close()
  const third = await build(t, { beside: first })
  first.endpoint.reset()
  await third.app.inject('/data')
  t.same(downloads(third), [])
})
