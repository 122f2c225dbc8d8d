import { Worker } from 'node:worker_threads'
import { loadAwsSettings } from './lib/base/env-file.js'

// The kernel does not deliver a signal to process 1 of a container unless the process has a handler for it. The handlers are installed
// before the other modules are loaded, so that a signal during the load ends the process.
const exitNow = () => process.exit()
const SIGNALS = ['SIGTERM', 'SIGINT'] as const
for (const signal of SIGNALS) process.once(signal, exitNow)
// scripts/start.ts keeps an IPC channel to this process open; the server must end when the channel closes.
process.once('disconnect', exitNow)

if (process.argv.length > 2) {
  process.stderr.write('userlake: the server takes no arguments; see userlake --help\n')
  process.exit(2)
}
loadAwsSettings('.env', process.env)
// Started first, so that both threads load their modules at the same time.
const worker = new Worker(new URL('./lib/worker/worker.js', import.meta.url))
const [{ default: closeWithGrace }, { default: Fastify, LogController }, { destination }, { default: app, serverOptions }, { parseDuration }, { MAX_TIMEOUT_MS }, { SettingsError }] =
  await Promise.all([import('close-with-grace'), import('fastify'), import('pino'), import('./app.js'), import('./lib/base/duration.js'), import('./lib/base/timer.js'), import('./plugins/config.js')])

/** Milliseconds to close everything else after SHUTDOWN_DELAY and SHUTDOWN_TIMEOUT, which limits the wait for jobs and open requests. More than MAX_CLOSE_WAIT_MS and MAX_WORKER_CLOSE_MS together. */
const CLOSE_GRACE_MS = 3000

/** Log lines are buffered and written together, after at most 100 ms. If the reader of stdout does not keep up, lines beyond 16 MiB are dropped. */
const logOutput = destination({ sync: false, minLength: 8192, periodicFlush: 100, maxLength: 16 * 1024 * 1024 })

const fastify = Fastify({
  ...serverOptions,
  logger: { level: 'info', stream: logOutput },
  logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' })
})

try {
  await fastify.register(app, { worker, environmentNames: Object.keys(process.env) })
  const { HOST: host, PORT: port, LOG_LEVEL: level, SHUTDOWN_DELAY: shutdownDelay, SHUTDOWN_TIMEOUT: shutdownTimeout } = fastify.config
  fastify.log.level = level
  let isClosing = false
  const { close } = closeWithGrace({ delay: Math.min(parseDuration(shutdownDelay)! + parseDuration(shutdownTimeout)! + CLOSE_GRACE_MS, MAX_TIMEOUT_MS), logger: fastify.log }, async ({ signal, err }) => {
    isClosing = true
    const began = performance.now()
    if (err !== undefined) fastify.log.fatal({ err }, 'Uncaught error: shutting down')
    if (signal !== undefined) fastify.log.info(`${signal}: shutting down`)
    await fastify.close()
    const seconds = Math.round((performance.now() - began) / 10) / 100
    fastify.log.info({ seconds }, `Shut down in ${seconds} s`)
    // At exit, pino would write the buffered lines synchronously, and retry forever if the reader has closed stdout.
    await new Promise((resolve) => { logOutput.flush(resolve) })
  })
  for (const signal of SIGNALS) process.removeListener(signal, exitNow)
  process.removeListener('disconnect', exitNow)
  // Deferred: if a signal arrives together with the disconnect, it is handled first and `isClosing` is set. Otherwise the disconnect would count as
  // a second signal, which ends the process at once.
  let cause = 'The process that started this one has ended or is about to end'
  process.once('message', (signal: NodeJS.Signals) => { cause = signal })
  process.once('disconnect', () => setImmediate(() => {
    if (isClosing) return
    fastify.log.info(`${cause}: shutting down`)
    close()
    SIGNALS.forEach(ignoreOnce)
  }))
  await fastify.listen({ host, port })
} catch (error) {
  process.stderr.write(`userlake: ${startError(error)}\n`)
  process.exit(1)
}

/** The launcher may have ended because of a signal to all processes, which reaches this one later: it is not a second signal. */
function ignoreOnce (signal: NodeJS.Signals): void {
  const listeners = process.listeners(signal)
  process.once(signal, () => listeners.forEach((listener) => process.on(signal, listener)))
  for (const listener of listeners) process.removeListener(signal, listener)
}

/** The message for stderr: one line for an error that an operator can fix, the stack for a bug. */
function startError (error: unknown): string {
  if (error instanceof SettingsError) return error.message
  const { code, message, stack } = error as NodeJS.ErrnoException
  switch (code) {
    case 'EADDRINUSE': return `PORT: got ${fastify.config.PORT}, which another process listens on`
    case 'EADDRNOTAVAIL': case 'ENOTFOUND': return `HOST: got ${JSON.stringify(fastify.config.HOST)}, which is not an address of this machine`
    case 'EACCES': return message
    default: return stack ?? String(error)
  }
}
