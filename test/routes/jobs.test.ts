import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { startWorker } from '../../lib/worker/worker-backend.js'
import { build, buildOnFolder, csv, PNG, withoutSnapshot, type LogLine } from '../support/app.js'
import { readParquet } from '../support/parquet.js'
import { gate, until } from '../support/until.js'

const OUTPUT = 'processed_data/output.csv'
const files = { '2.csv': csv('Bob', 'Ray', -1), '10.csv': csv('Ann', '"Lee, Jr"', 5), '10.png': PNG, 'bad.csv': 'x' }
const HEADER = 'user_id,first_name,last_name,birthts,img_path\r\n'
const FULL = HEADER + '10,Ann,"Lee, Jr",5,source_data/10.png\r\n2,Bob,Ray,-1,\r\n'

t.test('POST /data publishes the output and returns the finished job', async (t) => {
  const { app, bucket, endpoint } = await build(t, { files })
  const response = await app.inject({ method: 'POST', url: '/data' })
  t.equal(response.statusCode, 200)
  const job = response.json()
  t.match(job, {
    trigger: 'api',
    dry_run: false,
    state: 'succeeded',
    created_at: '2025-06-15T12:15:30.500Z',
    progress: { listed: 4, to_fetch: 3, fetched: 3 },
    result: { records: 2, added: 2, changed: 0, removed: 0, rejected: 1, output_key: OUTPUT, etag: bucket.get(OUTPUT)!.etag, bytes: FULL.length, skipped: false, other_outputs: { length: 0 } },
    error: null
  })
  t.equal(bucket.get(OUTPUT)!.body.toString(), FULL)
  t.match(bucket.get(OUTPUT)!.headers, { 'content-type': 'text/csv; charset=utf-8' })
  t.same((await app.inject(`/jobs/${job.id}`)).json(), job)
  t.same((await app.inject('/jobs')).json(), { jobs: [job] })
  t.equal(job.id, `${job.instance}-1`)
  t.same(withoutSnapshot(endpoint.puts), [OUTPUT])
})

t.test('an unchanged output is neither written nor downloaded again', async (t) => {
  const { app, endpoint } = await build(t, { files })
  await app.inject({ method: 'POST', url: '/data' })
  endpoint.reset()
  const { result } = (await app.inject({ method: 'POST', url: '/data' })).json()
  t.match(result, { records: 2, added: 0, changed: 0, removed: 0, skipped: true })
  t.equal(endpoint.counts.LIST, 1)
  t.same(withoutSnapshot(endpoint.puts), [])
  t.same(endpoint.gets, [], 'its ETag is that of the last write')
})

t.test('changes are counted against the output that is replaced, even if another process wrote it', async (t) => {
  const { app, bucket } = await build(t, { files })
  bucket.put(OUTPUT, HEADER + '10,Ann,Lee,5,source_data/10.png\r\n7,Zoe,Zed,0,\r\n')
  t.match((await app.inject({ method: 'POST', url: '/data' })).json().result, { added: 1, changed: 1, removed: 1, skipped: false })
  t.equal(bucket.get(OUTPUT)!.body.toString(), FULL)
})

t.test('an output never replaces a file of the lake that the service has not written', async (t) => {
  const key = 'source_data/10.csv'
  const log: LogLine[] = []
  const { app, bucket, endpoint } = await build(t, { files, log, settings: { OUTPUT_KEY: key } })
  const before = bucket.get(key)!.body
  const message = `OUTPUT_KEY: got "${key}", the key of a file of the lake that this service has not written, and does not replace; choose another key, or remove that file`
  for (const url of ['/data', '/data?dry_run=true']) {
    const response = await app.inject({ method: 'POST', url })
    t.equal(response.statusCode, 503)
    t.match(response.json(), { code: 'output_key_taken' })
    t.match((await app.inject('/jobs')).json().jobs[0], { state: 'failed', error: { code: 'output_key_taken' } })
  }
  t.match(log.find(({ msg }) => msg.startsWith('Job failed')), { cause: message })
  t.equal(bucket.get(key)!.body, before)
  t.same(withoutSnapshot(endpoint.puts), [])
  t.same((await app.inject('/data')).json().map((record: { user_id: string }) => record.user_id), ['2'], 'the other records are served')
  bucket.delete(key)
  t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded' })
  bucket.put('source_data/3.csv', csv('Cid', 'Doe', 3))
  t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { added: 1 } }, 'its own output is replaced')
})

