import { writeFile } from 'node:fs/promises'
import { parse } from 'node:path'
import Fastify from 'fastify'
import app, { serverOptions } from '../app.js'
import { HELP_OPTION, parseOptions } from './arguments.js'
import { runCommand, type Command, type CommandIo } from './command.js'
import { isMainModule } from './main-module.js'
import { checkOutputFile, notWritten } from './output-file.js'

const HELP = `Writes the OpenAPI document of a schema: the response of GET /openapi.json. No lake is read.

npm run openapi -- [options]

  --schema FILE  the Table Schema file (the built-in schemas/users.json)
  --output FILE  where to write (openapi.json; with --schema devices.json, devices.openapi.json)
  -h, --help     print this help

Defaults are in parentheses.`

const OPTIONS = {
  schema: { type: 'string', default: '' },
  output: { type: 'string' },
  ...HELP_OPTION
} as const

const openapi: Command = async (argv) => {
  const values = parseOptions(argv, OPTIONS)
  if (values.help) return HELP
  const output = values.output ?? (values.schema === '' ? 'openapi.json' : `${parse(values.schema).name}.openapi.json`)
  await checkOutputFile(output, 'the document is written to the working folder')
  const fastify = Fastify(serverOptions)
  try {
    await fastify.register(app, { settings: { LAKE_URL: 'file:./lake', SCHEMA: values.schema } })
    const { body } = await fastify.inject('/openapi.json')
    await writeFile(output, body).catch((error: unknown) => { throw notWritten(output, error) })
  } finally {
    await fastify.close()
  }
  return `wrote ${output}`
}

/** Runs the command. Returns the exit code. */
export function main (argv: readonly string[], io: CommandIo): Promise<number> {
  return runCommand(openapi, argv, io)
}

if (isMainModule(import.meta.url, process.argv[1])) process.exitCode = await main(process.argv.slice(2), process)
