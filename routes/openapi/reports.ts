import { ProbeStatus, Quarantine, Statistics, Version } from '../http/schemas.js'
import { version } from '../../lib/base/package-info.js'
import * as headers from './headers.js'
import { example, json, type Operation } from './operation.js'
import { badBinWidth } from './problem-examples.js'
import { problems } from './problems.js'

export const getStatistics: Operation = {
  operationId: 'getStatistics',
  tags: ['Statistics'],
  summary: 'Statistics of the records that match',
  description: 'The filters are those of `GET /data`.',
  headers: { ...headers.cacheControl, ...headers.ifNoneMatch },
  responses: {
    200: {
      description: 'The statistics',
      headers: { ...headers.freshness, ...headers.caching },
      content: json(Statistics, {
        over80: example('People of 80 and more', "'/stats?min_age=80&as_of=2026-01-01T00:00:00Z'", {
          count: 18,
          average_age: 85.63468704844475,
          median_age: 86.18651608487338,
          youngest_age: 80.28781656399727,
          oldest_age: 89.88398357289527,
          with_image: 17,
          age_histogram: [{ min_age: 80, max_age: 89, count: 18 }],
          as_of: '2026-01-01T00:00:00.000Z'
        }),
        none: example('No record matches', "'/stats?user_id=nobody&as_of=2026-01-01T00:00:00Z'", {
          count: 0,
          average_age: -1,
          median_age: null,
          youngest_age: null,
          oldest_age: null,
          with_image: 0,
          age_histogram: [],
          as_of: '2026-01-01T00:00:00.000Z'
        })
      })
    },
    304: { description: 'The client has the current response', headers: { ...headers.freshness, ...headers.caching } },
    ...problems([400, 500, 503], { headers: headers.perhapsFreshness, examples: { 400: badBinWidth } })
  }
}

export const listRejects: Operation = {
  operationId: 'listRejects',
  tags: ['Quarantine'],
  summary: 'Files that are not served, and why',
  description: 'A bad file does not affect the others, and the last good version of its record is served. A file that is uploaded again is read again.',
  headers: headers.cacheControl,
  responses: {
    200: {
      description: 'The quarantine',
      headers: headers.freshness,
      content: json(Quarantine, {
        orphan: example('An image without an info file', "'/rejects'", { counts: { rejects: 0, orphans: 1, ignored: 0 }, rejects: [], orphans: ['source_data/nobody.png'] })
      })
    },
    ...problems([400, 500, 503], { headers: headers.perhapsFreshness })
  }
}

export const getVersion: Operation = {
  operationId: 'getVersion',
  tags: ['Probes'],
  summary: 'Version and build',
  description: 'The version of the program, and when the process started.',
  responses: {
    200: {
      description: 'The version',
      content: json(Version, {
        version: example('A release', "'/version'", { version, build: null, node: '24.11.1', started_at: '2026-01-01T09:00:00.000Z' })
      })
    },
    ...problems([400, 500])
  }
}

const probe = (operationId: string, status: string, summary: string, description: string, responses: Operation['responses']): Operation => ({
  operationId,
  tags: ['Probes'],
  summary,
  description,
  responses: { 200: { description: 'Yes', content: json(ProbeStatus, { [status]: example(`The process is ${status}`, `'/${operationId}'`, { status }) }) }, ...responses }
})

export const livez = probe('livez', 'alive', 'Is the process alive?', 'It is if it responds.', problems([400, 500]))
export const startupz = probe('startupz', 'started', 'Has the process started?', 'It has once it has read the bucket.', problems([400, 500, 503]))
export const readyz = probe('readyz', 'ready', 'Is the process ready?', 'It is if it has data to serve and is not about to end.', problems([400, 500, 503]))
