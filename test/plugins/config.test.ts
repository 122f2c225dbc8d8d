import Fastify from 'fastify'
import t from 'tap'
import config from '../../plugins/config.js'
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
    ['IMAGE_EXTENSIONS', 'PNG'], ['AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:9000'], ['UNKNOWN', 'x', undefined]
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
    ['AWS_ENDPOINT_URL', 'ftp://x'], ['SHUTDOWN_TIMEOUT', '10'], ['SHUTDOWN_TIMEOUT', '25d'], ['SHUTDOWN_TIMEOUT', '577h'], ['REFRESH_WAIT', '30d'],
    ['SOURCE_PREFIX', '../evil/'], ['SOURCE_PREFIX', '/'], ['SOURCE_PREFIX', 'a//'], ['OUTPUT_KEY', '../o.csv'], ['OUTPUT_KEY', '/o.csv'], ['OUTPUT_KEY', 'a/./o.csv']
  ]
  for (const [name, value] of wrong) {
    const { accepted } = (SettingsSchema.properties as unknown as Record<string, { accepted: string }>)[name]!
    await t.rejects(load({ [name]: value }), { name: 'SettingsError', message: `${name}: got ${JSON.stringify(value)}; must be ${accepted}` }, `${name}=${value}`)
  }
  await t.rejects(load({ PORT: 'x', HOST: '' }), { message: /^HOST: .*\nPORT: .*$|^PORT: .*\nHOST: .*$/ }, 'one line for each invalid setting')
})
