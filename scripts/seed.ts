import { stat } from 'node:fs/promises'
import { monotonicNow } from '../lib/base/clock.js'
import { DEFAULTS } from '../lib/base/defaults.js'
import { StoreError } from '../lib/store/object-store.js'
import { listFiles, uploadFiles } from '../lib/store/upload-folder.js'
import { HELP_OPTION, folderPrefix, lakeUrl, parseOptions, required } from './arguments.js'
import { CommandError, runCommand, UsageError, withLake, type Command, type CommandIo } from './command.js'
import { Progress } from './progress.js'

const HELP = `Uploads the files of a folder into a lake. Objects that have the same bytes already are not written again; nothing is deleted.

userlake seed --from DIR --lake URL [options]

  --from DIR       the folder; its sub-folders are included
  --lake URL       s3://bucket or file:folder; created if it does not exist
  --prefix PREFIX  prefix of the object keys, ending in / (SOURCE_PREFIX, or else ${DEFAULTS.sourcePrefix})
  -h, --help       print this help

Defaults are in parentheses. S3 settings are read from AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID and the other standard variables.`

const OPTIONS = {
  from: { type: 'string' },
  lake: { type: 'string' },
  prefix: { type: 'string' },
  ...HELP_OPTION
} as const

const seed: Command = async (argv, io) => {
  const values = parseOptions(argv, OPTIONS)
  if (values.help) return HELP
  const from = await folder('--from', required('--from', values.from))
  const prefix = folderPrefix('--prefix', values.prefix ?? io.env['SOURCE_PREFIX'] ?? DEFAULTS.sourcePrefix)
  const lake = lakeUrl('--lake', required('--lake', values.lake))
  const files = await listFiles(from)
  const { uploaded, unchanged } = await withLake(lake, io.env, async store => {
    const progress = new Progress(files.length, io.stderr, monotonicNow)
    return uploadFiles(store, { from, files, prefix, onFile: progress.step }).finally(() => progress.end())
  }).catch((error: unknown) => { throw withRights(error, prefix) })
  return `uploaded ${uploaded}, unchanged ${unchanged}`
}

/** A refusal with the rights that the command needs: userlake doctor does not test them, as the service does not need them. */
function withRights (error: unknown, prefix: string): unknown {
  if (!(error instanceof StoreError) || !error.storeCode?.includes('AccessDenied')) return error
  return new CommandError(`${error.message}; userlake seed needs s3:ListBucket, s3:GetObject and s3:PutObject on ${prefix}* and, if the bucket does not exist, s3:CreateBucket`)
}

async function folder (name: string, path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() !== true) throw new UsageError(`${name}: got '${path}', which is not a folder`)
  return path
}

/** Runs the command. Returns the exit code. */
export function main (argv: readonly string[], io: CommandIo): Promise<number> {
  return runCommand(seed, argv, io)
}
