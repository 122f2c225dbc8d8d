import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { startWorker } from '../../lib/worker/worker-backend.js'
import { build, buildOnFolder, csv, type LogLine, type TestLake } from '../support/app.js'
import { STATE_KEY } from '../support/replicas.js'
import { until } from '../support/until.js'

const OUTPUT = 'processed_data/output.csv'
const SNAPSHOT = 'processed_data/output.snapshot.arrow'
const USERS = 300
const names = Array.from({ length: USERS }, (_, i) => `u${String(i).padStart(3, '0')}`)
const files = Object.fromEntries(names.map((name, i) => [`${name}.csv`, csv(name, 'Lee', i)]))

/** Deletes the info files with the numbers from `from` to the one before `to`. */
function lose ({ bucket }: TestLake, from: number, to: number): void {
  for (const name of names.slice(from, to)) bucket.delete(`source_data/${name}.csv`)
}

function restore ({ bucket }: TestLake): void {
  for (const name of names) if (bucket.get(`source_data/${name}.csv`) === undefined) bucket.put(`source_data/${name}.csv`, files[`${name}.csv`]!)
}

/** What a read returns for which the lake is listed: the number of records, or the code of the problem. */
async function read ({ app }: TestLake) {
  const { statusCode, headers, body } = await app.inject({ url: '/data?columns=user_id', headers: { 'cache-control': 'no-cache' } })
  return { status: statusCode, ...statusCode === 200 ? { count: JSON.parse(body).length } : { code: JSON.parse(body).code }, stale: headers['data-stale'], version: headers['data-version'] }
}

async function post ({ app }: Pick<TestLake, 'app'>, query = '') {
  const response = await app.inject({ method: 'POST', url: `/data${query}` })
  return { status: response.statusCode, ...response.json() }
}

const lines = ({ bucket }: TestLake) => bucket.get(OUTPUT)!.body.toString().split('\r\n').length - 2

/** A lake whose output is published. */
async function published (t: Test, options: Parameters<typeof build>[1] = {}): Promise<TestLake> {
  const lake = await build(t, { files, ...options })
  t.match(await post(lake), { status: 200, state: 'succeeded', result: { records: USERS } })
  return lake
}

t.test('a listing that lacks many records is believed once the next one agrees', async (t) => {
  const log: LogLine[] = []
  const lake = await build(t, { files, log })
  const { version } = await read(lake)
  lose(lake, 0, 150)
  t.same(await read(lake), { status: 200, count: 300, stale: 'large_loss', version })
  t.match((await lake.app.inject('/readyz')).json(), { status: 'ready', details: [{ code: 'large_loss' }] })
  t.match(log.find(({ msg }) => /stale|outdated/i.test(String(msg))), { level: 40 })
  t.match(await read(lake), { status: 200, count: 150, stale: undefined })
  t.same((await lake.app.inject('/readyz')).json().details, [])
})

t.test('a listing that was wrong once changes nothing', async (t) => {
  const lake = await build(t, { files })
  const { version } = await read(lake)
  lose(lake, 0, 150)
  await read(lake)
  restore(lake)
  lake.endpoint.reset()
  t.same(await read(lake), { status: 200, count: 300, stale: undefined, version })
  t.same(lake.endpoint.gets, [])
  lose(lake, 0, 150)
  t.match(await read(lake), { count: 300, stale: 'large_loss' }, 'an earlier listing does not confirm it')
})

t.test('listings that lack different records do not confirm each other', async (t) => {
  const lake = await build(t, { files })
  await read(lake)
  lose(lake, 0, 150)
  t.match(await read(lake), { count: 300, stale: 'large_loss' })
  restore(lake)
  lose(lake, 150, 300)
  t.match(await read(lake), { count: 300, stale: 'large_loss' })
  t.match(await read(lake), { count: 150, stale: undefined })
})

t.test('at most a fifth of the records, or fewer than 100, may be lost at once', async (t) => {
  const lake = await published(t)
  lose(lake, 0, 99)
  t.match(await read(lake), { count: 201, stale: undefined })
  t.match(await post(lake), { state: 'succeeded', result: { records: 201, removed: 99, confirm: undefined } })
  const many = await build(t, { files: Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`${i}.csv`, csv()])) })
  await read(many)
  for (let i = 0; i < 120; i++) many.bucket.delete(`source_data/${i}.csv`)
  t.match(await read(many), { count: 480, stale: undefined })
})

t.test('with MAX_LOSS=100%, any loss is believed and published', async (t) => {
  const lake = await published(t, { settings: { MAX_LOSS: '100%' } })
  lose(lake, 0, 300)
  t.match(await read(lake), { count: 0, stale: undefined })
  t.match(await post(lake), { status: 200, state: 'succeeded', result: { records: 0, removed: 300 } })
})

