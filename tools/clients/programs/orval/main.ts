import { getExportRecordsCsvUrl, getGetRecordImageUrl, getJob, getRecord, getStatistics, listRecords, publishOutput, type listRecordsResponseSuccess } from '../../generated/orval/client.js'
import { csv, describeImage, equal, figures, filters, follow, matching, png, record, serviceUrl } from '../support.js'

// The generated functions request relative URLs, which a browser resolves against the page.
const fetchAbsolute = globalThis.fetch
globalThis.fetch = (url, options) => fetchAbsolute(new URL(String(url), serviceUrl), options)

const records = await list({ ...filters, columns: ['last_name', 'user_id'], sort: ['-last_name'] })
equal(records.data.map(({ user_id: id }) => id), matching)
equal(Object.keys(records.data[0]!), ['last_name', 'user_id'])

const ids: string[] = []
let cursor: string | undefined
do {
  const { data, headers } = await list(cursor === undefined ? { limit: 30 } : { cursor })
  for (const { user_id: id } of data) ids.push(id!)
  cursor = headers.get('next-cursor') ?? undefined
} while (cursor !== undefined)
equal([ids.length, new Set(ids).size], [100, 100])

const { status, data: statistics } = await getStatistics({ ...filters, age_basis: 'exact', bin_width: 20 })
equal(status, 200)
if (status === 200) equal([statistics.count, statistics.average_age, statistics.age_histogram.map(({ count }) => count)], figures)

const one = await getRecord('1003')
equal(one.data, record)
const missing = await getRecord('no such id')
equal(missing.status, 404)
if (missing.status === 404) equal(missing.data.code, 'record_not_found')

// The generated functions parse every body as JSON. Images and CSV are requested by their URLs.
const image = await fetch(getGetRecordImageUrl('1001'))
equal(await describeImage(await image.blob()), png)

const dryRun = await publishOutput({ dry_run: true })
equal(dryRun.status, 200)
if (dryRun.status === 200) equal([dryRun.data.state, dryRun.data.dry_run], ['succeeded', true])

const accepted = await publishOutput({}, { headers: { Prefer: 'respond-async' } })
if (accepted.status !== 202) throw new Error(`the status is ${accepted.status}`)
equal(accepted.data.dry_run, false)
const job = await follow(async () => {
  const response = await getJob(accepted.data.id)
  return response.status === 200 ? response.data : undefined
})
equal([job.state, job.result!.records], ['succeeded', 100])

const again = await getRecord('1003', {}, { headers: { 'If-None-Match': one.headers.get('etag')! } })
equal(again.status, 304)

const table = await fetch(getExportRecordsCsvUrl({ user_id: ['1007', '1082'], columns: ['user_id'] }))
equal(await table.text(), csv)

async function list (query: Parameters<typeof listRecords>[0]): Promise<listRecordsResponseSuccess> {
  const response = await listRecords(query)
  if (response.status !== 200) throw new Error(`the status is ${response.status}`)
  return response
}