t.test('a dry run reports what would change and writes nothing', async (t) => {
  const { app, endpoint, bucket } = await build(t, { files })
  const response = await app.inject({ method: 'POST', url: '/data?dry_run=true' })
  t.match(response.json(), { dry_run: true, state: 'succeeded', result: { records: 2, added: 2, etag: null, skipped: true } })
  t.equal(endpoint.counts.PUT, 0)
  t.equal(bucket.get(OUTPUT), undefined)
  t.match((await app.inject({ method: 'POST', url: '/data?dry_run=false' })).json(), { dry_run: false, result: { skipped: false } })
})

t.test('with Prefer: respond-async, the response is an immediate 202 with the location of the job', async (t) => {
  const { app } = await build(t, { files })
  for (const prefer of ['respond-async', 'wait=10, Respond-Async', 'respond-async; x=1', 'respond-async, wait=5', 'RESPOND-ASYNC,wait=5', 'handling=lenient,respond-async , wait=5']) {
    const response = await app.inject({ method: 'POST', url: '/data', headers: { prefer } })
    t.match(response, { statusCode: 202, headers: { 'preference-applied': 'respond-async', location: `/jobs/${response.json().id}` } }, prefer)
    await app.jobs.idle()
    t.match((await app.inject(response.headers.location as string)).json(), { state: 'succeeded', result: { records: 2 } })
  }
  t.match((await app.inject('/jobs/none')).json(), { status: 404, code: 'job_not_found' })
  for (const prefer of ['wait=5', 'x-respond-async', 'respond-async-not', 'x-respond-async-not', 'no respond-async']) {
    const response = await app.inject({ method: 'POST', url: '/data', headers: { prefer } })
    t.match(response, { statusCode: 200 }, prefer)
    t.equal(response.headers['preference-applied'], undefined)
  }
})

t.test('a thousand concurrent POSTs run two jobs', async (t) => {
  const { app, endpoint } = await build(t, { files })
  const responses = await Promise.all(Array.from({ length: 1000 }, () => app.inject({ method: 'POST', url: '/data' })))
  t.equal(new Set(responses.map((response) => response.json().id)).size, 2)
  t.equal(endpoint.counts.LIST, 2)
  t.same(withoutSnapshot(endpoint.puts), [OUTPUT])
})

t.test('if another writer replaces the output during a job, the job lists again and does not overwrite it with older data', async (t) => {
  const { app, endpoint, bucket } = await build(t, { files })
  let writes = 2
  endpoint.intercept = ({ operation }) => {
    if (operation === 'PUT' && writes-- > 0) {
      bucket.put('source_data/3.csv', csv('Cy', 'New', writes))
      bucket.put(OUTPUT, `written by another writer ${writes}`)
    }
    return undefined
  }
  t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { records: 3 } })
  t.equal(endpoint.counts.LIST, 3)
  t.match(bucket.get(OUTPUT)!.body.toString(), /3,Cy,New,0,/)
})

t.test('an output that was written after the precondition had been read is not overwritten with older data', async (t) => {
  // LIST: one write during the listing of each of two attempts. GET: both writes during the downloads of the first attempt.
  for (const during of ['LIST', 'GET']) {
    const { app, endpoint, bucket } = await build(t, { files })
    let writes = 2
    endpoint.intercept = ({ operation, key }) => {
      if (operation === during && !key.startsWith('processed_data/') && writes-- > 0) {
        bucket.put('source_data/3.csv', csv('Cy', 'New', writes))
        bucket.put(OUTPUT, `written by another writer ${writes}`)
      }
      return undefined
    }
    t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { records: 3, skipped: false } }, during)
    t.equal(endpoint.counts.LIST, during === 'LIST' ? 3 : 2, 'one more listing for each conflict')
    t.match(bucket.get(OUTPUT)!.body.toString(), /3,Cy,New,0,/)
  }
})

