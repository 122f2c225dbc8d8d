#!/usr/bin/env node
import { loadAwsSettings, readEnvFile } from '../lib/base/env-file.js'
import { didYouMean, nearest } from '../lib/base/nearest.js'
import { version } from '../lib/base/package-info.js'
import type { CommandIo } from './command.js'
import { isMainModule } from './main-module.js'

interface Entry {
  readonly summary: string
  /** Imports the command, and with it what only this command needs. */
  readonly load: () => Promise<{ readonly main: (argv: readonly string[], io: CommandIo) => Promise<number> }>
}

/** The commands, in the order of the help. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  start: { summary: 'starts the service', load: () => import('./start.js') },
  check: { summary: 'checks the settings, reads the lake as a start does, describes what a start would do, and writes nothing', load: () => import('./check.js') },
  export: { summary: 'writes the records of a lake to a file or stdout: CSV, NDJSON, JSON or Parquet', load: () => import('./export.js') },
  schema: { summary: 'infers the schema of a lake from a sample of its files', load: () => import('./schema.js') },
  doctor: { summary: 'checks what a lake supports: rights, region, clock, conditional writes, latency', load: () => import('./doctor.js') },
  seed: { summary: 'uploads the files of a folder into a lake', load: () => import('./seed.js') },
  generate: { summary: 'writes a lake with invented users, of any size', load: () => import('./generate.js') },
  key: { summary: 'makes an API key', load: () => import('./key.js') }
}

const HELP = `Userlake ${version}: an HTTP API over a lake of small per-entity files

userlake <command> [options]

${Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`).join('\n')}

userlake <command> --help, or userlake help <command>, prints the options of a command, and userlake --version the version.

Settings are environment variables, or lines of a file .env in the working directory; .env.example and docs/reference.md describe them.
Exit codes: 0 success; 1 failure; 2 wrong usage: a command, an option or a value is unknown or missing; 3 (export) the records were written, but may differ from the lake.`

/** Names of scripts of a clone that are taken for commands, and what to use. */
const SCRIPTS: ReadonlyMap<string, string> = new Map([
  ['openapi', 'npm run openapi, in a clone, writes the document, and GET /openapi.json of a running service returns it'],
  ['examples', 'npm run examples, in a clone, makes the lakes of examples/']
])

const TEXTS: ReadonlyMap<string, string> = new Map([['--help', HELP], ['-h', HELP], ['help', HELP], ['--version', version]])

/** Runs the command line. Returns the exit code. */
export async function main ([name, ...rest]: readonly string[], io: CommandIo): Promise<number> {
  if (name === undefined) {
    io.stderr.write(`${HELP}\n`)
    return 2
  }
  if (name === 'help' && rest.length === 1 && !rest[0]!.startsWith('-')) return await main([rest[0]!, '--help'], io)
  const text = TEXTS.get(name)
  if (text !== undefined) return rest.length === 0 ? print(io, text) : fail(io, `${name} takes no options; see userlake --help`)
  if (Object.hasOwn(COMMANDS, name)) return await (await COMMANDS[name]!.load()).main(rest, io)
  const script = SCRIPTS.get(name)
  if (script !== undefined) return fail(io, `unknown command ${JSON.stringify(name)}; ${script}`)
  const similar = nearest(name, name.startsWith('-') ? ['--help', '--version'] : [...Object.keys(COMMANDS), 'help'])
  return fail(io, `unknown ${name.startsWith('-') ? 'option' : 'command'} ${JSON.stringify(name)}${didYouMean(similar) || '; see userlake --help'}`)
}

function print ({ stdout }: CommandIo, text: string): number {
  stdout.write(`${text}\n`)
  return 0
}

function fail ({ stderr }: CommandIo, message: string): number {
  stderr.write(`userlake: ${message}\n`)
  return 2
}

if (isMainModule(import.meta.url, process.argv[1])) {
  loadAwsSettings('.env', process.env)
  const { stdout, stderr } = process
  process.exitCode = await main(process.argv.slice(2), { env: { ...readEnvFile('.env'), ...process.env }, stdout, stderr })
}
