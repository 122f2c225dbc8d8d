import { Type, type Static } from 'typebox'
import { DEFAULTS } from '../../lib/base/defaults.js'
import { DECLARED_COLUMNS } from '../../lib/schema/record.js'

const text = (takes: string, byDefault: string, rules: object = {}) =>
  Type.String({ description: takes, default: byDefault, ...rules })

/**
 * All settings, by the names of their environment variables: the only place where they are declared. A description says
 * what the setting takes; error messages and the README use it.
 */
export const SettingsSchema = Type.Object({
  PORT: Type.Integer({ minimum: 0, maximum: 65535, default: 8080, description: 'the TCP port to listen on, 0 to 65535 (0: any free one)' }),
  HOST: text('the address to listen on', '127.0.0.1', { minLength: 1 }),
  ALLOWED_HOSTS: text('the names that requests may use for this service in Host: separated by commas, such as localhost,[::1],api.example, or * for any (empty: localhost, 127.0.0.1 and [::1] if HOST is one of them, else any)', '', { format: 'host-list' }),
  LOG_LEVEL: text('how much is logged: fatal, error, warn, info, debug, trace or silent', 'info', { enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] }),
  LOG_REQUESTS: Type.Boolean({ default: true, description: 'true or false: whether each request is logged, in one line' }),
  BUILD: text('the build that GET /version and the log report, such as a commit', '', { maxLength: 100 }),
  LAKE_URL: text('the bucket or folder: s3://<bucket> or file:<folder> (empty: the embedded lake in ./lake, filled with sample data if it is not there)', '', { format: 'lake-url' }),
  SOURCE_PREFIX: text('where the source files lie in the lake: empty, or a path that ends in a slash', DEFAULTS.sourcePrefix, { format: 'prefix' }),
  OUTPUT_KEY: text('the key of the aggregated output: a path, never read as input', DEFAULTS.outputKey, { format: 'key' }),
  AGGREGATE_INTERVAL: text('how often the output is brought up to date: a duration from 1s to 1h, such as 30s or 5m', '5m', { format: 'interval' }),
  PUBLISH: Type.Boolean({ default: true, description: 'true or false: whether the output is published; false writes nothing to the lake, so that read access is enough' }),
  MAX_STALENESS: text('how old the data may be before a request refreshes it: a duration such as 500ms, 2s or 1m', DEFAULTS.maxStaleness, { format: 'duration' }),
  REFRESH_WAIT: text('how long a request waits for that refresh: a duration such as 500ms or 1s', DEFAULTS.refreshWait, { format: 'duration' }),
  MAX_STALE_IF_ERROR: text('how old data may be served while the bucket can\'t be read: a duration such as 10m or 1d, or unlimited', DEFAULTS.maxStaleIfError, { format: 'duration-or-unlimited' }),
  SHUTDOWN_TIMEOUT: text('how long a shutdown waits for a running job: a duration such as 10s', '10s', { format: 'duration' }),
  VERSIONS_MAX_AGE: text('how long an old data version is held for those who page through it: a duration such as 10m', DEFAULTS.versionsMaxAge, { format: 'duration' }),
  VERSIONS_MAX_BYTES: text('how much memory old data versions may take together: a size such as 512MiB or 2GiB, or auto, the lesser of 256MiB and one eighth of the memory of the container or machine', DEFAULTS.versionsMaxBytes, { format: 'size-or-auto' }),
  AGE_TIME_ZONE: text('the time zone whose calendar counts completed years: an IANA name such as UTC or Europe/Moscow', DEFAULTS.timeZone, { format: 'time-zone' }),
  IMAGE_EXTENSIONS: text('the extensions of images: a comma-separated list of letters and digits', DEFAULTS.imageExtensions.join(','), { pattern: '^[A-Za-z0-9]+(,[A-Za-z0-9]+)*$' }),
  INPUT_DELIMITER: text('what stands between the fields of an info file: 1 to 8 characters, no quote and no line end; \\t is a tab', DEFAULTS.delimiter, { format: 'delimiter' }),
  OUTPUT_FORMATS: text('the formats of the output: csv, or csv,parquet, which adds a Parquet file beside it', 'csv', { enum: ['csv', 'csv,parquet'] }),
  OUTPUT_COLUMNS: text('the columns of the output, in that order: a comma-separated list without doubles', DECLARED_COLUMNS.join(','), { format: 'column-list' }),
  OUTPUT_DELIMITER: text('what stands between the fields of the output: 1 to 8 characters, no quote and no line end; \\t is a tab', DEFAULTS.delimiter, { format: 'delimiter' }),
  OUTPUT_EMPTY_VALUE: text('what the output shows where there is no value', '', { maxLength: 64 }),
  OUTPUT_ESCAPE_FORMULAS: Type.Boolean({ default: false, description: 'true or false: whether the output puts an apostrophe before text that a spreadsheet takes for a formula' }),
  AWS_ENDPOINT_URL_S3: text('the endpoint of the S3 server, an http or https URL (empty: AWS, or AWS_ENDPOINT_URL)', '', { format: 'endpoint-url' }),
  AWS_ENDPOINT_URL: text('the endpoint for all AWS services, an http or https URL (empty: AWS)', '', { format: 'endpoint-url' }),
  AWS_REGION: text('the region of the bucket: letters, digits and hyphens (empty: as configured for AWS; us-east-1 at another endpoint)', '', { pattern: '^[A-Za-z0-9-]*$' })
}, { additionalProperties: false })

export type Settings = Static<typeof SettingsSchema>
