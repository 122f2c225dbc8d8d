import { HELP_OPTION, lakeSettings, parseOptions } from './arguments.js'
import { runCommand, type Command, type CommandIo } from './command.js'

const HELP = `Checks the settings and reads the lake as a start does. Prints the settings that differ from their defaults, a summary of the lake, any problems and what a start
would do: where it listens, what it publishes and whether it requires credentials. Writes nothing.

userlake check [options]

  --lake URL       s3://bucket or file:folder (LAKE_URL, or else the folder ./lake)
  --schema FILE    the schema file (SCHEMA, or else that of users)
  --prefix PREFIX  prefix of the keys of info files, ending in / (SOURCE_PREFIX)
  -h, --help       print this help

Defaults are in parentheses. Other settings are environment variables, or lines of a file .env in the working directory. The exit code is 1 if a setting is invalid, if the lake
cannot be read, or if nothing in it becomes a record.`

const OPTIONS = {
  lake: { type: 'string' },
  schema: { type: 'string' },
  prefix: { type: 'string' },
  ...HELP_OPTION
} as const

const check: Command = async (argv, io) => {
  const values = parseOptions(argv, OPTIONS)
  if (values.help) return HELP
  const env = lakeSettings(io.env, values)
  const { checkLake } = await import('./check/check-lake.js')
  return await checkLake({ ...io, env })
}

/** Runs the command. Returns the exit code. */
export function main (argv: readonly string[], io: CommandIo): Promise<number> {
  return runCommand(check, argv, io)
}
