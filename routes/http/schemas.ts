import type { Readable } from 'node:stream'
import { Type, type TSchema } from 'typebox'
import { FAILURE_CODES } from '../../lib/base/failure-code.js'
import { WARNING_CODES } from '../../lib/base/warning.js'
import { USERS_SCHEMA } from '../../lib/schema/users-schema.js'
import { QUARANTINE_CODES } from '../../lib/transformer.js'
import { PROBLEM_CODES } from '../../plugins/problems/codes.js'

// The bodies of responses, and the enumerations of parameters. The OpenAPI document shows each schema under the name that it
// has in openapi/components.ts. An enumeration of a response that may grow is a string whose description lists its values:
// clients that generators make from an enum fail on any other value.

const text = (description: string, rules: object = {}) => Type.String({ description, ...rules })
const nullable = <T extends TSchema>(description: string, type: T) => Type.Union([type, Type.Null()], { description })
const integer = (description: string, rules: object = {}) => Type.Integer({ format: 'int32', description, ...rules })
const count = (description: string) => integer(description, { minimum: 0 })
const number = (rules: object = {}) => Type.Number({ format: 'double', ...rules })
const time = (description: string) => text(description, { format: 'date-time' })
const anyOf = (values: readonly string[]) => `One of ${values.map((value) => `\`${value}\``).join(', ')}; more may be added`

/** The values of a parameter. `default` is that of the parameter. */
export const AgeBasis = {
  type: 'string',
  enum: ['completed', 'exact'],
  default: 'completed',
  description: '`completed`: completed calendar years. `exact`: elapsed time in years of 365.25 days.'
} as const

export const RecordSort = {
  type: 'string',
  enum: USERS_SCHEMA.fields.filter(({ source }) => source !== 'image').map(({ name }) => name).flatMap((column) => [column, `-${column}`] as const),
  default: 'user_id',
  description: 'The column by which records are sorted; `-` reverses the order. Records that are equal in that column are sorted by `user_id`.'
} as const

export const ParameterError = Type.Object({
  parameter: text('The name of the parameter'),
  detail: text('The value received and what is accepted')
}, { description: 'What is wrong with one parameter' })

export const RejectReason = Type.Object({
  key: text('The key of the object'),
  code: text(`What is wrong, for programs. ${anyOf(QUARANTINE_CODES)}`),
  detail: text('What is wrong, in words'),
  hint: nullable('How to correct the file; null if the service cannot suggest anything', Type.String())
}, { description: 'For `record_not_found`: why the info file of the record is not served' })

export const Warning = Type.Object({
  code: text(`What is probably not intended, for programs. ${anyOf(WARNING_CODES)}`),
  detail: text('What is probably not intended, in words')
}, { description: 'Something that is allowed and was probably not intended' })

export const Detail = Type.Object({
  code: text(`A code of \`Data-Stale\` or of a warning, for programs. ${anyOf([...FAILURE_CODES, ...WARNING_CODES])}`),
  detail: text('What the problem is, in words')
}, { description: 'A reason why the data may be outdated, or a warning' })

export const Problem = Type.Object({
  type: text('A URN made from the code', { format: 'uri' }),
  title: text('The reason phrase of the HTTP status'),
  status: integer('The HTTP status', { minimum: 400, maximum: 599 }),
  detail: text('What is wrong, in words'),
  code: text(`What is wrong, for programs. ${anyOf(Object.keys(PROBLEM_CODES))}`, { pattern: '^[a-z_]+$' }),
  request_id: text('The `Request-Id` of the response, which is in the log as well'),
  errors: Type.Optional(Type.Array(ParameterError, { description: 'For `invalid_parameter`: what is wrong with each parameter' })),
  reject: Type.Optional(RejectReason),
  details: Type.Optional(Type.Array(Detail, { description: 'For `GET /readyz`: why the data may be outdated, and warnings' })),
  restart: Type.Optional(text('For 410: the URL of the first page of the same listing in the current data', { format: 'uri-reference' })),
  continue: Type.Optional(text('For 410: the URL of the page that follows the last record received, in the current data; over the whole listing, records may then be missing or appear twice', { format: 'uri-reference' })),
  continue_cursor: Type.Optional(text('For 410: the cursor of `continue`'))
}, {
  description: 'An error, as in RFC 9457',
  examples: [{ type: 'urn:userlake:problem:draining', title: 'Service Unavailable', status: 503, detail: 'This process is shutting down', code: 'draining', request_id: 'kX3v9QzA-1f' }]
})

