import t from 'tap'
import { build, csv, type LogLine } from '../support/app.js'
import { TestTimers } from '../support/test-timers.js'
import { until } from '../support/until.js'

const OUTPUT = 'processed_data/output.csv'
const REFUSED = { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }

/** This number of info files; the first `invalid` of them are invalid. */
const filesOf = (records: number, invalid = 0) => Object.fromEntries(Array.from({ length: records }, (_, i) => [`${i + 1}.csv`, i < invalid ? 'bad' : csv()]))

t.test('with the right to list and without the right to read, a start is not ready, reports why, publishes nothing, and becomes ready by itself', async (t) => {
  const timers = new TestTimers()
  const log: LogLine[] = []
  const { app, endpoint, bucket, clock } = await build(t, { files: filesOf(6), timers, log, settings: { REFRESH_WAIT: '1m' } })
  endpoint.intercept = ({ operation, key }) => operation === 'GET' && key.startsWith('source_data/') ? REFUSED : undefined
  await app.listen({ port: 0 })
  await until(() => timers.pauses.length === 1)
  const ready = await app.inject('/readyz')
  t.equal(ready.statusCode, 503)
  t.match(ready.json(), {
    code: 'no_data',
    details: [{ code: 'download_failed' }, { code: 'nothing_usable' }, { code: 'files_not_read', detail: /^6 of 6 info files could not be read, such as source_data\/1\.csv: .*HTTP 403 AccessDenied.*Allow the credentials/ }]
  })
  for (const url of ['/data', '/data/1', '/stats', '/rejects', '/startupz']) t.match((await app.inject(url)).json(), { status: 503, code: 'no_data' }, url)
  t.equal((await app.inject('/livez')).statusCode, 200)
  t.match(app.jobs.list(), [{ state: 'failed', error: { code: 'download_failed', detail: /^6 of 6 info files, source_data\/1\.csv among them, could not be read yet/ } }])
  t.match(log.filter(({ warning }) => warning === 'files_not_read'), [{ level: 40 }])
  t.match(log.filter(({ msg }) => /^Info files rejected/.test(msg)), [{ count: 6, example: 'source_data/1.csv' }])
  t.equal(log.filter(({ msg }) => /^Info files rejected/.test(msg)).length, 1)
  endpoint.intercept = undefined
  clock.advance(10_000)
  timers.pauses[0]!.end()
  await until(() => timers.pauses.length === 2)
  t.match((await app.inject('/readyz')).json(), { status: 'ready' })
  timers.pauses[1]!.end()
  await until(() => bucket.get(OUTPUT))
  t.equal((await app.inject('/data')).json().length, 6)
})

t.test('a start is ready when 99 % of the info files were read or rejected; the records of the others are 503, not 404', async (t) => {
  const { app, endpoint, clock } = await build(t, { files: filesOf(100, 3), settings: { REFRESH_WAIT: '1m' } })
  const failing = new Set(['source_data/98.csv', 'source_data/99.csv'])
  endpoint.intercept = ({ operation, key }) => {
    if (operation === 'GET' && key === 'source_data/100.csv') return REFUSED
    return operation === 'GET' && failing.has(key) ? { status: 400, body: '<Error><Code>RequestTimeout</Code></Error>' } : undefined
  }
  t.match((await app.inject('/data')).json(), { status: 503, code: 'no_data' })
  endpoint.gets.length = 0
  failing.delete('source_data/98.csv')
  clock.advance(1000)
  const response = await app.inject('/data')
  t.same([...new Set(endpoint.gets)].sort(), ['source_data/98.csv', 'source_data/99.csv'], 'what was read or is refused is not requested again')
  t.equal(response.json().length, 95)
  t.equal(response.headers['data-stale'], 'download_failed')
  t.equal((await app.inject('/readyz')).statusCode, 200)
  t.match((await app.inject('/data/99')).json(), { status: 503, code: 'record_not_read', detail: /^source_data\/99\.csv is in the lake/ })
  t.match((await app.inject('/data/100')).json(), { status: 404, code: 'record_not_found', reject: { code: 'unreadable', detail: /AccessDenied/ } })
  t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { code: 'download_failed', detail: /source_data\/99\.csv/ })
  clock.advance(60_000)
  t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { records: 95, rejected: 5, warnings: [{ code: 'unreadable_files' }] } })
})

t.test('a service that is ready stays so, whatever can no longer be read', async (t) => {
  const { app, endpoint, bucket, fresh } = await build(t, { files: filesOf(4) })
  await app.inject('/data')
  for (const [name, body] of Object.entries(filesOf(4))) bucket.put(`source_data/${name}`, body.replace('Ann', 'Amy'))
  endpoint.intercept = ({ operation }) => operation === 'GET' ? REFUSED : undefined
  t.same((await fresh('/data')).json.map((record: any) => record.first_name), Array(4).fill('Ann'))
  t.match(await app.inject('/data'), { headers: { 'data-stale': 'download_failed', 'data-last-good': '4' } })
  t.match((await app.inject('/readyz')).json(), { status: 'ready', details: [{ code: 'download_failed' }, { code: 'files_not_read' }] })
})
