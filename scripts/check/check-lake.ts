import { existsSync } from 'node:fs'
import Fastify from 'fastify'
import { countOf } from '../../lib/base/count-of.js'
import { readEnvFile } from '../../lib/base/env-file.js'
import { StoreError } from '../../lib/base/errors.js'
import { INFO_EXTENSIONS } from '../../lib/base/info-formats.js'
import { describeIgnored } from '../../lib/source/lake-warnings.js'
import { undefinedIfRefused } from '../../lib/store/own-object.js'
import { toPrecondition, wouldReplaceFile } from '../../lib/store/precondition.js'
import type { UserDataTransformer } from '../../lib/transformer.js'
import access from '../../plugins/access.js'
import config, { SettingsError, toColumns } from '../../plugins/config.js'
import { changedSettings } from '../../plugins/config/changed-settings.js'
import { settingWarnings } from '../../plugins/config/setting-warnings.js'
import { EMBEDDED_LAKE } from '../../plugins/object-store.js'
import schema, { describeSchema, hiddenWarnings, schemaWarnings } from '../../plugins/schema.js'
import { CommandError, writeStdout, type CommandIo } from '../command.js'
import { describeUnusable } from '../find-elsewhere.js'
import { readLake } from '../read-lake.js'
import { registerTransformer } from '../register-transformer.js'
import { describeRejects } from '../reject-report.js'
import { describeStart } from './describe-start.js'

/**
 * Prints the settings that differ from their defaults, a summary of the lake, and what a start would do. Writes nothing to the lake. Returns the exit code: 1 if the reader of stdout has not taken everything.
 *
 * @throws {CommandError} if a setting is invalid or the lake cannot be read; and, after everything is printed, if nothing in the lake becomes a record
 */
export async function checkLake (io: CommandIo): Promise<number> {
  return await writeStdout(io.stdout, report(io)) ? 0 : 1
}

/** The text that is printed, in parts. Later parts take longer. */
async function * report ({ env, stderr }: Pick<CommandIo, 'env' | 'stderr'>): AsyncGenerator<string> {
  const fastify = Fastify()
  try {
    await fastify.register(config, { settings: env })
    await fastify.register(access)
    await fastify.register(schema)
    for (const warning of settingWarnings(fastify.config, { file: Object.keys(readEnvFile('.env')), environment: Object.keys(env) })) yield `warning: ${warning}\n`
    const changed = Object.entries(changedSettings(fastify.config)).map(([name, value]) => `  ${name}=${String(value)}\n`)
    yield `settings: valid; different from their defaults: ${changed.length}\n${changed.join('')}`
    yield `schema: ${describeSchema(fastify.tableSchema, fastify.config.SCHEMA, fastify.hiddenColumns)}\n`
    for (const warning of schemaWarnings(fastify.tableSchema, fastify.config)) yield `warning: ${warning}\n`
    if (fastify.config.LAKE_URL === '' && fastify.config.SCHEMA === '' && !existsSync(EMBEDDED_LAKE)) {
      yield `lake: ./${EMBEDDED_LAKE} does not exist yet; the first start fills it with sample data\n`
      yield describeStart(fastify.config)
      return
    }
    await registerTransformer(fastify)
    yield `lake: ${fastify.objectStore.url}\n`
    if (fastify.objectStore.url.startsWith('s3:')) yield `  credentials: ${describeBucketCredentials(env)}\n`
    await readLake(fastify.transformer, stderr)
    yield await describeLake(fastify.transformer)
    const columns = [...fastify.hiddenColumns?.schema.fields.map(({ name }) => name) ?? [], ...fastify.transformer.current.columns]
    for (const warning of hiddenWarnings(fastify.hiddenColumns, columns)) yield `warning: ${warning}\n`
    const warnings = fastify.transformer.warnings(toColumns(fastify.config.OUTPUT_COLUMNS))
    const unusable = warnings.find(({ code }) => code === 'nothing_usable')
    for (const warning of warnings) if (warning !== unusable) yield `warning: ${warning.detail}\n`
    const { OUTPUT_KEY: outputKey, SOURCE_PREFIX: prefix } = fastify.config
    const output = await fastify.objectStore.head(outputKey).catch(undefinedIfRefused)
    if (wouldReplaceFile(outputKey, toPrecondition(output), prefix)) {
      yield `warning: OUTPUT_KEY: got ${JSON.stringify(outputKey)}, the key of a file of the lake that this service has not written: the file is not read, and jobs fail, since they would replace it; choose another key, or remove that file\n`
    }
    yield `output: ${outputKey} ${output === undefined ? 'does not exist yet' : `has ${countOf(output.size, 'byte')}`}\n`
    yield describeStart(fastify.config)
    if (unusable !== undefined) throw new CommandError(await describeUnusable(fastify, unusable))
  } catch (error) {
    if (!(error instanceof SettingsError || error instanceof StoreError)) throw error
    const subject = error instanceof StoreError ? 'the lake cannot be read: ' : ''
    throw new CommandError(error.message.split('\n').map((line) => subject + line).join('\n'))
  } finally {
    await fastify.close()
  }
}

/** Where the SDK finds the credentials of the bucket, by the names of the variables. */
function describeBucketCredentials (env: CommandIo['env']): string {
  const file = readEnvFile('.env')
  const names = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'].filter((name) => env[name] !== undefined && env[name] !== '')
  const described = names.map((name) => `${name} (${file[name] === env[name] ? '.env' : 'environment'})`)
  return described.length === 0 ? 'those that the AWS SDK finds without a variable, such as ~/.aws/credentials or the role of the machine' : described.join(', ')
}

async function describeLake (transformer: UserDataTransformer): Promise<string> {
  const { counts, ignored } = transformer.quarantine({ limit: 0 })
  const { count } = await transformer.select()
  const lastGood = await transformer.countLastGood(transformer.current, {})
  const [orphan] = transformer.quarantine({ codes: ['orphan'], limit: 1 }).entries()
  const lines = [
    `records: ${count}` + (lastGood === 0 ? '' : `, of which ${lastGood} ${lastGood === 1 ? 'is served from an earlier version of its info file, which is' : 'are served from earlier versions of their info files, which are'} rejected now`),
    `rejected info files: ${counts.rejects}`,
    ...describeRejects(transformer).map((line) => `  ${line}`),
    `images without an info file: ${counts.orphans}` + (orphan === undefined ? '' : `, such as ${orphan.key}`),
    `ignored objects, which are neither info files (${INFO_EXTENSIONS}) nor images: ${counts.ignored}` + (ignored.length === 0 ? '' : ` (${describeIgnored(ignored)})`)
  ]
  return lines.map((line) => `  ${line}\n`).join('')
}
