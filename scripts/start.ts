import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { HELP_OPTION, parseOptions } from './arguments.js'
import { runCommand, type Command, type CommandIo } from './command.js'

const HELP = `Starts the service, which runs until it receives SIGTERM or SIGINT. Without settings it serves an embedded lake: the folder ./lake, which is filled with sample data
if it does not exist.

userlake start

  -h, --help  print this help

It takes no options: settings are environment variables, or lines of a file .env in the working directory. The exit code is 0 after a shutdown, and 1 if a setting is
invalid or the service cannot start; userlake check reports why.`

/**
 * Variables of the server's environment, unless the caller has set them. The Containerfile sets the same ones. In the folder of NODE_COMPILE_CACHE, Node 22 and
 * later keeps compiled code, which makes all starts after the first one faster. If the folder cannot be written to, nothing is kept.
 */
export const ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: '16384', NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/compile', import.meta.url)) }

/** Milliseconds between two checks that npm is still running. npm sends signals to its shell, which does not forward them to this process. */
const CHECK_MS = 250

const start: Command = async (argv) => {
  const values = parseOptions(argv, HELP_OPTION)
  return values.help ? HELP : await runServer()
}

/**
 * Runs the server in a child process, because the C library reads some environment variables before Node runs any script. The server ends when this process, or the
 * npm that started it, ends. Returns its exit code.
 */
function runServer (): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(new URL('../server.js', import.meta.url))], {
    // The server shuts down when the channel closes, which also happens if this process is killed.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...ENVIRONMENT, ...process.env }
  })
  const end = () => { if (child.connected) child.disconnect() }
  // Only the names of signals are sent, for the log: Ctrl-C and service managers signal the server as well, and it exits at once on a second signal.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { if (child.connected) child.send(signal, end) })
  const parents = process.env['npm_lifecycle_event'] === undefined ? undefined : parentProcesses()
  const watch = parents === undefined ? undefined : setInterval(() => { if (parentProcesses() !== parents) end() }, CHECK_MS)
  return new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  }).finally(() => clearInterval(watch))
}

/** Identifies the process of npm and, if npm runs this process by a shell, the shell. Without /proc, only the parent process. */
function parentProcesses (): string {
  const { ppid } = process
  try {
    const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${ppid}/stat`, 'latin1'))!
    return /^(ba|da|a)?sh$|^busybox$/.test(name!) ? `${ppid} ${parent}` : `${ppid}`
  } catch {
    return `${ppid}`
  }
}

/** Runs the command. Returns the exit code, once the server has ended. */
export function main (argv: readonly string[], io: CommandIo): Promise<number> {
  return runCommand(start, argv, io)
}
