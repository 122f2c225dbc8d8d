import { exportRecordsCsv, getJob, getRecord, getRecordImage, getStatistics, listRecords, publishOutput } from '../../generated/hey-api/index.js'
import { client } from '../../generated/hey-api/client.gen.js'
import { csv, describeImage, equal, figures, filters, follow, matching, png, record, serviceUrl } from '../support.js'

client.setConfig({ baseUrl: serviceUrl })

const records = await listRecords({ query: { ...filters, columns: ['last_name', 'user_id'], sort: ['-last_name'] } })
equal(records.data!.map(({ user_id: id }) => id), matching)
equal(Object.keys(records.data![0]!), ['last_name', 'user_id'])

const ids: string[] = []
let cursor: string | undefined
do {
  const { data = [], response } = await listRecords({ query: cursor === undefined ? { limit: 30 } : { cursor } })
  for (const { user_id: id } of data) ids.push(id!)
  cursor = response?.headers.get('next-cursor') ?? undefined
} while (cursor !== undefined)
equal([ids.length, new Set(ids).size], [100, 100])

const { data: statistics } = await getStatistics({ query: { ...filters, age_basis: 'exact', bin_width: 20 } })
equal([statistics!.count, statistics!.average_age, statistics!.age_histogram.map(({ count }) => count)], figures)

const one = await getRecord({ path: { user_id: '1003' } })
equal(one.data, record)
const missing = await getRecord({ path: { user_id: 'no such id' } })
equal([missing.response!.status, missing.error!.code], [404, 'record_not_found'])

const image = await getRecordImage({ path: { user_id: '1001' } })
equal(await describeImage(image.data!), png)

const dryRun = await publishOutput({ query: { dry_run: true } })
equal([dryRun.data!.state, dryRun.data!.dry_run], ['succeeded', true])

const accepted = await publishOutput({ headers: { Prefer: 'respond-async' } })
equal([accepted.response!.status, accepted.data!.dry_run], [202, false])
const job = await follow(async () => (await getJob({ path: { id: accepted.data!.id } })).data)
equal([job.state, job.result!.records], ['succeeded', 100])

const again = await getRecord({ path: { user_id: '1003' }, headers: { 'If-None-Match': one.response!.headers.get('etag')! } })
equal([again.response!.status, again.data], [304, undefined])

const table = await exportRecordsCsv({ query: { user_id: ['1007', '1082'], columns: ['user_id'] } })
const text: string | undefined = table.data
equal(text, csv)
