import { isStarted, runCommand, type Command, type CommandIo } from './command.js'

/** Less than the timeout of the HEALTHCHECK, which would end this process without a word. */
const PATIENCE_MS = 2500

/** Asks the service in the same container whether it is ready: the image holds no other HTTP client than Node. */
const healthcheck: Command = async (_argv, { env }) => {
  const response = await fetch(`http://127.0.0.1:${env.PORT ?? 8080}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) })
  const body = await response.text()
  if (!response.ok) throw new Error(body)
  return body
}

/** The command on its own: answers the exit code. */
export function main (argv: readonly string[], world: CommandIo): Promise<number> {
  return runCommand(healthcheck, argv, world)
}

if (isStarted(import.meta.url, process.argv[1])) process.exitCode = await main(process.argv.slice(2), process)
