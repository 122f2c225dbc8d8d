import { getRecord, getStatistics, listRecords, publishOutput, type listRecordsResponseSuccess } from '../../generated/orval/client.js'
import { equal, serviceUrl } from '../support.js'

// The generated functions request relative URLs, which a browser resolves against the page.
const fetchAbsolute = globalThis.fetch
globalThis.fetch = (url, options) => fetchAbsolute(new URL(String(url), serviceUrl), options)

const ids = new Set<string>()
let cursor: string | undefined
do {
  const { data, headers } = await list(cursor === undefined ? { limit: 30 } : { cursor })
  for (const { user_id: id } of data) ids.add(id!)
  cursor = headers.get('next-cursor') ?? undefined
} while (cursor !== undefined)
equal(ids.size, 100)

const filters = { min_age: 0.1 + 0.2, as_of: '2026-01-01T00:00:00Z', image_exists: true }
const records = await list({ ...filters, columns: ['last_name', 'user_id'], sort: ['-last_name'] })
equal(Object.keys(records.data[0]!), ['last_name', 'user_id'])
const statistics = await getStatistics({ ...filters, age_basis: 'exact', bin_width: 5 })
if (statistics.status === 200) equal(statistics.data.count, records.data.length)
equal(statistics.status, 200)

const missing = await getRecord('no such id')
if (missing.status === 404) equal(missing.data.code, 'record_not_found')
equal(missing.status, 404)

const job = await publishOutput({ dry_run: true })
if (job.status === 200) equal([job.data.state, job.data.dry_run], ['succeeded', true])
equal(job.status, 200)

async function list (query: Parameters<typeof listRecords>[0]): Promise<listRecordsResponseSuccess> {
  const response = await listRecords(query)
  if (response.status !== 200) throw new Error(`the status is ${response.status}`)
  return response
}
