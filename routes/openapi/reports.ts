import { Type } from 'typebox'
import { perSchema } from '../http/per-schema.js'
import { recordSchemas } from '../http/record-schemas.js'
import { schemaInForce } from '../http/schema-in-force.js'
import { ProbeStatus, Readiness, TableSchema, Version } from '../http/schemas.js'
import { DEFAULTS } from '../../lib/base/defaults.js'
import { version } from '../../lib/base/package-info.js'
import { compileSchema } from '../../lib/schema/schema.js'
import { USERS_SCHEMA } from '../../lib/schema/users-schema.js'
import * as headers from './headers.js'
import type { Header } from './headers.js'
import { example, json, NOT_MODIFIED, type Examples, type Media, type Operation } from './operation.js'
import { badBinWidth, noSuchEncoding, noSuchRejectFormat } from './problem-examples.js'
import { problems } from './problems.js'

/** The statistics of the sample records with an age of 80 or more. */
const OVER_80 = {
  count: 18,
  average_age: 85.63468704844475,
  median_age: 86.18651608487338,
  youngest_age: 80.28781656399727,
  oldest_age: 89.88398357289527,
  with_image: 17,
  age_histogram: [{ min_age: 80, max_age: 89, count: 18 }],
  as_of: '2026-01-01T00:00:00.000Z'
}