t.test('a job uses a listing that starts after its POST, even if one is running', async (t) => {
  const { app, endpoint, bucket } = await build(t, { files })
  const { opened, open } = gate()
  endpoint.intercept = ({ operation, key }) => operation === 'GET' && key === 'source_data/2.csv' ? opened : undefined
  const reading = app.inject('/data')
  await until(() => endpoint.gets.includes('source_data/2.csv'))
  bucket.put('source_data/3.csv', csv('Cy', 'New'))
  const { HEAD: before } = endpoint.counts
  const posting = app.inject({ method: 'POST', url: '/data' })
  await until(() => app.jobs.list()[0]?.state === 'running')
  t.equal(endpoint.counts.HEAD, before, 'it reads the precondition after the running listing')
  open()
  t.equal((await reading).json().length, 2)
  t.match((await posting).json(), { state: 'succeeded', result: { records: 3 } })
  t.match(bucket.get(OUTPUT)!.body.toString(), /3,Cy,New,0,/)
})

t.test('a job that conflicts on every attempt fails with precondition_failed', async (t) => {
  const { app, endpoint, bucket } = await build(t, { files })
  let writes = 0
  endpoint.intercept = ({ operation }) => {
    if (operation === 'PUT') bucket.put(OUTPUT, `written by another writer ${writes++}`)
    return undefined
  }
  const response = await app.inject({ method: 'POST', url: '/data' })
  t.match(response.json(), { status: 503, code: 'precondition_failed' })
  t.match((await app.inject(response.headers.location as string)).json(), { state: 'failed', result: null, error: { code: 'precondition_failed' } })
})

t.test('if a download fails, the output is left as it is', async (t) => {
  const { app, endpoint, bucket, fresh } = await build(t, { files })
  bucket.put(OUTPUT, FULL)
  await app.inject('/data')
  bucket.put('source_data/2.csv', `${bucket.get('source_data/2.csv')!.body.toString()}\n`)
  endpoint.intercept = ({ operation, key }) => operation === 'GET' && key === 'source_data/2.csv' ? { status: 500, headers: {}, body: '' } : undefined
  for (const url of ['/data', '/data?dry_run=true']) {
    t.match((await app.inject({ method: 'POST', url })).json(), { status: 503, code: 'download_failed', detail: /source_data\/2\.csv/ }, url)
  }
  t.equal(bucket.get(OUTPUT)!.body.toString(), FULL)
  t.match(await app.inject('/data'), { headers: { 'data-stale': 'download_failed' } })
  t.match((await app.inject('/rejects')).json().entries.find((reject: any) => reject.key === 'source_data/2.csv'), { code: 'download_failed', user_id: '2' })
  endpoint.reset()
  t.equal((await fresh('/data')).json.length, 2, 'the download is retried')
  t.same(endpoint.gets, ['source_data/2.csv'])
  t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { skipped: true } })
})

t.test('POST and no-cache do not wait for a silent store, and the job goes on', async (t) => {
  const tasks: (() => void)[] = []
  const timer = (_ms: number, task: () => void) => {
    tasks.push(task)
    return () => {}
  }
  const { app, endpoint, clock } = await build(t, { files, timer })
  await app.inject('/data')
  const list = gate()
  endpoint.reset()
  endpoint.intercept = ({ operation }) => operation === 'LIST' ? list.opened : undefined
  const post = app.inject({ method: 'POST', url: '/data' })
  const get = app.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })
  let responses = 0
  post.finally(() => responses++)
  get.finally(() => responses++)
  await until(() => endpoint.counts.LIST > 0)
  t.equal(responses, 0)
  clock.advance(15_000)
  await until(() => {
    for (const task of tasks.splice(0)) task()
    return responses === 2
  })
  t.match((await post).json(), { status: 503, code: 'timeout' })
  t.match((await app.inject((await post).headers.location!)).json(), { state: 'running' })
  t.match(await get, { statusCode: 200, headers: { 'data-stale': /refresh_slow|timeout/ } })
  list.open()
  await app.jobs.idle()
})

t.test('if the bucket cannot be listed, a job gets 503 and the last data is still served', async (t) => {
  const { app, endpoint } = await build(t, { files })
  await app.inject('/data')
  endpoint.intercept = ({ operation }) => operation === 'LIST' ? { status: 200, headers: { 'content-type': 'text/html' }, body: '<html></html>' } : undefined
  t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { status: 503, code: 'invalid_listing' })
  t.match(await app.inject('/data'), { statusCode: 200, headers: { 'data-stale': 'invalid_listing' } })
  t.equal((await app.inject('/data')).json().length, 2)
})

