import { exportRecordsCsv, getRecord, getStatistics, listRecords, publishOutput } from '../../generated/hey-api/index.js'
import { client } from '../../generated/hey-api/client.gen.js'
import { equal, serviceUrl } from '../support.js'

client.setConfig({ baseUrl: serviceUrl })

const ids = new Set<string>()
let cursor: string | undefined
do {
  const { data = [], response } = await listRecords({ query: cursor === undefined ? { limit: 30 } : { cursor } })
  for (const { user_id: id } of data) ids.add(id!)
  cursor = response?.headers.get('next-cursor') ?? undefined
} while (cursor !== undefined)
equal(ids.size, 100)

const filters = { min_age: 0.1 + 0.2, as_of: '2026-01-01T00:00:00Z', image_exists: true }
const records = await listRecords({ query: { ...filters, columns: ['last_name', 'user_id'], sort: ['-last_name'] } })
equal(Object.keys(records.data![0]!), ['last_name', 'user_id'])
const statistics = await getStatistics({ query: { ...filters, age_basis: 'exact', bin_width: 5 } })
equal(statistics.data!.count, records.data!.length)

const table = await exportRecordsCsv({ query: { user_id: ['1007', '1082'], columns: ['user_id'] } })
const text: string | undefined = table.data
equal(text, 'user_id\r\n1007\r\n1082\r\n')

const missing = await getRecord({ path: { user_id: 'no such id' } })
equal(missing.error!.code, 'record_not_found')

const job = await publishOutput({ query: { dry_run: true } })
equal([job.data!.state, job.data!.dry_run], ['succeeded', true])