const columns = {
  user_id: text('The name of the info file without its extension'),
  first_name: text('The first name; may be empty'),
  last_name: text('The last name; may be empty'),
  birthts: Type.Integer({ format: 'int64', description: 'The time of birth, in milliseconds since 1970-01-01 UTC' }),
  img_path: nullable('The key of the image in the bucket; null if there is none', Type.String())
}

export const RecordObject = Type.Object(columns, { description: 'One record' })

export const RecordSelection = Type.Partial(Type.Object(columns), {
  // Generators for Go and TypeScript fail on a schema of several types here.
  additionalProperties: true,
  description: 'One record in the columns of the parameter `columns`; without it, in the five columns of a Record. Undeclared columns are text, or null if the file does not have them.'
})

// Already serialised when they reach Fastify.
export const RecordArray = Type.Unsafe<Readable>(Type.Array(RecordObject))
export const OneRecord = Type.Unsafe<string>(RecordObject)
export const ImageBody = Type.Unsafe<Readable | undefined>(Type.String({ format: 'binary' }))

export const AgeBin = Type.Object({
  min_age: integer('The least age in the bin, in completed years'),
  max_age: integer('The greatest age in the bin, in completed years'),
  count: count('The number of records in the bin')
}, { description: 'A bin of the histogram' })

export const Statistics = Type.Object({
  count: count('The number of records that match'),
  average_age: number({ description: 'The mean age in years of 365.25 days; -1 if no record matches' }),
  median_age: nullable('The median age in years of 365.25 days; null if no record matches', number()),
  youngest_age: nullable('The least age in years of 365.25 days; null if no record matches', number()),
  oldest_age: nullable('The greatest age in years of 365.25 days; null if no record matches', number()),
  with_image: count('The number of records that have an image'),
  age_histogram: Type.Array(AgeBin, { description: 'The number of records by age; bins without records are omitted' }),
  as_of: time('The instant for which ages are computed')
}, { description: 'Statistics of the records that match' })

export const JobTrigger = text(`What started the job. ${anyOf(['schedule', 'api', 'startup'])}`, { examples: ['api'] })
export const JobState = text(`The state of the job; \`succeeded\` and \`failed\` are final. ${anyOf(['waiting', 'running', 'succeeded', 'failed'])}`, { examples: ['succeeded'] })

export const StatisticsBody = Type.Unsafe<Buffer | string>(Statistics)

export const JobProgress = Type.Object({
  listed: count('The objects listed'),
  to_fetch: count('The number of info files that are new or have changed and must be downloaded'),
  fetched: count('The number of info files downloaded so far')
}, { description: 'The progress of a job' })

const output = {
  output_key: text('The key of the output in the bucket'),
  etag: nullable('The ETag of the output; null if there is none', Type.String()),
  bytes: Type.Integer({ format: 'int64', minimum: 0, description: 'The size of the output in bytes' }),
  skipped: Type.Boolean({ description: 'Whether nothing was written: the output was up to date, or the job is a dry run' })
}

export const OtherOutput = Type.Object(output, { description: 'An output in another format' })

export const JobResult = Type.Object({
  records: count('The number of records in the output'),
  added: count('The number of records that the previous output does not contain'),
  changed: count('The number of records that differ from the previous output'),
  removed: count('The number of records that only the previous output contains'),
  rejected: count('The number of rejected info files'),
  ...output,
  other_outputs: Type.Array(OtherOutput, { description: 'The outputs in other formats' }),
  warnings: Type.Array(Warning, { description: 'Warnings: what is allowed and was probably not intended' })
}, { description: 'The output, and how it differs from the previous one' })

