import t from 'tap'
import { build, csv } from './support/app.js'

// An operator or NTP may set the wall clock forward or back at any time, so no duration may depend on it.
const HOUR = 3_600_000
const JUMPS = [-HOUR, HOUR, -30 * 24 * HOUR, 30 * 24 * HOUR]

t.test('the age of data and its refresh do not depend on the wall clock', async (t) => {
  for (const jump of JUMPS) {
    const { app, endpoint, clock } = await build(t, { files: { '1.csv': csv() } })
    await app.inject('/data')
    clock.advance(1500)
    clock.jump(jump)
    t.match(await app.inject('/data'), { headers: { age: '1' } }, `after ${jump} ms`)
    t.equal(endpoint.counts.LIST, 1)
    clock.advance(501)
    t.match(await app.inject('/data'), { headers: { age: '0' } })
    t.equal(endpoint.counts.LIST, 2)
  }
})

t.test('the retry after a failed listing, and the limit of MAX_STALE_IF_ERROR, do not depend on the wall clock', async (t) => {
  for (const jump of JUMPS) {
    const { app, endpoint, clock } = await build(t, { files: { '1.csv': csv() }, settings: { MAX_STALE_IF_ERROR: '1m' } })
    await app.inject('/data')
    endpoint.intercept = () => ({ status: 403, body: '<Error><Code>AccessDenied</Code></Error>' })
    clock.advance(3000)
    await app.inject('/data')
    const { LIST } = endpoint.counts
    clock.jump(jump)
    t.match(await app.inject('/data'), { statusCode: 200, headers: { age: '3', 'data-stale': 'access_denied' } }, `after ${jump} ms`)
    t.equal(endpoint.counts.LIST, LIST, 'no retry within a second')
    clock.advance(1000)
    await app.inject('/data')
    t.ok(endpoint.counts.LIST > LIST, 'a retry after a second')
    clock.advance(60_000)
    t.equal((await app.inject('/data')).statusCode, 503)
  }
})

t.test('the time for which an old version is retained for a cursor does not depend on the wall clock', async (t) => {
  for (const jump of JUMPS) {
    const { app, bucket, clock, fresh } = await build(t, { files: { '1.csv': csv(), '2.csv': csv() }, settings: { VERSIONS_MAX_AGE: '10s' } })
    const { headers } = await app.inject('/data?limit=1')
    const next = /<([^>]+)>/.exec(String(headers['link']))![1]!
    bucket.put('source_data/3.csv', csv())
    await fresh('/data')
    clock.advance(10_000)
    clock.jump(jump)
    await fresh('/data')
    t.equal((await app.inject(next)).statusCode, 200, `after ${jump} ms`)
    clock.advance(10_001)
    await fresh('/data')
    t.equal((await app.inject(next)).statusCode, 410)
  }
})

t.test('the difference between the times of a job is its duration, even if the wall clock jumps', async (t) => {
  for (const jump of JUMPS) {
    const { app, endpoint, clock } = await build(t, { files: { '1.csv': csv() } })
    endpoint.intercept = ({ operation }) => {
      if (operation === 'LIST') {
        clock.advance(1500)
        clock.jump(jump)
      }
      return undefined
    }
    const { started_at: started, finished_at: finished } = (await app.inject({ method: 'POST', url: '/data' })).json()
    t.equal(Date.parse(finished) - Date.parse(started), 1500, `after ${jump} ms`)
  }
})

t.test('how long outputs wait for a file that cannot be read, and when it is tried again, do not depend on the wall clock', async (t) => {
  for (const jump of JUMPS) {
    const { app, endpoint, bucket, clock } = await build(t, { files: { '1.csv': csv(), '2.csv': csv(), '3.csv': csv() } })
    await app.inject('/data')
    bucket.put('source_data/1.csv', csv('Amy'))
    endpoint.intercept = ({ operation, key }) => operation === 'GET' && key === 'source_data/1.csv' ? { status: 500, body: '' } : undefined
    const post = async () => (await app.inject({ method: 'POST', url: '/data' })).statusCode
    t.equal(await post(), 503)
    clock.jump(jump)
    clock.advance(59_999)
    t.equal(await post(), 503, `after ${jump} ms`)
    clock.advance(1)
    t.equal(await post(), 200)
    endpoint.gets.length = 0
    clock.jump(jump)
    clock.advance(9999)
    await app.inject('/data')
    t.same(endpoint.gets, [])
    clock.advance(1)
    endpoint.intercept = undefined
    await post()
    t.equal(endpoint.gets[0], 'source_data/1.csv')
  }
})