t.test('the columns, the delimiter, the empty value, the key and the escaping of formulas of the output are settings', async (t) => {
  const settings = { OUTPUT_COLUMNS: 'user_id,img_path,city', OUTPUT_DELIMITER: ', ', OUTPUT_EMPTY_VALUE: 'ø', OUTPUT_KEY: 'out/users.csv', OUTPUT_ESCAPE_FORMULAS: 'true' }
  const { app, bucket } = await build(t, { files: { ...files, '3.csv': 'first_name,last_name,birthts,city\na,b,1,=Rome\n' }, settings })
  const { result } = (await app.inject({ method: 'POST', url: '/data' })).json()
  t.match(result, { output_key: 'out/users.csv', added: 3 })
  t.equal(bucket.get('out/users.csv')!.body.toString(), "user_id, img_path, city\r\n10, source_data/10.png, ø\r\n2, ø, ø\r\n3, ø, '=Rome\r\n")
  bucket.delete('source_data/3.csv')
  t.match((await app.inject({ method: 'POST', url: '/data' })).json().result, { removed: 1, changed: 0 }, 'a column that no record has any more is empty')
})

t.test('a Parquet output contains the same records as the CSV', async (t) => {
  const PARQUET = 'processed_data/output.parquet'
  const odd = 'first_name,last_name,birthts,city\nŁukasz 😀,"a, ""b""",-8640000000000000,Rome\n'
  const settings = { OUTPUT_FORMATS: 'csv,parquet', OUTPUT_COLUMNS: 'user_id,last_name,birthts,img_path,city' }
  const { app, bucket } = await build(t, { files: { ...files, '007.csv': odd }, settings })
  const post = async (search = '') => (await app.inject({ method: 'POST', url: '/data' + search })).json().result
  const read = async () => await readParquet(bucket.get(PARQUET)!.body)
  t.match(await post('?dry_run=true'), { skipped: true, other_outputs: [{ output_key: PARQUET, etag: null, skipped: true }] })
  t.equal(bucket.get(PARQUET), undefined)
  const { other_outputs } = await post()
  const { etag, body, headers } = bucket.get(PARQUET)!
  t.same(other_outputs, [{ output_key: PARQUET, etag, bytes: body.length, skipped: false }])
  t.match(headers, { 'content-type': 'application/vnd.apache.parquet' })
  t.match(await read(), {
    names: ['user_id', 'last_name', 'birthts', 'img_path', 'city'],
    types: ['UTF8', 'UTF8', 'INT64', 'UTF8', 'UTF8'],
    rows: [['007', 'a, "b"', -8640000000000000n, null, 'Rome'], ['10', 'Lee, Jr', 5n, 'source_data/10.png', null], ['2', 'Ray', -1n, null, null]]
  })
  t.match(await post(), { skipped: true, other_outputs: [{ etag, skipped: true }] }, 'unchanged outputs are not written')
  bucket.delete('source_data/007.csv')
  bucket.put('source_data/2.csv', csv('Bob', 'Roe', -2))
  t.match(await post(), { removed: 1, changed: 1, other_outputs: [{ skipped: false }] })
  t.same((await read()).rows, [['10', 'Lee, Jr', 5n, 'source_data/10.png', null], ['2', 'Roe', -2n, null, null]])
  t.match((await app.inject('/rejects')).json().counts, { rejects: 1, orphans: 0, ignored: 0 }, 'the Parquet output is not read as input')
})

t.test('OUTPUT_DELIMITER can be a tab', async (t) => {
  const { app, bucket } = await build(t, { files, settings: { OUTPUT_COLUMNS: 'user_id,last_name', OUTPUT_DELIMITER: '\\t' } })
  await app.inject({ method: 'POST', url: '/data' })
  t.equal(bucket.get(OUTPUT)!.body.toString(), 'user_id\tlast_name\r\n10\tLee, Jr\r\n2\tRay\r\n')
})

t.test('the output is never input, even below the source prefix', async (t) => {
  const { app, bucket } = await build(t, { files: { '1.csv': csv() }, settings: { SOURCE_PREFIX: '', OUTPUT_KEY: 'source_data/all.csv' } })
  for (let i = 0; i < 2; i++) await app.inject({ method: 'POST', url: '/data' })
  t.equal(bucket.get('source_data/all.csv')!.body.toString(), HEADER + '1,Ann,Lee,0,\r\n')
  t.match((await app.inject('/rejects')).json().counts, { rejects: 0, ignored: 0 }, 'the snapshot next to it is not input either')
})

