import type { Readable } from 'node:stream'
import { Type } from 'typebox'
import { FAILURE_CODES } from '../../lib/base/failure-code.js'
import { WARNING_CODES } from '../../lib/base/warning.js'
import { JOB_ERROR_CODES, JOB_STATES } from '../../lib/jobs.js'
import { QUARANTINE_CODES } from '../../lib/transformer.js'
import { PROBLEM_CODES } from '../../plugins/problems/codes.js'
import { anyOf, count, integer, nullable, text, time } from './json-schema.js'

// The bodies of responses, and that of POST /events/s3. The OpenAPI document shows each schema under the name that it has in openapi/components.ts. Those that
// depend on the declared columns are in record-schemas.ts. An enumeration of a response that may grow is a string whose
// description lists its values: clients that generators make from an enum fail on any other value.

export const ParameterError = Type.Object({
  parameter: text('The name of the parameter'),
  detail: text('The value received and what is accepted')
}, { description: 'What is wrong with one parameter' })

export const RejectReason = Type.Object({
  key: text('The key of the object'),
  code: text(`What is wrong, for programs. ${anyOf(QUARANTINE_CODES)}`),
  detail: text('What is wrong, in words'),
  hint: nullable('How to correct the file; null if the service cannot suggest anything', Type.String())
}, { description: 'For `record_not_found`: why the info file, or the image without one, is not served' })

export const Warning = Type.Object({
  code: text(`What is probably not intended, for programs. ${anyOf(WARNING_CODES)}`),
  detail: text('What is probably not intended, in words')
}, { description: 'A condition that does not stop the service and was probably not intended' })

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
  restart: Type.Optional(text('For 410: the URL of the first page of the same listing in the current data; for `GET /changes`, the URL of all records', { format: 'uri-reference' })),
  continue: Type.Optional(text('For 410 of a listing: the URL of the page after the last record received, in the current data. As the data has changed, records may be missing from the listing ' +
    'as a whole, or appear twice', { format: 'uri-reference' })),
  continue_cursor: Type.Optional(text('For 410 of a listing: the cursor of `continue`'))
}, {
  description: 'An error, as in RFC 9457',
  examples: [{ type: 'urn:userlake:problem:draining', title: 'Service Unavailable', status: 503, detail: 'This process is shutting down', code: 'draining', request_id: 'kX3v9QzA-1f' }]
})

export const TableField = Type.Object({
  name: text('The name of the column'),
  type: text('The type of its values: `string`, `integer`, `number`, `boolean`, `date` or `datetime`'),
  title: Type.Optional(text('A short name for people')),
  description: Type.Optional(text('What the column means')),
  format: Type.Optional(text('How dates and datetimes are written in files: `default` or a pattern')),
  source: Type.Optional(text('`key`: the name of the info file without its extension. `image`: the key of an image. Absent: a column of the info file')),
  role: Type.Optional(text('`birth`: ages are computed from this column'))
}, { additionalProperties: true, description: 'A declared column: a field of a Table Schema' })

export const UndeclaredColumn = Type.Object({
  name: text('The name of the column'),
  records: count('The number of records that have it')
}, { description: 'A column of the files that the schema does not declare' })

export const TableSchema = Type.Object({
  title: Type.Optional(text('What the records are')),
  description: Type.Optional(text('What the records are, in one or two sentences')),
  fields: Type.Array(TableField, { description: 'The declared columns' }),
  primaryKey: text('The name of the key field'),
  fieldsMatch: text('How the columns of a file have to match the fields: `exact`, `equal`, `subset`, `superset` or `partial`'),
  undeclared_columns: Type.Array(UndeclaredColumn, { description: 'The columns of the files that the schema does not declare, in the current data' })
}, { additionalProperties: true, description: 'The Table Schema (Data Package standard, version 2) in use' })

/** Sent as it is, without the serializer. */
export const TableSchemaBody = Type.Unsafe<Buffer | string>(TableSchema)

export const ImageBody = Type.Unsafe<Readable | undefined>(Type.String({ format: 'binary' }))