export const getStatistics = perSchema((schema): Operation => ({
  operationId: 'getStatistics',
  tags: ['Statistics'],
  summary: 'Statistics of the records that match',
  description: 'The filters are those of `GET /data`. With the scope `stats` but not `read`, the following applies. There can be no filter or group by the key of a record or of an image, and no `q`. ' +
    'If fewer than 5 records match, the response is 403. Groups and bins of fewer than 5 records are omitted; `other` counts the records of such groups, and is omitted if it has fewer than 5. Columns with fewer than 5 values are omitted. ' +
    'The lowest and highest values are null, and histograms of columns are empty. Fewer than 5 images count as 0.',
  headers: { ...headers.cacheControl, ...headers.ifNoneMatch, ...headers.ifMatch },
  responses: {
    200: {
      description: 'The statistics',
      headers: { ...headers.freshness, ...headers.lastGoodRecords, ...headers.caching, ...headers.varyEncoding, ...headers.contentEncoding },
      content: json(recordSchemas(schema).named.Statistics, {
        over80: example('Records with an age of 80 or more', "'/stats?min_age=80&as_of=2026-01-01T00:00:00Z'", OVER_80),
        groups: example('The most frequent ages of 80 or more', "'/stats?group_by=age&limit=2&min_age=80&as_of=2026-01-01T00:00:00Z'", {
          ...OVER_80,
          group_by: 'age',
          groups: [{ value: 89, count: 4 }, { value: 80, count: 2 }],
          other: { groups: 8, count: 12 }
        }),
        none: example('No record matches', "'/stats?user_id=9999&as_of=2026-01-01T00:00:00Z'", {
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
    304: { description: NOT_MODIFIED, headers: { ...headers.freshness, ...headers.lastGoodRecords, ...headers.caching, ...headers.varyEncoding } },
    ...problems([400, 403, 406, 412, 500, 503], {
      headers: headers.optionalFreshness,
      examples: { 400: badBinWidth, 406: noSuchEncoding('/stats') },
      headersOf: { 403: headers.authenticate, 406: headers.varyEncoding }
    })
  }
}))

export const getSchema: Operation = {
  operationId: 'getSchema',
  tags: ['Schema'],
  summary: 'The schema in use',
  description: 'The declared columns as a Table Schema of the Data Package standard, with the default values filled in, and the undeclared columns of the files. The ' +
    'response can be used as a schema file.',
  headers: { ...headers.cacheControl, ...headers.ifNoneMatch, ...headers.ifMatch },
  responses: {
    200: {
      description: 'The schema',
      headers: { ...headers.freshness, ...headers.caching, ...headers.varyEncoding, ...headers.contentEncoding },
      content: json(TableSchema, {
        users: example('The default schema', "'/schema'", { ...schemaInForce(compileSchema(USERS_SCHEMA), DEFAULTS.imageExtensions), undeclared_columns: [] })
      })
    },
    304: { description: NOT_MODIFIED, headers: { ...headers.freshness, ...headers.caching, ...headers.varyEncoding } },
    ...problems([400, 406, 412, 500, 503], { headers: headers.optionalFreshness, examples: { 406: noSuchEncoding('/schema') }, headersOf: { 406: headers.varyEncoding } })
  }
}

interface RejectListing {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly content: Readonly<Record<string, Media>>
  readonly vary: Readonly<Record<string, Header>>
  readonly notAcceptable: Examples
}

/** An operation that returns a page of the quarantine. */
function rejectListing ({ operationId, summary, description, content, vary, notAcceptable }: RejectListing): Operation {
  return {
    operationId,
    tags: ['Quarantine'],
    summary,
    description,
    headers: { ...headers.cacheControl, ...headers.ifNoneMatch, ...headers.ifMatch },
    responses: {
      200: {
        description: 'A page of the files that are not served',
        headers: { ...headers.freshness, ...headers.caching, ...headers.paging, ...vary, ...headers.contentEncoding },
        content
      },
      304: { description: NOT_MODIFIED, headers: { ...headers.freshness, ...headers.caching, ...vary } },
      ...problems([400, 406, 412, 500, 503], { headers: headers.optionalFreshness, examples: { 406: notAcceptable }, headersOf: { 406: vary } })
    }
  }
}

const QUARANTINE = 'A bad file does not affect the others, and the last good version of its record is served. A file that is corrected and uploaded again is read after the next listing of the lake. ' +
  'The entries are ordered by object key. Each page is computed from the current data; `Next-Cursor` continues after the last object key of the page.'

export const listRejects = perSchema((schema) => rejectListing({
  operationId: 'listRejects',
  summary: 'Files that are not served, and why',
  description: `${QUARANTINE} The format can also be chosen by the parameter \`format\` (\`json\` or \`csv\`) or by \`Accept\`; \`/rejects.csv\` is the same as ` +
    '`format=csv`.',
  vary: headers.varyRepresentation,
  content: json(recordSchemas(schema).named.Quarantine, {
    orphan: example('An image without an info file', "'/rejects'", {
      counts: { rejects: 0, orphans: 1, ignored: 0 },
      entries: [{
        user_id: 'no-info-file',
        key: 'source_data/no-info-file.png',
        etag: '2x-dn30xozmf7iw-dn30xozmm3l7-371i0',
        code: 'orphan',
        detail: 'No info file has the same name before the extension',
        hint: null,
        line: null,
        column: null,
        excerpt: null,
        last_good: null
      }],
      ignored: []
    })
  }),
  notAcceptable: noSuchRejectFormat
}))

export const exportRejectsCsv = rejectListing({
  operationId: 'exportRejectsCsv',
  summary: 'Files that are not served, and why, as CSV',
  description: QUARANTINE,
  vary: headers.varyEncoding,
  content: {
    'text/csv': {
      schema: Type.String({ description: 'CSV as in RFC 4180, with a header' }),
      examples: {
        none: example('A code that no file has', "'/rejects.csv?code=empty_file'", 'user_id,key,etag,code,detail,hint,line,column,excerpt,last_good_key,last_good_etag\r\n')
      }
    }
  },
  notAcceptable: noSuchEncoding('/rejects.csv')
})

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

export const getMetrics: Operation = {
  operationId: 'getMetrics',
  tags: ['Probes'],
  summary: 'Metrics for Prometheus',
  description: 'Requests, reconciles (listings of the lake with the downloads of what has changed), operations on the lake, jobs, the age of the data and the memory, in the text format of Prometheus.',
  responses: {
    200: { description: 'The metrics', content: { 'text/plain': { schema: Type.String({ description: 'The text format of Prometheus, version 0.0.4' }) } } },
    ...problems([400, 500])
  }
}

const probe = (operationId: string, status: string, summary: string, description: string, responses: Operation['responses']): Operation => ({
  operationId,
  tags: ['Probes'],
  summary,
  description,
  responses: { 200: { description: `The process is ${status}`, content: json(ProbeStatus, { [status]: example(`The process is ${status}`, `'/${operationId}'`, { status }) }) }, ...responses }
})

export const livez = probe('livez', 'alive', 'Liveness', '200 as long as the process can respond.', problems([400, 500]))
export const startupz = probe('startupz', 'started', 'Startup', '200 once the process has read the lake for the first time, otherwise 503.', problems([400, 500, 503]))
export const readyz: Operation = {
  operationId: 'readyz',
  tags: ['Probes'],
  summary: 'Readiness',
  description: '200 if the process has data to serve and is not shutting down, otherwise 503. In both cases `details` lists why the data may be outdated, and warnings.',
  responses: {
    200: { description: 'The process is ready', content: json(Readiness, { ready: example('The process is ready', "'/readyz'", { status: 'ready', details: [] }) }) },
    ...problems([400, 500, 503])
  }
}
