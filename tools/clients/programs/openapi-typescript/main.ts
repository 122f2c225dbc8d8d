import createClient from 'openapi-fetch'
import type { paths } from '../../generated/openapi-typescript/schema.js'
import { equal, serviceUrl } from '../support.js'

const client = createClient<paths>({ baseUrl: serviceUrl })

const ids = new Set<string>()
let cursor: string | undefined
do {
  const { data = [], response } = await client.GET('/data', { params: { query: cursor === undefined ? { limit: 30 } : { cursor } } })
  for (const { user_id: id } of data) ids.add(id!)
  cursor = response.headers.get('next-cursor') ?? undefined
} while (cursor !== undefined)
equal(ids.size, 100)

const filters = { min_age: 0.1 + 0.2, as_of: '2026-01-01T00:00:00Z', image_exists: true }
const records = await client.GET('/data', { params: { query: { ...filters, columns: ['last_name', 'user_id'], sort: ['-last_name'] } } })
equal(Object.keys(records.data![0]!), ['last_name', 'user_id'])
const statistics = await client.GET('/stats', { params: { query: { ...filters, age_basis: 'exact', bin_width: 5 } } })
equal(statistics.data!.count, records.data!.length)

const table = await client.GET('/data.csv', { params: { query: { user_id: ['1007', '1082'], columns: ['user_id'] } }, parseAs: 'text' })
const text: string | undefined = table.data
equal(text, 'user_id\r\n1007\r\n1082\r\n')

const missing = await client.GET('/data/{user_id}', { params: { path: { user_id: 'no such id' } } })
equal(missing.error!.code, 'record_not_found')

const job = await client.POST('/data', { params: { query: { dry_run: true } } })
equal([job.data!.state, job.data!.dry_run], ['succeeded', true])
