import { Type, type Static } from 'typebox'
import { DEFAULTS } from '../../lib/base/defaults.js'
import { DELIMITERS } from '../../lib/base/delimiter.js'
import { DUPLICATE_RULES, INPUT_ENCODINGS } from '../../lib/base/info-formats.js'

/**
 * `description` is for docs/reference.md and .env.example; `accepted` completes the error message "must be ...". The rule `isSecret` keeps the value out of
 * the log.
 */
interface SettingDocs { readonly description: string, readonly accepted: string }

const text = (docs: SettingDocs & { readonly default: string }, rules: object = {}) => Type.String({ ...docs, ...rules })
const choice = <const T extends string[]>(values: T, docs: Omit<SettingDocs, 'accepted'> & { readonly default: T[number] }) =>
  Type.String({ ...docs, accepted: `one of ${values.join(', ')}`, enum: values })
const boolean = (docs: Omit<SettingDocs, 'accepted'> & { readonly default: boolean }) => Type.Boolean({ ...docs, accepted: 'true or false' })

const PROVIDER_URL = 'an https URL, or an http URL of this machine, or empty'
const ENDPOINT = 'an http or https URL, or empty'
const ENGINE_NAME = '1 to 64 letters, digits, hyphens and underscores'
const ENGINE_NAME_PATTERN = '^[A-Za-z0-9_-]{1,64}$'

