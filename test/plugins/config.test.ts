import Fastify from 'fastify'
import t from 'tap'
import config from '../../plugins/config.js'
import { changedSettings } from '../../plugins/config/changed-settings.js'
import { settingWarnings } from '../../plugins/config/setting-warnings.js'
import { SettingsSchema } from '../../plugins/config/settings.js'

async function load (settings: Record<string, string>) {
  const fastify = Fastify()
  await fastify.register(config, { settings })
  return fastify.config
}

t.test('without settings, the defaults apply', async (t) => {
  const defaults = Object.fromEntries(Object.entries(SettingsSchema.properties).map(([name, schema]) => [name, (schema as { default?: unknown }).default]))
  t.same(await load({}), defaults)
  t.match(defaults, { PORT: 8080, HOST: '127.0.0.1', SOURCE_PREFIX: 'source_data/', OUTPUT_KEY: 'processed_data/output.csv', AGGREGATE_INTERVAL: '5m', MAX_STALENESS: '2s', REFRESH_WAIT: '1s' })
})

t.test('valid settings are parsed', async (t) => {
  const fine: [string, string, unknown?][] = [
    ['PORT', '0', 0], ['LAKE_URL', 's3://datalake'], ['LAKE_URL', 'file:./lake'], ['LAKE_URL', 'file:///var/lake'], ['SOURCE_PREFIX', ''],
    ['AGGREGATE_INTERVAL', '1h'], ['AGGREGATE_INTERVAL', '3600s'], ['MAX_STALENESS', '0s'], ['MAX_STALE_IF_ERROR', '365d'], ['SHUTDOWN_TIMEOUT', '24d'], ['MAX_LOSS', '0%'], ['MAX_LOSS', '12.5%'], ['MAX_LOSS', '100%'], ['SOURCE_PREFIX', 'a/b.c/'], ['OUTPUT_KEY', 'o.csv'], ['AGE_TIME_ZONE', 'Asia/Kathmandu'],
    ['INPUT_DELIMITER', ', '], ['INPUT_DELIMITER', '\\t'], ['OUTPUT_EMPTY_VALUE', 'ø'], ['OUTPUT_ESCAPE_FORMULAS', 'true', true], ['OUTPUT_COLUMNS', 'user_id,city'], ['OUTPUT_COLUMNS', ''],
    ['ENGINE_URL', 'http://a:8123,https://b'], ['ENGINE_URL', 'http://a/'], ['ENGINE_DATABASE', 'lake-1_b'], ['IMAGE_EXTENSIONS', 'PNG'], ['AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:9000'], ['UNKNOWN', 'x', undefined]
  ]
  for (const [name, value, expected = name === 'UNKNOWN' ? undefined : value] of fine) {
    t.equal((await load({ [name]: value }) as Record<string, unknown>)[name], expected, `${name}=${value}`)
  }
})

