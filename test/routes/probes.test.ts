import t from 'tap'
import { build, csv } from '../support/app.js'

t.test('the service is alive from the start and ready once it has data, and no probe reads the bucket', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv() } })
  t.match(await app.inject('/livez'), { statusCode: 200, body: '{"status":"alive"}' })
  for (const url of ['/readyz', '/startupz']) {
    const response = await app.inject(url)
    t.match(response.json(), { status: 503, code: 'no_data', detail: 'The lake has not been read yet' })
  }
  t.equal(endpoint.counts.LIST, 0)
  await app.inject('/data')
  t.match(await app.inject('/readyz'), { statusCode: 200, body: '{"status":"ready","details":[]}' })
  t.match(await app.inject('/startupz'), { statusCode: 200, body: '{"status":"started"}' })
  t.equal(endpoint.counts.LIST, 1)
})

t.test('a service whose lake is empty is ready', async (t) => {
  const { app } = await build(t)
  await app.inject('/data')
  t.equal((await app.inject('/readyz')).statusCode, 200)
})

t.test('if the bucket is missing, the service is alive and not ready, and reports why', async (t) => {
  const { app, endpoint } = await build(t)
  endpoint.deleteBucket('datalake')
  t.match((await app.inject('/data')).json(), { status: 503, code: 'no_data', detail: 'The lake has not been read yet: The bucket or folder does not exist' })
  t.match((await app.inject('/readyz')).json(), { status: 503, detail: /does not exist/ })
  t.equal((await app.inject('/livez')).statusCode, 200)
})