t.test('a publish that would lose many records is held until its data version is confirmed', async (t) => {
  const lake = await published(t)
  const before = lake.bucket.get(OUTPUT)!.etag
  lose(lake, 0, 150)
  const held = await post(lake)
  const { version, stale } = await read(lake)
  t.match(held, { status: 200, state: 'held', error: null, result: { records: 150, removed: 150, skipped: true, etag: before, confirm: version } })
  t.same(held.result.warnings, [{ code: 'output_held', detail: `The output would lose more records than MAX_LOSS allows; POST /data?confirm=${version} publishes it` }])
  t.equal(stale, undefined, 'the job has listed twice')
  t.equal(lake.bucket.get(OUTPUT)!.etag, before)
  t.match((await lake.app.inject('/readyz')).json().details, [{ code: 'output_held' }])
  const refused = await post(lake, `?confirm=${'x'.repeat(22)}`)
  t.match(refused, { status: 409, code: 'confirmation_mismatch' })
  t.match(refused.detail, version!)
  t.match((await lake.app.inject('/jobs')).json().jobs[0], { state: 'failed', error: { code: 'confirmation_mismatch' } })
  t.match((await lake.app.inject('/readyz')).json().details, [{ code: 'output_held' }], 'a wrong confirmation changes nothing')
  t.equal(lake.bucket.get(OUTPUT)!.etag, before)
  t.match(await post(lake, `?confirm=${version}`), { status: 200, state: 'succeeded', result: { records: 150, removed: 150, skipped: false, confirm: undefined } })
  t.equal(lines(lake), 150)
  t.match(await post(lake, `?confirm=${version}`), { status: 200, state: 'succeeded', result: { skipped: true } }, 'a client that has lost the response may repeat the request')
  t.match(await post(lake), { state: 'succeeded', result: { skipped: true } })
  t.same((await lake.app.inject('/readyz')).json().details, [])
})

t.test('a wrong confirmation is logged as a mistake of a client: it is no failure, and hides none', async (t) => {
  const log: LogLine[] = []
  const lake = await published(t, { log })
  const jobLines = () => log.filter((line) => 'job' in line).map(({ level, msg, error }) => [level, error?.code, msg])
  lose(lake, 0, 150)
  await post(lake)
  log.length = 0
  for (const query of ['?confirm=mistyped', '?confirm=mistyped', '?dry_run=true&confirm=mistyped', '']) await post(lake, query)
  const mistake = [30, 'confirmation_mismatch', 'Nothing was published: the confirmation names another data version']
  t.same(jobLines(), [mistake, mistake, mistake, [20, undefined, 'Job held again']])
  lake.endpoint.intercept = () => ({ status: 403 })
  await post(lake)
  lake.endpoint.intercept = undefined
  log.length = 0
  await post(lake, '?confirm=mistyped')
  restore(lake)
  lake.bucket.put('source_data/new.csv', csv())
  await post(lake)
  t.same(jobLines(), [mistake, [30, undefined, 'Job succeeded; jobs no longer fail with access_denied']])
})

t.test('one confirmation covers one data version', async (t) => {
  const lake = await published(t)
  lose(lake, 0, 150)
  const { result: { confirm: first } } = await post(lake)
  lake.bucket.put('source_data/new.csv', csv())
  t.match(await post(lake, `?confirm=${first}`), { status: 409, code: 'confirmation_mismatch' })
  const { state, result: { confirm: second } } = await post(lake)
  t.equal(state, 'held')
  t.not(second, first)
  t.match(await post(lake, `?confirm=${second}`), { state: 'succeeded', result: { records: 151 } })
  lose(lake, 150, 300)
  t.match(await post(lake, `?confirm=${second}`), { status: 409 })
  t.match(await post(lake), { state: 'held', result: { records: 1 } })
})

t.test('a held output is published without a confirmation when its records are back', async (t) => {
  const lake = await published(t)
  lose(lake, 0, 150)
  t.match(await post(lake), { state: 'held' })
  restore(lake)
  lake.bucket.put('source_data/new.csv', csv())
  t.match(await post(lake), { state: 'succeeded', result: { records: 301, added: 1, removed: 0, skipped: false } })
})

t.test('all ids are replaced by others: the number of records is the same, and the publish is held', async (t) => {
  const lake = await published(t)
  lose(lake, 0, 300)
  for (const name of names) lake.bucket.put(`source_data/new-${name}.csv`, csv())
  t.match(await read(lake), { count: 300, stale: 'large_loss' })
  t.match(await post(lake), { state: 'held', result: { records: 300, added: 300, removed: 300 } })
})