t.test('an invalid setting is one line with its name, its value and what is accepted', async (t) => {
  const wrong: [string, string][] = [
    ['PORT', 'http'], ['MAX_LOSS', '20'], ['MAX_LOSS', '0.2'], ['MAX_LOSS', '101%'], ['MAX_LOSS', '-1%'], ['MAX_LOSS', ''], ['PORT', '65536'], ['PORT', '-1'], ['HOST', ''], ['LOG_LEVEL', 'loud'], ['LAKE_URL', 'http://x'], ['LAKE_URL', 's3://'], ['LAKE_URL', 's3://bucket/folder'],
    ['LAKE_URL', 'datalake'], ['SOURCE_PREFIX', 'source_data'], ['OUTPUT_KEY', ''], ['OUTPUT_KEY', 'processed_data/'], ['AGGREGATE_INTERVAL', '5'], ['AGGREGATE_INTERVAL', '2h'],
    ['AGGREGATE_INTERVAL', '500ms'], ['MAX_STALENESS', 'soon'], ['REFRESH_WAIT', '-1s'], ['MAX_STALE_IF_ERROR', 'forever'], ['AGE_TIME_ZONE', 'Mars/Olympus'], ['AGE_TIME_ZONE', ''],
    ['IMAGE_EXTENSIONS', ''], ['IMAGE_EXTENSIONS', 'png,'], ['IMAGE_EXTENSIONS', '.png'], ['IMAGE_EXTENSIONS', 'png,CSV'], ['INPUT_ENCODING', 'latin1'], ['DUPLICATES', 'oldest'], ['INPUT_DELIMITER', ''], ['INPUT_DELIMITER', '"'], ['INPUT_DELIMITER', '123456789'],
    ['OUTPUT_DELIMITER', '\n'], ['OUTPUT_COLUMNS', ','], ['OUTPUT_COLUMNS', 'user_id,user_id'], ['OUTPUT_ESCAPE_FORMULAS', 'yes'], ['AWS_ENDPOINT_URL_S3', 'localhost:9000'],
    ['AWS_ENDPOINT_URL', 'ftp://x'], ['ENGINE_URL', 'localhost:8123'], ['ENGINE_URL', 'http://a,'], ['ENGINE_URL', 'http://a,http://a:80'], ['ENGINE_URL', 'http://a/db'], ['ENGINE_CLUSTER', ''], ['ENGINE_DATABASE', 'a.b'], ['ENGINE_USER', ''], ['SHUTDOWN_TIMEOUT', '10'], ['SHUTDOWN_TIMEOUT', '25d'], ['SHUTDOWN_TIMEOUT', '577h'], ['REFRESH_WAIT', '30d'],
    ['SOURCE_PREFIX', '../evil/'], ['SOURCE_PREFIX', '/'], ['SOURCE_PREFIX', 'a//'], ['OUTPUT_KEY', '../o.csv'], ['OUTPUT_KEY', '/o.csv'], ['OUTPUT_KEY', 'a/./o.csv']
  ]
  for (const [name, value] of wrong) {
    const { accepted } = (SettingsSchema.properties as unknown as Record<string, { accepted: string }>)[name]!
    await t.rejects(load({ [name]: value }), { name: 'SettingsError', message: `${name}: got ${JSON.stringify(value)}; must be ${accepted}` }, `${name}=${value}`)
  }
  await t.rejects(load({ SOURCE_PREFIX: 'readings' }), { message: /^SOURCE_PREFIX: got "readings"; must be a prefix .*, or empty; use readings\/$/ })
  await t.rejects(load({ SOURCE_PREFIX: '/readings' }), { message: /, or empty$/ }, 'no hint that is not accepted')
  await t.rejects(load({ LAKE_URL: '/tmp/lake' }), { message: /^LAKE_URL: got "\/tmp\/lake"; must be .*, file:<folder> or empty; use file:\/tmp\/lake$/ })
  await t.rejects(load({ OUTPUT_DELIMITER: 'semicolon' }), { message: /^OUTPUT_DELIMITER: got "semicolon"; must be .*; use ;$/ })
  await t.rejects(load({ PORT: 'x', HOST: '' }), { message: /^HOST: .*\nPORT: .*$|^PORT: .*\nHOST: .*$/ }, 'one line for each invalid setting')
})

t.test('a name in the environment is reported only if it is very similar to a setting', async (t) => {
  const warnings = async (...environment: readonly string[]) => settingWarnings(await load({}), { file: [], environment })
  for (const [name, setting] of [['AGREGATE_INTERVAL', 'AGGREGATE_INTERVAL'], ['LAKE_ULR', 'LAKE_URL'], ['LOGLEVEL', 'LOG_LEVEL'], ['max_staleness', 'MAX_STALENESS'], ['SOURCE_PREFX', 'SOURCE_PREFIX']]) {
    t.same(await warnings(name!), [`environment: "${name}" is not a setting; did you mean ${setting}?`])
  }
  const typical = ['HOSTNAME', 'PORTS', 'HOSTS', 'LOGNAME', 'AWS_PROFILE', 'AWS_REGIONS', 'AWS_DEFAULT_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_ENDPOINT_URL_S4', 'PATH', 'HOME', 'PWD', 'OLDPWD', 'SHELL', 'SHLVL', 'TERM', 'LANG',
    'LC_ALL', 'USER', 'TMPDIR', 'EDITOR', 'DISPLAY', 'MAIL', 'NODE_ENV', 'NODE_OPTIONS', 'NODE_VERSION', 'BASE_URL', 'CACHE_URL', 'DATABASE_URL', 'PGHOST', 'PGPORT', 'PGSCHEMA', 'DB_HOST', 'DB_PORT', 'EXPORT', 'REPORT', 'BUILD_ID',
    'BUILDS', 'HTTP_PROXY', 'NO_PROXY', 'KUBERNETES_PORT', 'KUBERNETES_SERVICE_HOST', 'npm_config_loglevel', 'npm_lifecycle_event', 'XDG_SESSION_ID', 'SSH_CLIENT', 'INVOCATION_ID', 'MALLOC_MMAP_THRESHOLD_', 'MINIO_ROOT_USER',
    'COMPOSE_FILE', 'INIT_CWD', 'COLORTERM', 'LOG_FORMAT', 'TZ', '_', ...Object.keys(SettingsSchema.properties)]
  t.same(await warnings(...typical), [])
  t.same(settingWarnings(await load({}), { file: ['LOGLEVEL'], environment: ['LOGLEVEL'] }), ['.env: "LOGLEVEL" is not a setting; did you mean LOG_LEVEL?'], 'a name of both is reported once')
})

