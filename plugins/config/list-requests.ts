import type { Settings } from './settings.js'

/** The value of `MAX_LIST_REQUESTS=auto` on AWS. */
const AWS_LIST_REQUESTS = 600

type ListSettings = Pick<Settings, 'MAX_LIST_REQUESTS' | 'LAKE_URL' | 'AWS_ENDPOINT_URL_S3' | 'AWS_ENDPOINT_URL'>

/** The maximum number of requests a minute that `MAX_LIST_REQUESTS` allows; may be Infinity. By default only AWS has a limit, because only its price is known. */
export function maxListRequests ({ MAX_LIST_REQUESTS: limit, LAKE_URL: url, AWS_ENDPOINT_URL_S3: s3Endpoint, AWS_ENDPOINT_URL: endpoint }: ListSettings): number {
  if (limit === 'auto') return url.startsWith('s3:') && s3Endpoint === '' && endpoint === '' ? AWS_LIST_REQUESTS : Infinity
  return limit === 'unlimited' ? Infinity : Number(limit)
}