t.test('a dry run is never held, and reports the version that would have to be confirmed', async (t) => {
  const lake = await published(t)
  lose(lake, 0, 150)
  const dryRun = await post(lake, '?dry_run=true')
  const { version } = await read(lake)
  t.match(dryRun, { status: 200, state: 'succeeded', result: { removed: 150, skipped: true, confirm: version } })
  t.match(await post(lake, `?dry_run=true&confirm=${version}`), { state: 'succeeded', result: { removed: 150, confirm: undefined } })
  t.match(await post(lake, '?dry_run=true&confirm=other'), { status: 409, code: 'confirmation_mismatch' })
  t.equal(lines(lake), 300)
})

t.test('a scheduled job is held as well, and logged once', async (t) => {
  const log: LogLine[] = []
  const lake = await published(t, { log })
  lose(lake, 0, 150)
  for (let i = 0; i < 3; i++) t.match(await lake.app.jobs.enqueue('schedule').ended, { state: 'held', trigger: 'schedule' })
  t.equal(lines(lake), 300)
  const { version } = await read(lake)
  t.match(log.filter(({ msg }) => /^Job held/.test(String(msg))).map(({ level, confirm, msg }) => [level, confirm, /again/.test(msg)]), [[40, version, false], [20, undefined, true], [20, undefined, true]])
})

t.test('CSV and Parquet are held together, and published together', async (t) => {
  const lake = await published(t, { settings: { OUTPUT_FORMATS: 'csv,parquet' } })
  const etags = () => [OUTPUT, 'processed_data/output.parquet'].map((key) => lake.bucket.get(key)!.etag)
  const before = etags()
  lose(lake, 0, 150)
  const { result } = await post(lake)
  t.same(result.other_outputs, [])
  t.same(etags(), before)
  t.match(await post(lake, `?confirm=${result.confirm}`), { state: 'succeeded', result: { skipped: false, other_outputs: [{ skipped: false }] } })
  t.notOk(etags().some((etag) => before.includes(etag)))
})

t.test('a restart while the publish is held: it is still held, with the same version to confirm', async (t) => {
  const first = await published(t)
  lose(first, 0, 150)
  const { result: { confirm } } = await post(first)
  await first.app.close()
  const second = await build(t, { beside: first })
  t.match(await post(second), { state: 'held', result: { confirm } })
  t.equal(lines(second), 300)
  t.match(await post(second, `?confirm=${confirm}`), { state: 'succeeded', result: { records: 150 } })
})

t.test('without a snapshot, a listing and a publish are compared with the number of records in the metadata of the output', async (t) => {
  const first = await published(t)
  t.equal(first.bucket.get(OUTPUT)!.headers['x-amz-meta-records'], '300')
  await first.app.close()
  first.bucket.delete(SNAPSHOT)
  lose(first, 0, 150)
  const second = await build(t, { beside: first })
  t.match(await read(second), { status: 503, code: 'no_data' })
  t.match((await second.app.inject('/readyz')).json(), { status: 503, details: [{ code: 'large_loss' }] })
  t.equal(second.endpoint.gets.filter((key) => key.startsWith('source_data/')).length, 300, 'nothing is downloaded for a listing that is not believed')
  t.match(await read(second), { status: 200, count: 150, stale: undefined })
  const { state, result } = await post(second)
  t.equal(state, 'held')
  t.match(await post(second, `?confirm=${result.confirm}`), { state: 'succeeded' })
})

