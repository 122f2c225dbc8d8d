#!/usr/bin/env node
// `npm start`: builds what has changed if TypeScript is installed, then runs the server in a child process, because the C library reads some
// environment variables before Node runs any script. The server ends when this process, or the npm that started it, ends.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Variables of the server's environment, unless the caller has set them. The Containerfile sets the same ones. */
const ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: '16384' }

/** Milliseconds between two checks that npm is still running. npm sends signals to its shell, which does not forward them to this process. */
const CHECK_MS = 250

const root = fileURLToPath(new URL('..', import.meta.url))
const server = join(root, 'dist/server.js')
const parents = process.env.npm_lifecycle_event === undefined ? undefined : parentProcesses()

build()
if (!existsSync(server)) fail('dist/server.js does not exist: run npm ci && npm run build')
run()

/** Compiles the sources. A package or a production installation has no sources or no compiler, and runs what was built before. */
function build () {
  if (!existsSync(join(root, 'tsconfig.build.json'))) return
  let compiler
  try {
    compiler = createRequire(join(root, 'package.json')).resolve('typescript/bin/tsc')
  } catch {
    return
  }
  const { status } = spawnSync(process.execPath, [compiler, '-b', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

function run () {
  const child = spawn(process.execPath, [...process.execArgv, server, ...process.argv.slice(2)], {
    // The server shuts down when the channel closes, which also happens if this process is killed.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...ENVIRONMENT, ...process.env }
  })
  const end = () => { if (child.connected) child.disconnect() }
  // Signals are not forwarded: Ctrl-C and service managers signal the server as well, and it exits at once on a second signal.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end)
  if (parents !== undefined) setInterval(() => { if (parentProcesses() !== parents) end() }, CHECK_MS)
  child.on('error', (error) => fail(error.message))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

/** Identifies the process of npm and, if npm runs this process by a shell, the shell. Without /proc, only the parent process. */
function parentProcesses () {
  const { ppid } = process
  try {
    const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${ppid}/stat`, 'latin1'))
    return /^(ba|da|a)?sh$|^busybox$/.test(name) ? `${ppid} ${parent}` : `${ppid}`
  } catch {
    return `${ppid}`
  }
}

function fail (message) {
  process.stderr.write(`userlake: ${message}\n`)
  process.exit(1)
}