t.test('an empty body of any type is accepted, any other body is 400', async (t) => {
  const { app } = await build(t, { files })
  const post = (headers: Record<string, string>, payload?: string) => app.inject({ method: 'POST', url: '/data?dry_run=true', headers, ...payload !== undefined && { payload } })
  for (const type of ['application/x-www-form-urlencoded', 'application/json', 'text/plain', 'foo']) {
    t.equal((await post({ 'content-type': type })).statusCode, 200, type)
    t.equal((await post({ 'content-type': type }, '\n')).statusCode, 200, type)
    for (const body of ['{"dry_run":true}', 'x'.repeat(20_000)]) {
      t.match((await post({ 'content-type': type }, body)).json(), { status: 400, code: 'unexpected_body', detail: 'POST /data must not have a body; its parameters are in the URL' }, type)
    }
  }
})

t.test('reconciles of readers do not change the progress of a job', async (t) => {
  const { app, endpoint, fresh } = await build(t, { files })
  endpoint.intercept = async ({ operation }) => {
    if (operation === 'PUT') await fresh('/data')
    return undefined
  }
  t.match((await app.inject({ method: 'POST', url: '/data' })).json().progress, { listed: 4, to_fetch: 3, fetched: 3 })
})

t.test('the first job of a process on a folder that another one writes to fails with read_only, even if the output is up to date', async (t) => {
  const { app: first, root } = await buildOnFolder(t, { source_data: { '1.csv': csv() } })
  t.match((await first.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded' })
  await first.close()
  const log: LogLine[] = []
  const settings = { LAKE_URL: pathToFileURL(root).href }
  const { app } = await build(t, { log, settings, worker: startWorker })
  writeFileSync(join(root, '.userlake/lock'), JSON.stringify({ pid: 1, host: 'elsewhere', pids: '', token: 'theirs' }))
  await app.listen({ port: 0 })
  const logged = () => log.find(({ msg }) => /^Job (failed|succeeded)/.test(msg))
  await until(logged)
  t.match(logged(), { level: 40, trigger: 'startup', error: { code: 'read_only' }, cause: /process 1 on elsewhere writes to this folder and holds its lock; set PUBLISH=false here/ })
  t.match((await app.inject({ method: 'POST', url: '/data?dry_run=true' })).json(), { state: 'succeeded' }, 'a dry run writes nothing')
  const { app: reader } = await build(t, { settings: { ...settings, PUBLISH: 'false' }, worker: startWorker })
  t.equal((await reader.inject('/data')).json().length, 1)
  await Promise.all([app.close(), reader.close()])
})

t.test('an up-to-date output needs no right to write: the job of the only process succeeds and holds the lock of the folder', async (t) => {
  const { app: first, root } = await buildOnFolder(t, { source_data: { '1.csv': csv() } })
  await first.inject({ method: 'POST', url: '/data' })
  await first.close()
  const { app } = await build(t, { settings: { LAKE_URL: pathToFileURL(root).href }, worker: startWorker })
  const post = async () => (await app.inject({ method: 'POST', url: '/data' })).json()
  rmSync(join(root, '.userlake'), { recursive: true })
  writeFileSync(join(root, '.userlake'), '')
  t.match(await post(), { state: 'succeeded', result: { skipped: true } }, 'no lock can be created')
  rmSync(join(root, '.userlake'))
  t.match(await post(), { state: 'succeeded', result: { skipped: true } })
  t.match(JSON.parse(readFileSync(join(root, '.userlake/lock'), 'utf8')), { pid: process.pid })
  await app.close()
})

t.test('a folder that another process writes to is served, and a job fails with read_only', async (t) => {
  const lock = JSON.stringify({ pid: 1, host: 'elsewhere', pids: '', token: 'theirs' })
  const { app } = await buildOnFolder(t, { source_data: { '1.csv': csv() }, '.userlake': { lock } })
  t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { status: 503, code: 'read_only', detail: /Another process writes to this folder/ })
  t.equal((await app.inject('/data')).json().length, 1)
})
