import { monotonicNow } from '../lib/base/clock.js'
import { forEachConcurrently } from '../lib/base/concurrent.js'
import { countOf } from '../lib/base/count-of.js'
import { DEFAULTS } from '../lib/base/defaults.js'
import { contentTypeOf } from '../lib/base/media-types.js'
import { UPLOAD_CONCURRENCY } from '../lib/store/upload-folder.js'
import { HELP_OPTION, folderPrefix, lakeUrl, parseOptions, required, share, wholeNumber } from './arguments.js'
import { runCommand, withLake, type Command, type CommandIo } from './command.js'
import { countFiles, lakeFiles, type LakePlan } from './sample-data/lake-files.js'
import { Progress } from './progress.js'

const HELP = `Writes a lake with invented users. Equal arguments give equal bytes on any machine.

userlake generate --users N --lake URL [options]

  --users N        number of users, from 1
  --lake URL       s3://bucket or file:folder; created if it does not exist
  --prefix PREFIX  prefix of the object keys, ending in / (${DEFAULTS.sourcePrefix})
  --images SHARE   share of users with an image, from 0 to 1 (0.92)
  --seed N         seed of the random numbers (1)
  -h, --help       print this help

Defaults are in parentheses. S3 settings are read from AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID and the other standard variables.`

const OPTIONS = {
  users: { type: 'string' },
  lake: { type: 'string' },
  prefix: { type: 'string', default: DEFAULTS.sourcePrefix },
  images: { type: 'string', default: '0.92' },
  seed: { type: 'string', default: '1' },
  ...HELP_OPTION
} as const

const generate: Command = async (argv, io) => {
  const values = parseOptions(argv, OPTIONS)
  if (values.help) return HELP
  const plan: LakePlan = {
    users: wholeNumber('--users', required('--users', values.users), 1, 100_000_000),
    images: share('--images', values.images),
    seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1)
  }
  const prefix = folderPrefix('--prefix', values.prefix)
  const lake = lakeUrl('--lake', required('--lake', values.lake))
  await withLake(lake, io.env, async store => {
    const progress = new Progress(countFiles(plan), io.stderr, monotonicNow)
    await forEachConcurrently(lakeFiles(plan), UPLOAD_CONCURRENCY, async ({ name, body }) => {
      await store.put(prefix + name, body, { contentType: contentTypeOf(name) })
      progress.step()
    }).finally(() => progress.end())
  })
  return `wrote ${countOf(plan.users, 'user')}, ${countOf(countFiles(plan), 'file')}`
}

/** Runs the command. Returns the exit code. */
export function main (argv: readonly string[], io: CommandIo): Promise<number> {
  return runCommand(generate, argv, io)
}
