import { ProbeStatus, Quarantine, Statistics, Version } from '../http/schemas.js'
import { version } from '../../lib/base/package-info.js'
import * as headers from './headers.js'
import { example, json, type Operation } from './operation.js'
import { badBinWidth } from './problem-examples.js'
import { problems } from './problems.js'

export const getStatistics: Operation = {
  operationId: 'getStatistics',
  tags: ['Statistics'],
  summary: 'Figures on the users that match',
  description: 'The filters are those of `GET /data`.',
  headers: { ...headers.cacheControl, ...headers.ifNoneMatch },
  responses: {
    200: {
      description: 'The figures',
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
        nobody: example('Nobody', "'/stats?user_id=nobody&as_of=2026-01-01T00:00:00Z'", {
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
    304: { description: 'The client has them', headers: { ...headers.freshness, ...headers.caching } },
    ...problems([400, 500, 503], { headers: headers.perhapsFreshness, examples: { 400: badBinWidth } })
  }
}

export const listRejects: Operation = {
  operationId: 'listRejects',
  tags: ['Quarantine'],
  summary: 'Files that are not served, and why',
  description: 'A bad file never stops the others; the last good record of its user goes on being served. A fixed upload heals by itself.',
  headers: headers.cacheControl,
  responses: {
    200: {
      description: 'The quarantine',
      headers: headers.freshness,
      content: json(Quarantine, {
        orphan: example('An image of nobody', "'/rejects'", { counts: { rejects: 0, orphans: 1, ignored: 0 }, rejects: [], orphans: ['source_data/nobody.png'] })
      })
    },
    ...problems([400, 500, 503], { headers: headers.perhapsFreshness })
  }
}

export const getVersion: Operation = {
  operationId: 'getVersion',
  tags: ['Probes'],
  summary: 'Version and build',
  description: 'Which program responds, and since when.',
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
  responses: { 200: { description: 'It is', content: json(ProbeStatus, { [status]: example(`It is ${status}`, `'/${operationId}'`, { status }) }) }, ...responses }
})

export const livez = probe('livez', 'alive', 'Is the process alive?', 'It answers, so it is.', problems([400, 500]))
export const startupz = probe('startupz', 'started', 'Has the process started?', 'It has when it has read the source once.', problems([400, 500, 503]))
export const readyz = probe('readyz', 'ready', 'Is the process ready?', 'It has data to serve, and is not about to end.', problems([400, 500, 503]))
