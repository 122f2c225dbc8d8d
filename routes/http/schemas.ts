import type { Readable } from 'node:stream'
import { Type, type TSchema } from 'typebox'
import { FAILURE_CODES } from '../../lib/base/failure-code.js'
import { SORT_COLUMNS } from '../../lib/query/data-version.js'
import { REJECT_CODES } from '../../lib/transformer.js'
import { PROBLEM_CODES } from '../../plugins/problem-codes.js'

// What answers look like. The OpenAPI document shows each under the name that it has in openapi/components.ts.

const Nullable = <T extends TSchema>(type: T) => Type.Union([type, Type.Null()])
const Count = Type.Integer({ minimum: 0 })
const Time = Type.String({ format: 'date-time' })
/** Codes of which more may come, so they are no enumeration. */
const listOf = (codes: readonly string[]) => `One of ${codes.map((code) => `\`${code}\``).join(', ')}; more may come`
const Choice = <const T extends string[]>(values: T) => Type.Enum(values, { type: 'string' })

/** The values of a parameter. `default` is that of the parameter. */
export const AgeBasis = {
  type: 'string',
  enum: ['completed', 'exact'],
  default: 'completed',
  description: '`completed`: completed calendar years. `exact`: elapsed time in years of 365.25 days.'
} as const

export const RecordSort = {
  type: 'string',
  enum: SORT_COLUMNS.flatMap((column) => [column, `-${column}`] as const),
  default: 'user_id',
  description: 'The column by which records are sorted; `-` reverses the order. Records that are equal in that column are sorted by `user_id`.'
} as const

export const ParameterError = Type.Object({
  parameter: Type.String(),
  detail: Type.String({ description: 'What it got and what it takes' })
})

export const Problem = Type.Object({
  type: Type.String({ format: 'uri', description: 'A URN made of the code' }),
  title: Type.String({ description: 'The name of the status' }),
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  detail: Type.String({ description: 'One sentence for a person' }),
  code: Type.String({ pattern: '^[a-z_]+$', description: `What programs can rely on. ${listOf(Object.keys(PROBLEM_CODES))}` }),
  request_id: Type.String({ description: 'The `Request-Id` of the response, which is in the log as well' }),
  errors: Type.Optional(Type.Array(ParameterError, { description: 'What is wrong with each parameter' })),
  restart: Type.Optional(Type.String({ format: 'uri-reference', description: 'Of 410: the first page of the same listing on the current data' })),
  continue_cursor: Type.Optional(Type.String({ description: 'Of 410: the cursor of `continue`' })),
  continue: Type.Optional(Type.String({ format: 'uri-reference', description: 'Of 410: the current data behind the last record; users may be missed or come twice' }))
}, {
  description: 'Any answer that is an error, as RFC 9457 has it',
  examples: [{ type: 'urn:userlake:problem:draining', title: 'Service Unavailable', status: 503, detail: 'This process is about to end', code: 'draining', request_id: 'kX3v9QzA-1f' }]
})

const columns = {
  user_id: Type.String({ description: 'The name of the info file without its extension' }),
  first_name: Type.String({ description: 'May be empty' }),
  last_name: Type.String({ description: 'May be empty' }),
  birthts: Type.Integer({ format: 'int64', description: 'Birth, in milliseconds since 1970-01-01 UTC' }),
  img_path: Nullable(Type.String({ description: 'The key of the picture in the bucket; null without a picture' }))
}

export const RecordObject = Type.Object(columns, { description: 'One user' })

export const RecordSelection = Type.Partial(Type.Object(columns), {
  // Generators for Go and TypeScript fail on a schema of several types here.
  additionalProperties: true,
  description: 'One record, in the columns of the parameter `columns`; without it, in the five of a Record. Undeclared columns are text, or null if the file does not have them.'
})

// These are sent as they come, without another look by the serializer.
export const RecordArray = Type.Unsafe<Readable>(Type.Array(RecordObject))
export const OneRecord = Type.Unsafe<string>(RecordObject)
export const ImageBody = Type.Unsafe<Readable | undefined>(Type.String({ format: 'binary' }))

export const AgeBin = Type.Object({
  min_age: Type.Integer({ description: 'The least age in the bin, in completed years' }),
  max_age: Type.Integer({ description: 'The greatest age in the bin, in completed years' }),
  count: Count
})

export const Statistics = Type.Object({
  count: Count,
  average_age: Type.Number({ description: 'Mean age in years of 365.25 days; -1 where nobody matches' }),
  median_age: Nullable(Type.Number()),
  youngest_age: Nullable(Type.Number()),
  oldest_age: Nullable(Type.Number()),
  with_image: Type.Integer({ minimum: 0, description: 'How many have a picture' }),
  age_histogram: Type.Array(AgeBin),
  as_of: Type.String({ format: 'date-time', description: 'The instant of the ages' })
}, { description: 'Figures on the users that match; null where nobody does' })

export const JobProgress = Type.Object({ listed: Count, to_fetch: Count, fetched: Count }, { description: 'Objects so far' })

const Output = {
  output_key: Type.String(),
  etag: Nullable(Type.String({ description: 'Of the output' })),
  bytes: Type.Integer({ format: 'int64', minimum: 0 }),
  skipped: Type.Boolean({ description: 'Nothing was written' })
}

export const OtherOutput = Type.Object(Output, { description: 'An output in another format' })

export const JobResult = Type.Object({
  records: Count,
  added: Count,
  changed: Count,
  removed: Count,
  rejected: Type.Integer({ minimum: 0, description: 'Files in the quarantine' }),
  ...Output,
  other_outputs: Type.Array(OtherOutput, { description: 'The outputs in other formats' })
}, { description: 'The output, and how its users differ from those of the one before' })

export const JobError = Type.Object({ code: Type.String({ description: `What went wrong, for programs. ${listOf(FAILURE_CODES)}` }), detail: Type.String() })

export const Job = Type.Object({
  id: Type.String(),
  instance: Type.String({ description: 'The process that runs the job' }),
  trigger: Choice(['schedule', 'api', 'startup']),
  dry_run: Type.Boolean(),
  state: Choice(['waiting', 'running', 'succeeded', 'failed']),
  created_at: Time,
  started_at: Nullable(Time),
  finished_at: Nullable(Time),
  progress: JobProgress,
  result: Nullable(JobResult),
  error: Nullable(JobError)
}, { description: 'One run that reconciles with the bucket and publishes the output' })

export const JobList = Type.Object({ jobs: Type.Array(Job, { description: 'The newest first' }) })

export const SourceVersion = Type.Object({ key: Type.String(), etag: Type.String() })

export const Reject = Type.Object({
  user_id: Nullable(Type.String({ description: 'null where the key gives no valid one' })),
  key: Type.String(),
  etag: Type.String(),
  code: Type.String({ description: `What is wrong, for programs. ${listOf(REJECT_CODES)}` }),
  detail: Type.String({ description: 'What is wrong, for people' }),
  line: Nullable(Type.Integer({ minimum: 1 })),
  column: Nullable(Type.String()),
  excerpt: Nullable(Type.String({ description: 'The beginning of what was found there' })),
  last_good: Nullable(SourceVersion)
}, { description: 'A file that is not served; `last_good` is what is served for its user instead' })

export const Quarantine = Type.Object({
  counts: Type.Object({ rejects: Count, orphans: Count, ignored: Count }),
  rejects: Type.Array(Reject),
  orphans: Type.Array(Type.String(), { description: 'Keys of images that belong to nobody' })
}, { description: 'What is in the source and not in the data' })

export const Version = Type.Object({
  version: Type.String({ description: 'The version of Userlake' }),
  build: Nullable(Type.String({ description: 'The setting `BUILD`, such as a commit; null if it is not set' })),
  node: Type.String({ description: 'The version of Node.js' }),
  started_at: Type.String({ format: 'date-time', description: 'When the process started' })
}, { description: 'Which program responds' })

export const ProbeStatus = Type.Object({ status: Choice(['alive', 'started', 'ready']) })
