import { randomBytes } from 'node:crypto'
import { hashOf, isClientName, KEY_PREFIX } from '../plugins/access/api-keys.js'
import { isScope, SCOPES } from '../plugins/access/scopes.js'
import { HELP_OPTION, parseOptions, required } from './arguments.js'
import { runCommand, UsageError, type Command, type CommandIo } from './command.js'

const HELP = `Makes an API key. Prints the key, which only its owner should have, and the entry with its hash for API_KEYS or API_KEYS_FILE.

userlake key --name NAME --scopes SCOPES

  --name NAME      the name of the client, for the log and RATE_LIMIT: letters, digits and . _ - @, at most 64
  --scopes SCOPES  one or more of ${SCOPES.join(', ')}, separated by commas
  -h, --help       print this help`

const OPTIONS = {
  name: { type: 'string' },
  scopes: { type: 'string' },
  ...HELP_OPTION
} as const

const key: Command = async (argv) => {
  const values = parseOptions(argv, OPTIONS)
  if (values.help) return HELP
  const name = required('--name', values.name)
  const scopes = required('--scopes', values.scopes).split(/[,+]/)
  if (!isClientName(name)) throw new UsageError(`--name: got '${name}'; must be 1 to 64 letters, digits and . _ - @`)
  if (!scopes.every(isScope)) throw new UsageError(`--scopes: got '${values.scopes}'; must be one or more of ${SCOPES.join(', ')}, separated by commas`)
  const text = `${KEY_PREFIX}${randomBytes(32).toString('base64url')}`
  const entry = `${name}:${scopes.join('+')}:${hashOf(text)}`
  return `key:   ${text}\nentry: ${entry}`
}

/** Runs the command. Returns the exit code. */
export function main (argv: readonly string[], io: CommandIo): Promise<number> {
  return runCommand(key, argv, io)
}
