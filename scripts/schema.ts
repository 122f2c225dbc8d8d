import { existsSync, writeFileSync } from 'node:fs'
import { monotonicNow } from '../lib/base/clock.js'
import { forEachConcurrently } from '../lib/base/concurrent.js'
import { countOf } from '../lib/base/count-of.js'
import { DEFAULTS } from '../lib/base/defaults.js'
import { INFO_EXTENSIONS, INFO_FORMATS, type InfoFormat } from '../lib/base/info-formats.js'
import { MAX_INFO_BYTES } from '../lib/source/rules.js'
import type { ObjectStore } from '../lib/store/object-store.js'
import { openStore } from '../lib/store/open-store.js'
import { HELP_OPTION, parseOptions, sourceOf, wholeNumber } from './arguments.js'
import { runCommand, UsageError, type Command, type CommandIo } from './command.js'
import { findElsewhere, lakeAbove } from './find-elsewhere.js'
import { EvenSample } from './infer-schema/even-sample.js'
import { inferSchema, type Inferred, type Sample } from './infer-schema/infer-schema.js'
import type { SampledFile } from './infer-schema/sampled-file.js'
import { assign, envLine } from './option-names.js'
import { checkOutputFile, notWritten } from './output-file.js'
import { objectsListed, Progress } from './progress.js'

const HELP = `Infers the schema of a lake from a sample of its info files, and prints what it could not decide. Check the schema and edit it before use.

userlake schema [options]

  --lake URL       s3://bucket or file:folder; nothing is written to it (LAKE_URL)
  --prefix PREFIX  prefix of the object keys, ending in / (SOURCE_PREFIX, or else ${DEFAULTS.sourcePrefix})
  --sample N       number of info files to read, from 1 to 100000 (200)
  --output FILE    the schema file to write; without it, the schema is printed
  --force          replace the file if it exists
  -h, --help       print this help

Defaults are in parentheses. S3 settings are read from AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID and the other standard variables.`

const OPTIONS = {
  lake: { type: 'string' },
  prefix: { type: 'string' },
  sample: { type: 'string', default: '200' },
  output: { type: 'string' },
  force: { type: 'boolean', default: false },
  ...HELP_OPTION
} as const

/** The maximum number of concurrent downloads. */
const DOWNLOADS = 16
/** The maximum numbers of images, and of objects that are neither images nor info files, whose names are examined. */
const MAX_NAMES = 10_000
/** The maximum number of ids that image names are compared with, and whose files are counted. It is sufficient, because most lakes list the objects of a record near each other. */
const MAX_IDS = 100_000

const schema: Command = async (argv, io) => {
  const values = parseOptions(argv, OPTIONS)
  if (values.help) return HELP
  const count = wholeNumber('--sample', values.sample, 1, 100_000)
  const { url, prefix } = sourceOf(values, io.env)
  if (values.output !== undefined) {
    await checkOutputFile(values.output, 'the schema is printed')
    if (!values.force && existsSync(values.output)) throw existsAlready(values.output)
  }
  const store = openStore({ url, env: io.env, blocking: true })
  try {
    const sample = await takeSample(store, prefix, count, io)
    const inferred = inferSchema(sample)
    const text = JSON.stringify(inferred.schema, null, 2)
    // Written first: the start command that the description ends with needs the file.
    if (values.output !== undefined) writeSchema(values.output, text, values.force)
    io.stderr.write(describe(inferred, sample, { prefix, url, output: values.output, start: startCommand(io.env) }))
    return values.output === undefined ? text : `wrote ${values.output}`
  } finally {
    await store.close()
  }
}

type ListedFile = Omit<SampledFile, 'body'>

