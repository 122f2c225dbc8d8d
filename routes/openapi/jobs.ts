import { Job, JobList } from '../http/schemas.js'
import * as headers from './headers.js'
import { example, json, type Operation } from './operation.js'
import { badDryRun, unknownJob } from './problem-examples.js'
import { problems } from './problems.js'

const tags = ['Jobs'] as const

const TIMES = { created_at: '2026-01-01T09:00:00.000Z', started_at: '2026-01-01T09:00:00.000Z', finished_at: '2026-01-01T09:00:00.250Z' }

/** The first job with the sample data. */
const published = {
  id: '5e2f8a10-1',
  instance: '5e2f8a10',
  trigger: 'api',
  dry_run: false,
  state: 'succeeded',
  ...TIMES,
  progress: { listed: 193, to_fetch: 100, fetched: 100 },
  result: {
    records: 100,
    added: 100,
    changed: 0,
    removed: 0,
    rejected: 0,
    output_key: 'processed_data/output.csv',
    etag: '4z4-dn3276u0guzk-dn3276u6dx1k-63hb0',
    bytes: 6448,
    skipped: false,
    other_outputs: [],
    warnings: []
  },
  error: null
}

const dryRun = {
  ...published,
  id: '5e2f8a10-2',
  dry_run: true,
  progress: { listed: 193, to_fetch: 0, fetched: 0 },
  result: { ...published.result, added: 0, skipped: true }
}

const running = {
  ...dryRun,
  id: '5e2f8a10-3',
  state: 'running',
  finished_at: null,
  progress: { listed: 0, to_fetch: 0, fetched: 0 },
  result: null
}

export const publishOutput: Operation = {
  operationId: 'publishOutput',
  tags,
  summary: 'Update the output',
  description: 'Runs a job, which reads what has changed in the lake, and writes the output if it would change. With `dry_run`, the job reports what would change and ' +
    'writes nothing. If the output would lose more records than the setting `MAX_LOSS` allows, the job is `held`: the output is left as it is until a request confirms the data version that ' +
    '`result.confirm` names. The request has no body.',
  headers: headers.prefer,
  responses: {
    200: {
      description: 'The finished job',
      headers: headers.jobTiming,
      content: json(Job, {
        published: example('The output is up to date', "-X POST '/data'", { ...dryRun, dry_run: false }),
        dryRun: example('Nothing would change', "-X POST '/data?dry_run=true'", dryRun)
      })
    },
    202: {
      description: 'The job, which runs in the background: `GET /jobs/{id}` returns its state',
      headers: { ...headers.jobLocation, ...headers.preferenceApplied, ...headers.retryAfter },
      content: json(Job, { async: example('Without waiting for the job', "-X POST -H 'Prefer: respond-async' '/data?dry_run=true'", running) })
    },
    ...problems([400, 409, 500, 503], {
      examples: { 400: badDryRun },
      headersOf: { 409: headers.optionalJobLocation, 500: headers.optionalJobLocation, 503: headers.optionalJobLocation }
    })
  }
}

export const listJobs: Operation = {
  operationId: 'listJobs',
  tags,
  summary: 'Recent jobs',
  description: 'The last 100 jobs of this process: the job of the start, scheduled jobs, and those that `POST /data` started.',
  responses: {
    200: { description: 'The jobs', content: json(JobList, { first: example('After the first job', "'/jobs'", { jobs: [published] }) }) },
    ...problems([400, 500])
  }
}

export const getJob: Operation = {
  operationId: 'getJob',
  tags,
  summary: 'One job',
  description: 'The current state of a job of this process. Other replicas do not have it, and it is lost at a restart.',
  responses: {
    200: { description: 'The job', content: json(Job, { published: example('A job that has written the output', "'/jobs/5e2f8a10-1'", published) }) },
    ...problems([400, 404, 414, 500], { examples: { 404: unknownJob } })
  }
}
