import { runCommand, type Command, type CommandIo } from './command.js'
import { isMainModule } from './main-module.js'

/** Milliseconds. Must be shorter than the timeout of HEALTHCHECK in the Containerfile, which would kill this process before it prints the reason. */
const TIMEOUT_MS = 2500

/** Requests /readyz of the service in the same container. Node is the only HTTP client in the image. */
const healthcheck: Command = async (_argv, { env }) => {
  const response = await fetch(`http://127.0.0.1:${env.PORT ?? 8080}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  const body = await response.text()
  if (!response.ok) throw new Error(body)
  return body
}

/** Runs the command. Returns the exit code. */
export function main (argv: readonly string[], io: CommandIo): Promise<number> {
  return runCommand(healthcheck, argv, io)
}

if (isMainModule(import.meta.url, process.argv[1])) process.exitCode = await main(process.argv.slice(2), process)
