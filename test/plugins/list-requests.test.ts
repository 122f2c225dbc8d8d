import t from 'tap'
import { maxListRequests } from '../../plugins/config/list-requests.js'
import { build, type LogLine } from '../support/app.js'
import { scrape } from '../support/scrape.js'

t.test('by default only a bucket of AWS has a limit', async (t) => {
  const settings = { MAX_LIST_REQUESTS: 'auto', LAKE_URL: 's3://lake', AWS_ENDPOINT_URL_S3: '', AWS_ENDPOINT_URL: '' }
  t.equal(maxListRequests(settings), 600)
  t.equal(maxListRequests({ ...settings, AWS_ENDPOINT_URL_S3: 'http://minio:9000' }), Infinity)
  t.equal(maxListRequests({ ...settings, AWS_ENDPOINT_URL: 'http://minio:9000' }), Infinity)
  t.equal(maxListRequests({ ...settings, LAKE_URL: 'file:./lake' }), Infinity)
  t.equal(maxListRequests({ ...settings, LAKE_URL: '' }), Infinity)
  t.equal(maxListRequests({ ...settings, MAX_LIST_REQUESTS: 'unlimited' }), Infinity)
  t.equal(maxListRequests({ ...settings, MAX_LIST_REQUESTS: '60' }), 60)
})

t.test('reads do not list more often than MAX_LIST_REQUESTS allows; a request with no-cache lists at once, and delays the next listing of reads', async (t) => {
  const log: LogLine[] = []
  const { app, clock, endpoint, fresh } = await build(t, { files: { '1.csv': 'first_name,last_name,birthts\nAnn,Ash,0\n' }, settings: { MAX_LIST_REQUESTS: '3' }, log })
  const interval = async () => (await scrape(app)).get('userlake_refresh_interval_seconds')
  t.equal(await interval(), 0)
  const ageOf = async () => Number((await app.inject('/stats')).headers['age'])
  await fresh('/stats')
  t.equal(await interval(), 20)
  clock.advance(19_000)
  endpoint.reset()
  t.equal(await ageOf(), 19)
  clock.advance(2000)
  t.equal(await ageOf(), 0)
  t.equal(endpoint.counts.LIST, 1)
  await fresh('/stats')
  clock.advance(39_000)
  t.equal(await ageOf(), 39)
  clock.advance(1001)
  t.equal(await ageOf(), 0)
  t.equal(endpoint.counts.LIST, 3)
  t.match(log.filter(({ msg }) => String(msg).includes('MAX_LIST_REQUESTS')), [{ level: 30, interval_s: 20, msg: /it is refreshed every 20 s,/ }])
})
