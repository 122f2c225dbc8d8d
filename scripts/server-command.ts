import { nearest } from '../lib/base/nearest.js'
import { version } from '../lib/base/package-info.js'
import type { CommandIo } from './command.js'

const HELP = `Userlake ${version}: an HTTP API over a lake of small per-entity files

node dist/server.js             starts the service, which runs until it receives SIGTERM or SIGINT
node dist/server.js --check     checks the settings and reads the lake, prints a summary and any problems, and writes nothing
node dist/server.js --version   prints the version
node dist/server.js --help      prints this help

Settings are environment variables, or lines of a file .env in the working directory; .env.example and README.md describe them.
Exit codes: 0 success; 1 a setting is invalid or the lake cannot be read; 2 an argument is unknown.`

const ACTIONS: Readonly<Record<string, (io: CommandIo) => Promise<number>>> = {
  '--help': async ({ stdout }) => print(stdout, HELP),
  '--version': async ({ stdout }) => print(stdout, version),
  '--check': async (io) => (await import('./check.js')).check(io)
}

function print (output: CommandIo['stdout'], text: string): number {
  output.write(text + '\n')
  return 0
}

/** Runs the server's command line with at least one argument. Returns the exit code. */
export async function runServerCommand (argv: readonly string[], io: CommandIo): Promise<number> {
  const unknown = argv.find((argument) => !Object.hasOwn(ACTIONS, argument))
  if (unknown === undefined && argv.length === 1) return await ACTIONS[argv[0]!]!(io)
  if (unknown === undefined) {
    io.stderr.write('userlake: accepts at most one argument; see --help\n')
    return 2
  }
  const suggestion = nearest(unknown, Object.keys(ACTIONS))
  io.stderr.write(`userlake: unknown argument ${JSON.stringify(unknown)}` + (suggestion === undefined ? '; see --help\n' : `; did you mean ${suggestion}?\n`))
  return 2
}
