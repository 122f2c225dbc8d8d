import { getStatisticsQueryParams, getStatisticsResponse, listRecordsQueryParams, listRecordsResponse, publishOutputResponse } from '../../generated/orval-zod/schemas.js'
import { equal, serviceUrl } from '../support.js'

const query = listRecordsQueryParams.parse({ limit: 30, columns: ['last_name', 'user_id'], min_age: 0.1 + 0.2 })
equal([query.limit, query.columns, listRecordsQueryParams.safeParse({ limit: '30' }).success], [30, ['last_name', 'user_id'], false])
equal(getStatisticsQueryParams.safeParse({ age_basis: 'nominal' }).success, false)

const records = listRecordsResponse.parse(await request('/data?limit=30'))
equal(records.length, 30)
const statistics = getStatisticsResponse.parse(await request('/stats'))
equal(statistics.count, 100)
const job = publishOutputResponse.parse(await request('/data?dry_run=true', { method: 'POST' }))
equal(job.dry_run, true)

async function request (path: string, options: RequestInit = {}): Promise<unknown> {
  return await (await fetch(serviceUrl + path, options)).json()
}