export const JobTrigger = text(`What started the job. ${anyOf(['schedule', 'api', 'startup'])}`, { examples: ['api'] })
export const JobState = text(`The state of the job; \`succeeded\`, \`held\` (nothing was published, because many records would be lost) and \`failed\` are final. ${anyOf(JOB_STATES)}`, { examples: ['succeeded'] })

export const JobProgress = Type.Object({
  listed: count('The number of objects listed so far'),
  to_fetch: count('The number of info files that are new or have changed and must be downloaded'),
  fetched: count('The number of info files downloaded so far')
}, { description: 'The progress of a job' })

const output = {
  output_key: text('The key of the output'),
  etag: nullable('The ETag of the output; null if the output does not exist', Type.String()),
  bytes: Type.Integer({ format: 'int64', minimum: 0, description: 'The size in bytes of the output that was made, also if it was not written (held, dry run); `etag` is then that of the current object' }),
  skipped: Type.Boolean({ description: 'Whether nothing was written: the output was up to date, the job is held, or it is a dry run' })
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
  warnings: Type.Array(Warning, { description: 'Conditions that do not stop the service and were probably not intended' }),
  confirm: Type.Optional(text('Present if the output is held, or in a dry run would be, because it loses more records than the setting `MAX_LOSS` allows: the data version for the parameter `confirm`'))
}, { description: 'The output, and how it differs from the previous one' })

export const JobError = Type.Object({
  code: text(`What went wrong, for programs. ${anyOf(JOB_ERROR_CODES)}`),
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
  result: nullable('What the job did, or would do if it is held; null unless it has succeeded or is held', JobResult),
  error: nullable('Why the job failed; null unless it has failed', JobError)
}, { description: 'One run that reads what has changed in the lake and brings the output up to date' })

export const JobList = Type.Object({ jobs: Type.Array(Job, { description: 'The jobs, newest first' }) }, { description: 'The recent jobs' })

const Bucket = Type.Object({ name: text('The name of the bucket') })

export const BucketNotification = Type.Object({
  Records: Type.Optional(Type.Array(Type.Object({
    eventName: text('What happened: `ObjectCreated:Put` or `s3:ObjectRemoved:Delete`, for example'),
    eventSource: Type.Optional(text('What has sent it: `aws:s3`, `minio:s3` or `ceph:s3`')),
    s3: Type.Object({ bucket: Bucket, object: Type.Object({ key: text('The key of the object, encoded as in a query string unless `eventSource` is `ceph:s3`') }) })
  }), { description: 'The events, in a notification of S3, MinIO or Ceph' })),
  Event: Type.Optional(text('`s3:TestEvent`, in a message of S3 that has no events')),
  'detail-type': Type.Optional(text('What happened, in a notification of EventBridge: `Object Created`, for example')),
  detail: Type.Optional(Type.Object({ bucket: Bucket, object: Type.Object({ key: text('The key of the object, as it is') }) }, { description: 'The object, in a notification of EventBridge' }))
}, { description: 'A notification of S3, MinIO, Ceph or EventBridge: `Records`, or `detail-type` and `detail`, or `Event`. Other members are ignored. An event only names an object that may have changed: its ETag and size are read from the store' })

export const EventCounts = Type.Object({
  accepted: count('The number of events whose objects are re-checked'),
  ignored: count('The number of events of other buckets (if the lake is a folder, the events of all buckets are accepted), of objects that are neither info files nor images of the lake, and of keys that cannot be decoded, are longer than 1,024 bytes, or have `.` or `..` as a part of the path')
}, { description: 'What becomes of the events of a notification' })

export const SourceVersion = Type.Object({
  key: text('The key of the object'),
  etag: text('Its ETag')
}, { description: 'One version of an object' })

export const QuarantineCounts = Type.Object({
  rejects: count('The number of rejected info files'),
  orphans: count('The number of images without an info file'),
  ignored: count('The number of objects that are neither info files nor images')
}, { description: 'The numbers of objects that are not served' })

export const IgnoredObjects = Type.Object({
  extension: nullable('The extension in lower case, without the dot; null for all keys without an extension, and for all extensions beyond the first 100', Type.String()),
  count: count('The number of objects'),
  example: text('The key of one of them')
}, { description: 'Objects that are neither info files nor images' })

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