t.test('before a lake has been read once, files that could not be read count as records that a listing lacks', async (t) => {
  const lake = await build(t, { files, settings: { PUBLISH: 'false' } })
  lake.endpoint.intercept = ({ operation, key }) => operation === 'GET' && key >= 'source_data/u010' ? { status: 403, headers: {}, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined
  t.match(await read(lake), { status: 503, code: 'no_data' })
  lose(lake, 0, 150)
  lake.endpoint.intercept = undefined
  t.match(await read(lake), { status: 503, code: 'no_data' })
  t.match((await lake.app.inject('/readyz')).json(), { status: 503, details: [{ code: 'large_loss' }] })
  restore(lake)
  lake.clock.advance(60_000)
  t.match(await read(lake), { status: 200, count: 300, stale: undefined })
})

t.test('at a cold start, a publish over an output without the number of its records is not held', async (t) => {
  const first = await published(t)
  await first.app.close()
  first.bucket.delete(SNAPSHOT)
  first.bucket.put(OUTPUT, first.bucket.get(OUTPUT)!.body)
  lose(first, 0, 150)
  const second = await build(t, { beside: first })
  t.match(await read(second), { status: 200, count: 150, stale: undefined })
  t.match(await post(second), { state: 'succeeded', result: { removed: 150 } })
})

t.test('a publish with a loss that this process has seen is held, even over an output without the number of its records', async (t) => {
  const lake = await published(t)
  lake.bucket.put(OUTPUT, lake.bucket.get(OUTPUT)!.body)
  lose(lake, 0, 150)
  t.match(await post(lake), { state: 'held', result: { removed: 150 } })
})

t.test('a bucket is removed and created again, empty: the publish is held, although there is no output that it would replace', async (t) => {
  const lake = await published(t)
  lose(lake, 0, USERS)
  for (const key of lake.bucket.keys()) lake.bucket.delete(key)
  const { state, result } = await post(lake)
  t.match({ state, result }, { state: 'held', result: { records: 0, etag: null, skipped: true } })
  t.equal(lake.bucket.get(OUTPUT), undefined)
  t.match(await post(lake), { state: 'held' }, 'the next job, too')
  restore(lake)
  t.match(await post(lake), { state: 'succeeded', result: { records: USERS, added: USERS } })
})

t.test('a publish with a loss that this process has seen stays held if the output is then replaced by one without the number of its records', async (t) => {
  const lake = await published(t)
  lose(lake, 0, 150)
  t.match(await post(lake), { state: 'held' })
  lake.bucket.put(OUTPUT, 'another text')
  t.match(await post(lake), { state: 'held' })
})

t.test('rows that have vanished are kept for ten minutes, so that a wrong listing costs no downloads', async (t) => {
  const lake = await build(t, { files })
  const { version } = await read(lake)
  const downloads = () => lake.endpoint.gets.filter((key) => key.startsWith('source_data/')).length
  const vanish = async () => {
    lose(lake, 0, 250)
    await read(lake)
    t.match(await read(lake), { count: 50 })
    lake.endpoint.reset()
  }
  await vanish()
  lake.clock.advance(599_000)
  restore(lake)
  t.match(await read(lake), { count: 300, version })
  t.equal(downloads(), 0)
  await vanish()
  restore(lake)
  lake.bucket.put('source_data/u000.csv', csv('Changed'))
  t.match(await read(lake), { count: 300 })
  t.equal(downloads(), 1, 'another version of a file is downloaded')
  await vanish()
  lake.clock.advance(600_000)
  restore(lake)
  t.match(await read(lake), { count: 300 })
  t.equal(downloads(), 250)
})

t.test('with PUBLISH=false, a loss needs a second listing, and nothing can be confirmed', async (t) => {
  const lake = await build(t, { files, settings: { PUBLISH: 'false' } })
  const { version } = await read(lake)
  lose(lake, 0, 150)
  t.match(await read(lake), { count: 300, stale: 'large_loss' })
  t.match(await read(lake), { count: 150 })
  t.match(await post(lake, `?confirm=${version}`), { status: 409, code: 'publishing_disabled' })
  t.equal(lake.endpoint.counts.PUT, 0)
})

t.test('replicas: each holds the output, and a confirmation on one of them is enough', async (t) => {
  const settings = { SHARE_LISTINGS: 'true' }
  const leader = await published(t, { settings })
  await until(() => leader.bucket.get(STATE_KEY))
  const follower = await build(t, { beside: leader, settings })
  t.match(await post(follower), { state: 'succeeded' })
  lose(leader, 0, 150)
  for (const replica of [leader, follower]) t.match(await post(replica), { state: 'held' })
  const { version } = await read(follower)
  t.equal((await read(leader)).version, version)
  t.match((await leader.app.inject('/readyz')).json().details, [{ code: 'output_held', detail: /POST \/data\?dry_run=true returns the data version as result\.confirm, on any replica/ }])
  for (const replica of [leader, follower]) t.match(await post(replica, '?dry_run=true'), { result: { confirm: version } })
  t.match(await post(follower, `?confirm=${version}`), { state: 'succeeded', result: { records: 150 } })
  leader.bucket.put('source_data/new.csv', csv())
  t.match(await post(leader), { state: 'succeeded', result: { records: 151, added: 1, removed: 0 } })
})

t.test('in a folder lake, a publish that would lose many records is held as well, also after a restart without a snapshot', async (t) => {
  const { app, root } = await buildOnFolder(t, { source_data: files })
  t.match(await post({ app }), { state: 'succeeded' })
  for (const name of names.slice(0, 150)) await rm(join(root, `source_data/${name}.csv`))
  const { state, result: { confirm } } = await post({ app })
  t.equal(state, 'held')
  await app.close()
  await rm(join(root, SNAPSHOT))
  const { app: second } = await build(t, { settings: { LAKE_URL: pathToFileURL(root).href }, worker: startWorker })
  t.match(await post({ app: second }), { state: 'held', result: { confirm } })
  t.match(await post({ app: second }, `?confirm=${confirm}`), { state: 'succeeded', result: { records: 150 } })
})
