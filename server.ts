import closeWithGrace from 'close-with-grace'
import Fastify, { LogController } from 'fastify'
import app, { serverOptions } from './app.js'
import { parseDuration } from './lib/duration.js'
import { SettingsError } from './plugins/config.js'

/** On top of what a job may take to end: for what remains to be closed. */
const LAST_WORDS_MS = 3000

const fastify = Fastify({
  ...serverOptions,
  logger: { level: 'info' },
  logController: new LogController({ disableRequestLogging: true })
})

try {
  await fastify.register(app, { worker: true })
  const { HOST: host, PORT: port, LOG_LEVEL: level, SHUTDOWN_TIMEOUT: timeout } = fastify.config
  fastify.log.level = level
  closeWithGrace({ delay: parseDuration(timeout)! + LAST_WORDS_MS, logger: fastify.log }, async ({ signal }) => {
    if (signal !== undefined) fastify.log.info(`${signal}: shutting down`)
    await fastify.close()
  })
  await fastify.listen({ host, port })
} catch (error) {
  process.stderr.write(`userlake: ${startError(error)}\n`)
  process.exit(1)
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