async function takeSample (store: ObjectStore, prefix: string, count: number, io: CommandIo): Promise<Sample> {
  const { files: chosen, ids, images, others, listed } = await listNames(store, prefix, count, io)
  if (listed === 0) {
    const found = await findElsewhere(store, io.env['OUTPUT_KEY'] ?? DEFAULTS.outputKey)
    const lake = lakeAbove(store.url, prefix)
    const advice = found && `there are info files without it, such as ${found.key}: use ${lake === undefined ? `--prefix '${found.prefix}'` : `--lake '${lake}'`}`
    throw new Error(`${store.url} has no object with the prefix '${prefix}'; ${advice ?? 'see --prefix'}`)
  }
  if (chosen.length === 0) {
    throw new Error(`${store.url} has ${listed === 1 ? 'one object' : `${listed} objects`} with the prefix '${prefix}', and no info file (${INFO_EXTENSIONS}); see --prefix`)
  }
  const progress = new Progress(chosen.length, io.stderr, monotonicNow)
  const sampled: SampledFile[] = []
  await forEachConcurrently(chosen, DOWNLOADS, async (file) => {
    const found = await store.get(file.key)
    if (typeof found === 'object' && found.size <= MAX_INFO_BYTES) sampled.push({ ...file, body: found.body })
    progress.step()
  }).finally(() => progress.end())
  if (sampled.length === 0) throw new Error(`Each sampled info file was deleted in the meantime or is larger than ${MAX_INFO_BYTES} bytes`)
  return { files: sampled.sort((a, b) => a.key < b.key ? -1 : 1), ids, images, others }
}

async function listNames (store: ObjectStore, prefix: string, count: number, { stderr }: CommandIo) {
  const progress = new Progress(undefined, stderr, monotonicNow, objectsListed)
  const files = new EvenSample<ListedFile>(count)
  const ids = new Map<string, number>()
  const images: string[] = []
  const others: string[] = []
  let listed = 0
  const formats = [...INFO_FORMATS].sort((a, b) => b.length - a.length)
  for await (const page of store.list(prefix)) {
    listed += page.length
    progress.set(listed)
    for (const { key } of page) {
      const name = key.slice(key.lastIndexOf('/') + 1)
      const format = formats.find((format): format is InfoFormat => name.toLowerCase().endsWith(`.${format}`))
      if (format !== undefined) {
        const id = name.slice(0, -format.length - 1)
        files.add({ key, id, format })
        const count = ids.get(id) ?? 0
        if (count > 0 || ids.size < MAX_IDS) ids.set(id, count + 1)
      } else if ((DEFAULTS.imageExtensions as readonly string[]).includes(name.slice(name.lastIndexOf('.') + 1).toLowerCase())) {
        if (images.length < MAX_NAMES) images.push(name)
      } else if (others.length < MAX_NAMES) {
        others.push(key)
      }
    }
  }
  progress.end()
  return { files: files.items(), ids, images, others, listed }
}

/** Returns a summary for the terminal: how many files fit the schema, what could not be decided, and how the service is started with the schema file, once there is one; and the settings as lines of a file .env. */
function describe ({ doubts, settings, accepted }: Inferred, { files }: Sample, { prefix, url, output, start }: { readonly prefix: string, readonly url: string, readonly output: string | undefined, readonly start: string }): string {
  const all = { SCHEMA: output ?? 'FILE', LAKE_URL: url, ...prefix !== DEFAULTS.sourcePrefix && { SOURCE_PREFIX: prefix }, ...settings }
  const command = Object.entries(all).map(([name, value]) => assign(name, value)).join(' ')
  return [
    `${accepted} of ${countOf(files.length, 'sampled file')} ${accepted === 1 ? 'fits' : 'fit'} the schema`,
    ...doubts.length === 0 ? [] : ['To be checked:', ...doubts.map((doubt) => `- ${doubt}`)],
    output === undefined ? `To start with it, write it to a file (--output FILE): ${command} ${start}` : `Start: ${command} ${start}`,
    'userlake check and export need these settings, too. All commands read them from a file .env with these lines:',
    ...Object.entries(all).map(([name, value]) => envLine(name, value))
  ].map((line) => `${line}\n`).join('')
}

/** The command that starts the service where this command was run: in a clone by `npm run`, in an installation by `npx`, or directly. */
function startCommand (env: CommandIo['env']): string {
  // npm 10 calls it run-script, npm 11 run.
  if (env['npm_command'] === 'run' || env['npm_command'] === 'run-script') return env['npm_package_name'] === 'userlake' ? 'npm start' : 'npx userlake start'
  return env['npm_command'] === 'exec' ? 'npx userlake start' : 'userlake start'
}

function writeSchema (path: string, text: string, replaces: boolean): void {
  try {
    writeFileSync(path, `${text}\n`, { flag: replaces ? 'w' : 'wx' })
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? existsAlready(path) : notWritten(path, error)
  }
}

function existsAlready (path: string): UsageError {
  return new UsageError(`--output: ${path} exists already, and may have been edited; name another file, or replace it with --force`)
}

/** Runs the command. Returns the exit code. */
export function main (argv: readonly string[], io: CommandIo): Promise<number> {
  return runCommand(schema, argv, io)
}