/** All settings, by the names of their environment variables; this is their only definition. */
export const SettingsSchema = Type.Object({
  PORT: Type.Integer({ minimum: 0, maximum: 65535, default: 8080, description: 'The TCP port to listen on; 0 is any free one', accepted: 'an integer from 0 to 65535' }),
  HOST: text({ default: '127.0.0.1', description: 'The address to listen on', accepted: 'an address or name of this machine' }, { minLength: 1 }),
  ALLOWED_HOSTS: text({
    default: '',
    description: 'The host names in the header Host for which requests are accepted; *: any name; empty: localhost, 127.0.0.1 and [::1] if HOST is a loopback name or ' +
      'address, otherwise any name',
    accepted: 'a comma-separated list of host names or addresses without ports, such as localhost,[::1],api.example, or *, or empty'
  }, { format: 'host-list' }),
  API_KEYS: text({
    default: '',
    description: 'The API keys of clients, by their hashes (userlake key); if API_KEYS, API_KEYS_FILE and JWT_ISSUER are all empty, no request needs credentials',
    accepted: 'entries <name>:<scopes>:<hash>, separated by commas or spaces, or empty'
  }, { isSecret: true }),
  API_KEYS_FILE: text({
    default: '',
    description: 'A file of further API keys, one a line; it is read again when it has changed',
    accepted: 'the path of a file, or empty'
  }),
  JWT_ISSUER: text({
    default: '',
    description: 'The identity provider whose JSON Web Tokens are accepted, exactly as their claim iss has it; empty: none',
    accepted: PROVIDER_URL
  }, { format: 'provider-url' }),
  JWT_AUDIENCE: text({ default: '', description: 'The name of this service in the claim aud of the tokens; required with JWT_ISSUER', accepted: 'any text' }),
  JWT_JWKS_URL: text({
    default: '',
    description: 'The URL of the keys that the tokens are verified with; empty: the one in the discovery document of the issuer',
    accepted: PROVIDER_URL
  }, { format: 'provider-url' }),
  ALLOW_ANONYMOUS: boolean({
    default: false,
    description: 'Whether the service starts without credentials although HOST is not a loopback name or address; without effect if credentials are configured'
  }),
  COLUMNS_HIDDEN: text({
    default: '',
    description: 'The columns, declared or not, that do not exist in any parameter, response or output; hiding the birth column removes ages',
    accepted: 'a comma-separated list without duplicates and without the key column of the records, or empty'
  }, { format: 'column-list' }),
  CORS_ORIGINS: text({
    default: '',
    description: 'The origins whose web pages may use the service from browsers; empty: none but its own',
    accepted: 'a comma-separated list of origins such as https://app.example, or empty'
  }, { format: 'origin-list' }),
  RATE_LIMIT: text({
    default: 'auto',
    description: 'The maximum number of requests a minute of each client (by the name of its API key, the sub of its token, or else its address; for IPv6 the /64 network) that make the service list the ' +
      'lake: POST /data, and no-cache; further ones get 429. auto: unlimited if HOST is a loopback name or address and no credentials are configured, otherwise 60',
    accepted: 'a positive integer such as 60, unlimited, or auto'
  }, { pattern: '^([1-9][0-9]{0,8}|unlimited|auto)$' }),
  LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'info', description: 'The least severe level of messages that are logged' }),
  LOG_REQUESTS: boolean({ default: true, description: 'Whether each request is logged, in one line; probes and scrapes of metrics that succeed, or fail again with the same status, with the level debug' }),
  BUILD: text({
    default: '',
    description: 'The build that GET /version and the log report, such as a commit',
    accepted: 'at most 100 characters'
  }, { maxLength: 100 }),
  LAKE_URL: text({
    default: '',
    description: 'The bucket or folder of the lake; empty: the embedded lake in ./lake, which is filled with sample data if it does not exist',
    accepted: 's3://<bucket> (a name of 3 to 63 characters a-z 0-9 . -, without a path), file:<folder> or empty'
  }, { format: 'lake-url' }),
  SCHEMA: text({
    default: '', description: 'The Table Schema file that declares the columns; empty: the built-in schemas/users.json', accepted: 'the path of a file, or empty'
  }),
  SOURCE_PREFIX: text({
    default: DEFAULTS.sourcePrefix,
    description: 'The prefix of the keys of info files and images',
    accepted: 'a prefix such as source_data/ that ends in a slash and has no empty, . or .. segment, or empty'
  }, { format: 'prefix' }),
  OUTPUT_KEY: text({
    default: DEFAULTS.outputKey,
    description: 'The key of the aggregated output, which is never read as an info file',
    accepted: 'a key such as processed_data/output.csv without empty, . or .. segments, of at most 512 bytes'
  }, { format: 'key' }),
  AGGREGATE_INTERVAL: text({
    default: '5m',
    description: 'The interval at which the lake is listed, changed files are read and the output is updated',
    accepted: 'a duration from 1s to 1h, such as 30s or 5m'
  }, { format: 'interval' }),
  PUBLISH: boolean({ default: true, description: 'Whether the output is published; if not, nothing is written to the lake, and read access is enough (to the snapshot and the state object of replicas, too, if they are to be used)' }),
  MAX_LOSS: text({
    default: DEFAULTS.maxLoss,
    description: 'The greatest share of the records that may be lost at once. A listing that lacks more, and at least 100, is believed only once a second one agrees, and the ' +
      'output is then held until POST /data?confirm=<Data-Version> confirms the loss; 100%: any loss is accepted',
    accepted: 'a percentage from 0% to 100%, such as 20%'
  }, { format: 'share' }),
  SHARE_LISTINGS: boolean({
    default: true,
    description: 'Whether the replicas of a bucket share their listings through an object beside the output: one lists, the others follow; if not, each replica lists ' +
      'for itself, as it always does with a folder'
  }),
  MAX_STALENESS: text({
    default: DEFAULTS.maxStaleness,
    description: 'The age above which data is old; instead, twice the time that a listing takes (at most 60 s) if that is longer. If MAX_LIST_REQUESTS delays a refresh, data is old later. ' +
      'While requests arrive, a refresh begins before the data is old; after a pause, the first request waits for it, up to REFRESH_WAIT',
    accepted: 'a duration up to 24d, such as 500ms, 2s or 1m'
  }, { format: 'duration' }),
  REFRESH_WAIT: text({
    default: DEFAULTS.refreshWait,
    description: 'The longest time that requests wait for a refresh, counted from its start; then the older data is served, with Data-Stale: refresh_slow. They do not ' +
      'wait if the last refresh took longer',
    accepted: 'a duration up to 24d, such as 500ms or 1s'
  }, { format: 'duration' }),
  MAX_STALE_IF_ERROR: text({
    default: DEFAULTS.maxStaleIfError,
    description: 'The greatest age of data that is served while the lake cannot be read; instead of older data, the response is 503 (data_too_old)',
    accepted: 'a duration such as 10m or 1d, or unlimited'
  }, { format: 'duration-or-unlimited' }),
  MAX_DOWNLOADS: Type.Integer({
    minimum: 1,
    maximum: 1024,
    default: DEFAULTS.maxDownloads,
    description: 'The maximum number of objects of a bucket that are downloaded at a time, and of connections for them; the number adapts to the store',
    accepted: 'an integer from 1 to 1024'
  }),
  MAX_LIST_REQUESTS: text({
    default: 'auto',
    description: 'The maximum number of LIST requests a minute for refreshes that no client has required: a lake that takes more is refreshed less often (docs/costs.md). Required ' +
      'ones (POST /data, no-cache) and scheduled jobs are counted but not delayed. auto: 600 on AWS, at most 131 dollars a month, otherwise unlimited',
    accepted: 'a positive integer such as 600, unlimited, or auto'
  }, { pattern: '^([1-9][0-9]{0,8}|unlimited|auto)$' }),
  SHUTDOWN_DELAY: text({
    default: '0s',
    description: 'How long a process that has received SIGTERM or SIGINT goes on serving everything after its /readyz has turned 503, so that balancers send it no more requests ' +
      'when it closes its connections',
    accepted: 'a duration up to 24d, such as 5s'
  }, { format: 'duration' }),
  SHUTDOWN_TIMEOUT: text({
    default: '10s',
    description: 'The longest time that a shutdown waits for open requests and a running job, after SHUTDOWN_DELAY',
    accepted: 'a duration up to 24d, such as 10s'
  }, { format: 'duration' }),
  VERSIONS_MAX_AGE: text({
    default: DEFAULTS.versionsMaxAge,
    description: 'How long a previous data version is retained for clients that page through it',
    accepted: 'a duration up to 24d, such as 10m'
  }, { format: 'duration' }),
  VERSIONS_MAX_BYTES: text({
    default: DEFAULTS.versionsMaxBytes,
    description: 'The maximum memory that all previous data versions together may take; auto: 256MiB or one eighth of the memory of the container or machine, whichever is ' +
      'less',
    accepted: 'a size such as 512MiB or 2GiB, or auto'
  }, { format: 'size-or-auto' }),
  INDEX_MAX_BYTES: text({
    default: DEFAULTS.indexMaxBytes,
    description: 'The maximum memory for indexes of columns, which filters, sorts and statistics create when they need them; the least recently used ones are dropped; ' +
      'auto: 256MiB or one eighth of the memory of the container or machine, whichever is less',
    accepted: 'a size such as 512MiB or 2GiB, or auto'
  }, { format: 'size-or-auto' }),
  RESPONSES_MAX_BYTES: text({
    default: DEFAULTS.responsesMaxBytes,
    description: 'The maximum memory for responses that clients have not read yet, in addition to the memory of the data; auto: 256MiB or one eighth of the memory of the ' +
      'container or machine, whichever is less',
    accepted: 'a size such as 512MiB or 2GiB, or auto'
  }, { format: 'size-or-auto' }),
  AGE_TIME_ZONE: text({
    default: DEFAULTS.timeZone,
    description: 'The time zone in whose calendar completed years are counted',
    accepted: 'an IANA name such as UTC or Europe/Moscow'
  }, { format: 'time-zone' }),
  IMAGE_EXTENSIONS: text({
    default: DEFAULTS.imageExtensions.join(','), description: 'The extensions of images, for image fields of the schema that do not declare extensions', accepted: 'a comma-separated list of extensions of letters and digits, none of them csv, tsv or json'
  }, { format: 'image-extensions' }),
  INPUT_DELIMITER: text({ default: DEFAULTS.delimiter, description: 'The delimiter between the fields of info files', accepted: DELIMITERS }, { format: 'delimiter' }),
  INPUT_ENCODING: choice([...INPUT_ENCODINGS], { default: DEFAULTS.inputEncoding, description: 'The encoding of info files' }),
  DUPLICATES: choice([...DUPLICATE_RULES], {
    default: DEFAULTS.duplicates, description: 'Which of several info files with the same id is served: the one with the shortest key or the newest one'
  }),
  OUTPUT_FORMATS: text({
    default: 'csv', description: 'The formats of the output; csv,parquet writes a Parquet file in addition to the CSV, with the extension parquet instead of that of OUTPUT_KEY', accepted: 'csv or csv,parquet'
  }, { enum: ['csv', 'csv,parquet'] }),
  OUTPUT_COLUMNS: text({
    default: '', description: 'The columns of the output, in this order; empty: the declared columns, in the order of the schema', accepted: 'a comma-separated list without duplicates, or empty'
  }, { format: 'column-list' }),
  OUTPUT_DELIMITER: text({ default: DEFAULTS.delimiter, description: 'The delimiter between the fields of the output', accepted: DELIMITERS }, { format: 'delimiter' }),
  OUTPUT_EMPTY_VALUE: text({
    default: '',
    description: 'The text that the output contains in place of a missing value',
    accepted: 'at most 64 characters'
  }, { maxLength: 64 }),
  OUTPUT_ESCAPE_FORMULAS: boolean({
    default: false,
    description: 'Whether the output has an apostrophe before text that a spreadsheet would run as a formula'
  }),
  AWS_ENDPOINT_URL_S3: text({ default: '', description: 'The endpoint of the S3 server; empty: the value of AWS_ENDPOINT_URL', accepted: ENDPOINT }, { format: 'endpoint-url' }),
  AWS_ENDPOINT_URL: text({ default: '', description: 'The endpoint of all AWS services; empty: the endpoints of AWS', accepted: ENDPOINT }, { format: 'endpoint-url' }),
  AWS_REGION: text({
    default: '', description: 'The region of the bucket; empty: us-east-1 if an endpoint is set, otherwise the region of the AWS configuration', accepted: 'letters, digits and hyphens, or empty'
  }, { pattern: '^[A-Za-z0-9-]*$' }),
  ENGINE_URL: text({
    default: '',
    description: 'The HTTP URLs of the nodes of a ClickHouse cluster, one for each shard, that stores the records and runs the queries (docs/reference.md#the-engine); ' +
      'empty: this process does both, in memory',
    accepted: 'a comma-separated list of http or https URLs without user, path and duplicates, such as http://shard1:8123,http://shard2:8123, or empty'
  }, { format: 'engine-urls' }),
  ENGINE_CLUSTER: text({ default: 'default', description: 'The name of the cluster in the configuration of its nodes (remote_servers)', accepted: ENGINE_NAME }, { pattern: ENGINE_NAME_PATTERN }),
  ENGINE_DATABASE: text({
    default: 'userlake',
    description: 'The database of this lake in the cluster, which is created if it does not exist; each lake needs one of its own',
    accepted: ENGINE_NAME
  }, { pattern: ENGINE_NAME_PATTERN }),
  ENGINE_USER: text({ default: 'default', description: 'The user of the cluster, which needs the rights in docs/scaling.md', accepted: 'at least one character' }, { minLength: 1 }),
  ENGINE_PASSWORD: text({ default: '', description: 'The password of ENGINE_USER', accepted: 'any text' }, { isSecret: true })
}, { additionalProperties: false })

export type Settings = Static<typeof SettingsSchema>
