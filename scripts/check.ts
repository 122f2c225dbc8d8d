import { HELP_OPTION, parseOptions } from './arguments.js'
import { runCommand, type Command, type CommandIo } from './command.js'

const HELP = `Checks the settings and reads the lake as a start does. Prints the settings that differ from their defaults, a summary of the lake and any problems, and writes nothing.

userlake check

  -h, --help  print this help

It takes no options: settings are environment variables, or lines of a file .env in the working directory. The exit code is 1 if a setting is invalid or the lake cannot
be read.`

const check: Command = async (argv, io) => {
  const values = parseOptions(argv, HELP_OPTION)
  if (values.help) return HELP
  const { checkLake } = await import('./check/check-lake.js')
  return await checkLake(io)
}

/** Runs the command. Returns the exit code. */
export function main (argv: readonly string[], io: CommandIo): Promise<number> {
  return runCommand(check, argv, io)
}
