import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import { countOf } from '../../lib/base/count-of.js'
import { StoreError } from '../../lib/base/errors.js'
import { describeFailure } from '../../lib/base/failure-code.js'
import { columnType } from '../../lib/query/age-column.js'
import type { TextChunks } from '../../lib/query/data-version.js'
import { parquet } from '../../lib/output/parquet.js'
import type { RequestPlan } from '../../lib/output/request-plan.js'
import config, { SettingsError } from '../../plugins/config.js'
import { EMBEDDED_LAKE } from '../../plugins/object-store.js'
import schema from '../../plugins/schema.js'
import { planListing } from '../../routes/http/paging.js'
import { instantOf } from '../../routes/http/parameters.js'
import { NO_LAKE } from '../arguments.js'
import { CommandError, UsageError, writeStdout, type CommandIo } from '../command.js'
import { describeUnusable } from '../find-elsewhere.js'
import { readLake } from '../read-lake.js'
import { registerTransformer } from '../register-transformer.js'
import { describeRejects } from '../reject-report.js'
import { checkOutputFile, writeFileAtomically } from '../output-file.js'
import { queryParser, type OptionValues, type QueryOptions } from './query-options.js'

const FORMATS = ['json', 'ndjson', 'csv', 'parquet'] as const
type ExportFormat = (typeof FORMATS)[number]

/** The options of the command. `values`: those of the filters, columns, order, limit and CSV. */
export interface ExportOptions {
  readonly output: string | undefined
  readonly format: string | undefined
  readonly values: OptionValues
}

/** The exit code if the records were written but may differ from the lake. */
const MAY_DIFFER = 3

/**
 * Reads the lake of the settings and writes its records.
 *
 * @param parseOptions parses the command line, with these options in addition to those of the command
 * @returns the text to print at the end, or the exit code
 * @throws {CommandError}
 */
export async function exportRecords (settings: CommandIo['env'], parseOptions: (options: QueryOptions) => ExportOptions, io: CommandIo): Promise<string | number> {
  const fastify = Fastify()
  try {
    await fastify.register(config, { settings })
    await fastify.register(schema)
    const { options, parse, checked } = queryParser(fastify.tableSchema)
    const { output, format: formatName, values } = parseOptions(options)
    if (output !== undefined) await checkOutputFile(output, 'the records are written to stdout')
    const format = formatOf(formatName, output)
    const parameters = parse(values)
    if (output === undefined && format === 'parquet' && io.stdout.isTTY) throw new UsageError('--format: Parquet is not text; name a file with --output')
    if (fastify.config.LAKE_URL === '' && !existsSync(EMBEDDED_LAKE)) throw new UsageError(NO_LAKE)
    await registerTransformer(fastify)
    await read(fastify, io)
    const doubts = fastify.transformer.freshness().staleReasons.map(describeFailure)
    const { current } = fastify.transformer
    const plan = checked(() => planListing(parameters, {
      schema: fastify.tableSchema,
      // A Parquet file has the same records and columns; like NDJSON, it has no options of its own.
      format: format === 'parquet' ? 'ndjson' : format,
      page: parameters.limit === undefined ? undefined : { limit: parameters.limit },
      asOf: instantOf(parameters, fastify.clock()),
      timeZone: fastify.config.AGE_TIME_ZONE
    }, current))
    const lastGood = await fastify.transformer.countLastGood(current, plan)
    if (lastGood > 0) doubts.push(`${lastGood} of the records ${lastGood === 1 ? 'is that of an earlier version of an info file that is' : 'are those of earlier versions of info files that are'} rejected now; GET /rejects and userlake check have the reasons`)
    const { count, body } = await render(fastify, plan, format)
    if (output !== undefined) await writeFileAtomically(output, body)
    else if (!await writeStdout(io.stdout, Buffer.isBuffer(body) ? [body] : body)) return 1
    // JSON has no line end.
    else if (io.stdout.isTTY && format === 'json') await writeStdout(io.stdout, ['\n'])
    const written = `wrote ${countOf(Math.min(count, parameters.limit ?? Infinity), 'record')} to ${output ?? 'stdout'}`
    if (doubts.length > 0) throw new CommandError([`${written}, which may differ from the lake:`, ...doubts].join('\n'), MAY_DIFFER)
    if (output !== undefined) return written
    io.stderr.write(`${written}\n`)
    return 0
  } catch (error) {
    if (error instanceof SettingsError) throw new CommandError(error.message)
    if (error instanceof StoreError) throw new CommandError(`the lake cannot be read: ${error.message}`)
    throw error
  } finally {
    await fastify.close()
  }
}

/** The format of the option, or else that of the extension of the file, or else, if it has none, JSON. @throws {UsageError} */
function formatOf (name: string | undefined, output: string | undefined): ExportFormat {
  const extension = output === undefined ? '' : extname(output)
  const format = FORMATS.find((format) => format === (name ?? (extension === '' ? 'json' : extension.slice(1).toLowerCase())))
  if (format !== undefined) return format
  if (name !== undefined) throw new UsageError(`--format: got '${name}'; must be one of ${FORMATS.join(', ')}`)
  throw new UsageError(`--output: got '${output!}'; its extension must be one of ${FORMATS.map((format) => `.${format}`).join(', ')}, or --format must name the format`)
}

/**
 * Reads the lake, and reports its progress, its warnings and how many info files are rejected.
 *
 * @throws {CommandError} names the reasons if nothing becomes a record: an empty file would pass for the content of the lake
 */
async function read (fastify: FastifyInstance, { stderr }: CommandIo): Promise<void> {
  const { transformer } = fastify
  await readLake(transformer, stderr)
  const warnings = transformer.warnings()
  const unusable = warnings.find(({ code }) => code === 'nothing_usable')
  for (const warning of warnings) if (warning !== unusable) stderr.write(`warning: ${warning.detail}\n`)
  if (unusable !== undefined) throw new CommandError([`nothing was written: ${await describeUnusable(fastify, unusable)}`, ...describeRejects(transformer)].join('\n'))
  const { rejects } = transformer.quarantine({ limit: 0 }).counts
  if (rejects > 0) stderr.write(`${countOf(rejects, 'info file is', 'info files are')} rejected; GET /rejects and userlake check have the reasons\n`)
}

async function render ({ transformer }: FastifyInstance, plan: RequestPlan, format: ExportFormat): Promise<{ readonly count: number, readonly body: Buffer | TextChunks }> {
  const { current } = transformer
  if (format !== 'parquet') return await transformer.export(current, plan)
  const selection = await current.select(plan)
  // `columnType` knows the virtual column `age`, too.
  const fields = selection.columns.map((name) => ({ name, type: columnType(current, name) ?? 'string' }))
  return { count: selection.count, body: await parquet(selection, fields) }
}