t.test('names that are similar to a variable of the AWS SDK are warned of unless that variable is set', async (t) => {
  const warnings = async (file: readonly string[], environment: readonly string[]) => settingWarnings(await load({}), { file, environment })
  for (const [name, meant] of [['AWS_ACCES_KEY_ID', 'AWS_ACCESS_KEY_ID'], ['AWS_SECRET_KEY', 'AWS_SECRET_ACCESS_KEY'], ['AWS_S3_ENDPOINT', 'AWS_ENDPOINT_URL_S3'], ['AWS_REGOIN', 'AWS_REGION']]) {
    t.same(await warnings([], [name!]), [`environment: "${name}" is not a variable of the AWS SDK; did you mean ${meant}?`])
    t.same(await warnings([name!], [name!]), [`.env: "${name}" is not a variable of the AWS SDK; did you mean ${meant}?`])
    t.same(await warnings([], [name!, meant!]), [])
  }
  t.same(await warnings([], ['AWS_ENDPOINT_URL_STS', 'AWS_CA_BUNDLE', 'AWS_ROLE_ARN', 'AWS_ACCESS_KEY_ID']), [])
})

t.test('S3 settings without LAKE_URL, which have no effect, are reported', async (t) => {
  const warnings = async (settings: Record<string, string>) => settingWarnings(await load(settings), { file: [], environment: Object.keys(settings) })
  for (const name of ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL']) {
    t.same(await warnings({ [name]: 'http://127.0.0.1:9000' }), [`LAKE_URL is not set although ${name} is: the embedded lake in ./lake is served; LAKE_URL=s3://<bucket> names a bucket`])
  }
  t.match(await warnings({ AWS_REGION: 'eu-west-1' }), [/^LAKE_URL is not set although AWS_REGION is/])
  t.same(await warnings({ LAKE_URL: 's3://datalake', AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000', AWS_REGION: 'eu-west-1' }), [])
})

t.test('settings of an engine without ENGINE_URL, which have no effect, are reported, and its password is not logged', async (t) => {
  const warnings = async (settings: Record<string, string>) => settingWarnings(await load({ LAKE_URL: 's3://datalake', ...settings }), { file: [], environment: Object.keys(settings) })
  t.match(await warnings({ ENGINE_PASSWORD: 'secret' }), [/^ENGINE_URL is not set although ENGINE_PASSWORD is: /])
  t.match(await warnings({ ENGINE_DATABASE: 'other' }), [/^ENGINE_URL is not set although ENGINE_DATABASE is: /])
  const set = { ENGINE_URL: 'http://a:8123', ENGINE_PASSWORD: 'secret' }
  t.same(await warnings(set), [])
  t.same(changedSettings(await load(set)), { ENGINE_URL: 'http://a:8123', ENGINE_PASSWORD: '(set)' })
  for (const password of ['secret', 'sec,ret']) await t.rejects(load({ ENGINE_URL: `http://user:${password}@a:8123,http://b` }), { message: /^ENGINE_URL: got "http:\/\/…@a:8123,http:\/\/b"; must be / })
})