export const JobError = Type.Object({
  code: text(`What went wrong, for programs. ${anyOf(FAILURE_CODES)}`),
  detail: text('What went wrong, in words')
}, { description: 'Why a job failed' })

export const Job = Type.Object({
  id: text('The id of the job'),
  instance: text('The id of the process that runs the job'),
  trigger: JobTrigger,
  dry_run: Type.Boolean({ description: 'Whether the job only reports what would change' }),
  state: JobState,
  created_at: time('When the job was created'),
  started_at: nullable('When the job was started; null if it is waiting', Type.String({ format: 'date-time' })),
  finished_at: nullable('When the job ended; null if it has not ended yet', Type.String({ format: 'date-time' })),
  progress: JobProgress,
  result: nullable('What the job did; null unless it has succeeded', JobResult),
  error: nullable('Why the job failed; null unless it has failed', JobError)
}, { description: 'A run that reconciles with the bucket and publishes the output' })

export const JobList = Type.Object({ jobs: Type.Array(Job, { description: 'The jobs, newest first' }) }, { description: 'The recent jobs' })

export const SourceVersion = Type.Object({
  key: text('The key of the object'),
  etag: text('Its ETag')
}, { description: 'One version of an object in the bucket' })

export const QuarantineEntry = Type.Object({
  user_id: nullable('The id of the record; null if the key contains no valid id', Type.String()),
  key: text('The key of the object'),
  etag: text('The ETag of the object'),
  code: text(`What is wrong, for programs. ${anyOf(QUARANTINE_CODES)}`),
  detail: text('What is wrong, in words'),
  hint: nullable('How to correct the file; null if the service cannot suggest anything', Type.String()),
  line: nullable('The number of the line with the error, from 1; null if the error has no position', Type.Integer({ format: 'int32', minimum: 1 })),
  column: nullable('The name of the column with the error; null if it concerns none or several', Type.String()),
  excerpt: nullable('The beginning of the wrong text; null if there is none', Type.String()),
  last_good: nullable('The version of the info file that is served instead; null if there is none', SourceVersion)
}, { description: 'An info file that is not served, or an image without an info file (`orphan`)' })

export const QuarantineCounts = Type.Object({
  rejects: count('The number of info files that are not served'),
  orphans: count('The number of images without an info file'),
  ignored: count('The number of objects that are neither info files nor images')
}, { description: 'How many objects of the bucket are not in the data' })

export const IgnoredObjects = Type.Object({
  extension: nullable('The extension in lower case, without the dot; null for keys without one, and for all beyond the first 100 extensions', Type.String()),
  count: count('The number of objects'),
  example: text('The key of one of them')
}, { description: 'Objects that are neither info files nor images' })

export const Quarantine = Type.Object({
  counts: QuarantineCounts,
  entries: Type.Array(QuarantineEntry, { description: 'The entries of this page, ordered by the bytes of their keys' }),
  ignored: Type.Array(IgnoredObjects, { description: 'The ignored objects by extension, the most frequent one first' })
}, { description: 'The objects of the bucket that are not in the data' })

/** Sent as it is, without the serializer. */
export const QuarantineBody = Type.Unsafe<Buffer>(Quarantine)

export const Version = Type.Object({
  version: text('The version of Userlake'),
  build: nullable('The setting `BUILD`, such as a commit; null if it is not set', Type.String()),
  node: text('The version of Node.js'),
  started_at: time('When the process started')
}, { description: 'The version of the program' })

export const ProbeStatus = Type.Object({
  status: text(`The state of the process. ${anyOf(['alive', 'started', 'ready'])}`)
}, { description: 'The response of a probe' })

export const Readiness = Type.Object({
  status: text(`The state of the process. ${anyOf(['ready'])}`),
  details: Type.Array(Detail, { description: 'Why the data may be outdated, and warnings; empty if there is nothing to report' })
}, { description: 'The response of `GET /readyz`' })
