import createClient from 'openapi-fetch'
import type { paths } from '../../generated/openapi-typescript/schema.js'
import { csv, describeImage, equal, figures, filters, follow, matching, png, record, serviceUrl } from '../support.js'

const client = createClient<paths>({ baseUrl: serviceUrl })

const records = await client.GET('/data', { params: { query: { ...filters, columns: ['last_name', 'user_id'], sort: ['-last_name'] } } })
equal(records.data!.map(({ user_id: id }) => id), matching)
equal(Object.keys(records.data![0]!), ['last_name', 'user_id'])

const ids: string[] = []
let cursor: string | undefined
do {
  const { data = [], response } = await client.GET('/data', { params: { query: cursor === undefined ? { limit: 30 } : { cursor } } })
  for (const { user_id: id } of data) ids.push(id!)
  cursor = response.headers.get('next-cursor') ?? undefined
} while (cursor !== undefined)
equal([ids.length, new Set(ids).size], [100, 100])

const { data: statistics } = await client.GET('/stats', { params: { query: { ...filters, age_basis: 'exact', bin_width: 20 } } })
equal([statistics!.count, statistics!.average_age, statistics!.age_histogram.map(({ count }) => count)], figures)

const one = await client.GET('/data/{user_id}', { params: { path: { user_id: '1003' } } })
equal(one.data, record)
const missing = await client.GET('/data/{user_id}', { params: { path: { user_id: 'no such id' } } })
equal([missing.response.status, missing.error!.code], [404, 'record_not_found'])

const image = await client.GET('/data/{user_id}/image', { params: { path: { user_id: '1001' } }, parseAs: 'blob' })
equal(await describeImage(image.data!), png)

const dryRun = await client.POST('/data', { params: { query: { dry_run: true } } })
equal([dryRun.data!.state, dryRun.data!.dry_run], ['succeeded', true])

const accepted = await client.POST('/data', { params: { header: { Prefer: 'respond-async' } } })
equal([accepted.response.status, accepted.data!.dry_run], [202, false])
const job = await follow(async () => (await client.GET('/jobs/{id}', { params: { path: { id: accepted.data!.id } } })).data)
equal([job.state, job.result!.records], ['succeeded', 100])

const again = await client.GET('/data/{user_id}', { params: { path: { user_id: '1003' }, header: { 'If-None-Match': one.response.headers.get('etag')! } } })
equal([again.response.status, again.data], [304, undefined])

const table = await client.GET('/data.csv', { params: { query: { user_id: ['1007', '1082'], columns: ['user_id'] } }, parseAs: 'text' })
const text: string | undefined = table.data
equal(text, csv)
