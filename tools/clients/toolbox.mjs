// What the checks of this folder share: commands, packages and a running service.
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const root = dirname(fileURLToPath(import.meta.url))
export const repository = resolve(root, '../..')
const env = {
  ...process.env,
  PATH: [`${root}/node_modules/.bin`, `${root}/.venv/bin`, `${root}/.bin`, process.env.PATH, '/usr/local/go/bin'].join(delimiter),
  GOBIN: `${root}/.bin`,
  PYTHONPATH: `${root}/generated/openapi-python-client`,
  MYPYPATH: `${root}/generated/openapi-python-client`,
  MYPY_CACHE_DIR: `${root}/.venv/mypy-cache`
}

/** Thrown if a language is not available: its generators are skipped, for this reason. */
export class Unavailable extends Error {}

/** Thrown if a command fails; the message is its output. */
export class CommandError extends Error {}

/** What package clients print if they cannot reach their registry. */
const NO_REGISTRY = /dial tcp|i\/o timeout|no such host|proxy|Forbidden|No matching distribution|Max retries|timed out|Temporary failure/i

/** Starts the service on a free port, with a copy of the sample data and with these settings. Returns its URL, the folder of the lake and `stop`. */
export async function serve (otherSettings = {}) {
  const folder = mkdtempSync(`${tmpdir()}/userlake-clients-`)
  cpSync(`${repository}/seed-data`, `${folder}/source_data`, { recursive: true })
  const settings = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'info', LAKE_URL: `file:${folder}`, ...otherSettings }
  const child = spawn(process.execPath, ['dist/server.js'], { cwd: repository, env: { ...process.env, ...settings }, stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = () => {
    child.on('close', () => rmSync(folder, { recursive: true }))
    child.kill()
  }
  for await (const line of createInterface(child.stdout)) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (url === undefined) continue
    child.stdout.resume()
    while (!(await fetch(`${url}/readyz`)).ok) await setTimeout(100)
    return { url, folder, stop }
  }
  throw new Error('the service did not start')
}

/** Runs a command, in this folder unless `cwd` is another, without a shell. Returns its stdout. @throws CommandError */
export async function run (command, cwd = root) {
  const child = spawn(command[0], command.slice(1), { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: [], all: [] }
  child.stdout.on('data', (chunk) => { output.stdout.push(chunk); output.all.push(chunk) })
  child.stderr.on('data', (chunk) => output.all.push(chunk))
  const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (status !== 0) throw new CommandError(`${command.join(' ')}: exit status ${status}\n${Buffer.concat(output.all).toString().slice(-4000)}`)
  return Buffer.concat(output.stdout).toString()
}

/** Runs a command that installs packages. */
export async function install (command) {
  try {
    await run(command)
  } catch (error) {
    const reason = NO_REGISTRY.exec(error.message)
    if (reason === null) throw error
    throw new Unavailable(`a package registry cannot be reached (${command[0]}: ${reason[0]})`)
  }
}

export async function requireCommand (command, name) {
  try {
    await run(command)
  } catch (error) {
    throw new Unavailable(`${name} is not installed (${error.message.split('\n', 1)[0]})`)
  }
}

/** Installs what a file of requirements names, all pinned, into a virtual environment in this folder. @throws Unavailable */
export async function installPythonPackages (requirements, folder) {
  if (isInstalled(requirements, folder)) return
  await requireCommand(['python3', '-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'], 'Python 3.11 with venv')
  await run(['python3', '-m', 'venv', '--clear', folder])
  await install([`${root}/${folder}/bin/pip`, 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements])
  markInstalled(requirements, folder)
}

/** Whether the folder holds what the lockfile names: it keeps a copy of the lockfile that it was installed from. */
export function isInstalled (lockfile, folder) {
  const copy = `${root}/${folder}/${lockfile}`
  return existsSync(copy) && readFileSync(copy, 'utf8') === readFileSync(`${root}/${lockfile}`, 'utf8')
}

export function markInstalled (lockfile, folder) {
  cpSync(`${root}/${lockfile}`, `${root}/${folder}/${lockfile}`)
}
