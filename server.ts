import { Worker } from 'node:worker_threads'
import { readEnvFile } from './lib/base/env-file.js'

// A process that is pid 1 gets no signal that it does not listen for. All else is loaded afterwards: it takes its time.
const exitNow = () => process.exit()
const SIGNALS = ['SIGTERM', 'SIGINT'] as const
for (const signal of SIGNALS) process.once(signal, exitNow)
// scripts/start.mjs keeps a channel open for as long as the server is to run.
process.once('disconnect', exitNow)

loadAwsCredentials('.env')
if (process.argv.length > 2) {
  const { runServerCommand } = await import('./scripts/server-command.js')
  process.exit(await runServerCommand(process.argv.slice(2), process))
}
// Its modules are loaded while those of the server are.
const worker = new Worker(new URL('./lib/worker/worker.js', import.meta.url))
const [{ default: closeWithGrace }, { default: Fastify, LogController }, { destination }, { default: app, serverOptions }, { parseDuration }, { SettingsError }] =
  await Promise.all([import('close-with-grace'), import('fastify'), import('pino'), import('./app.js'), import('./lib/base/duration.js'), import('./plugins/config.js')])

/** On top of what a job may take to end: for what remains to be closed. */
const CLOSE_GRACE_MS = 3000

/** Log lines are collected and written together, at the latest after 100 ms; lines beyond 16 MiB that the reader of stdout does not accept are dropped. */
const logOutput = destination({ sync: false, minLength: 8192, periodicFlush: 100, maxLength: 16 * 1024 * 1024 })

const fastify = Fastify({
  ...serverOptions,
  logger: { level: 'info', stream: logOutput },
  logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' })
})

try {
  await fastify.register(app, { worker })
  const { HOST: host, PORT: port, LOG_LEVEL: level, SHUTDOWN_TIMEOUT: timeout } = fastify.config
  fastify.log.level = level
  let isClosing = false
  const { close } = closeWithGrace({ delay: parseDuration(timeout)! + CLOSE_GRACE_MS, logger: fastify.log }, async ({ signal }) => {
    isClosing = true
    if (signal !== undefined) fastify.log.info(`${signal}: shutting down`)
    await fastify.close()
    // Lines that are left would be written synchronously at exit, which pino retries for ever if the reader of stdout has closed it.
    await new Promise((resolve) => { logOutput.flush(resolve) })
  })
  for (const signal of SIGNALS) process.removeListener(signal, exitNow)
  process.removeListener('disconnect', exitNow)
  // Later than a signal of the same moment, which would otherwise count as a second one.
  process.once('disconnect', () => setImmediate(() => {
    if (isClosing) return
    fastify.log.info('The launcher has ended: shutting down')
    close()
  }))
  await fastify.listen({ host, port })
} catch (error) {
  process.stderr.write(`userlake: ${startError(error)}\n`)
  process.exit(1)
}

/** The SDK reads credentials from the environment but not from .env, so those in .env are copied to the environment. */
function loadAwsCredentials (path: string): void {
  for (const [name, value] of Object.entries(readEnvFile(path))) if (name.startsWith('AWS_')) process.env[name] ??= value
}

/** One line for what an operator can mend, everything for what is a bug. */
function startError (error: unknown): string {
  if (error instanceof SettingsError) return error.message
  const { code, message, stack } = error as NodeJS.ErrnoException
  switch (code) {
    case 'EADDRINUSE': return `PORT: got ${fastify.config.PORT}, which another process listens on`
    case 'EADDRNOTAVAIL': case 'ENOTFOUND': return `HOST: got ${JSON.stringify(fastify.config.HOST)}, which is no address of this machine`
    case 'EACCES': return message
    default: return stack ?? String(error)
  }
}
