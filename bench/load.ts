import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { cpuSeconds, isInstalled, pathOf } from './child-process.js'

const run = promisify(execFile)

/** A URL to send requests to, and the id of the process that serves it. */
export interface Target {
  readonly pid: number
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** The paths to request, in this order and each once. Default: the path of the URL, repeatedly. */
  readonly paths?: () => Iterable<string>
}

const CONNECTIONS = 8
const generate = isInstalled('wrk') ? wrk : autocannon

/**
 * If a sample has fewer requests, it is repeated for twice the time, up to `MAX_SECONDS`: requests that are unfinished at the end of a sample are not
 * counted, which would distort a small number.
 */
const MIN_REQUESTS = 16
const MAX_SECONDS = 4

/**
 * Sends requests for a second and, until there are enough of them, again for 2 and 4 seconds. Returns the number of requests of the last sample per second of CPU time of the serving process.
 *
 * @param folder where temporary files are written
 */
export async function sample (target: Target, folder: string): Promise<number> {
  for (let seconds = 1; ; seconds *= 2) {
    const before = cpuSeconds(target.pid)
    const requests = await generate(target, seconds, folder)
    if (requests >= MIN_REQUESTS || seconds === MAX_SECONDS) return requests / (cpuSeconds(target.pid) - before)
  }
}

async function wrk ({ url, headers = {}, paths }: Target, seconds: number, folder: string): Promise<number> {
  const args = [`-c${CONNECTIONS}`, '-t1', `-d${seconds}s`, ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])]
  if (paths !== undefined) {
    const script = `${folder}/paths.lua`
    writeFileSync(script, luaScript([...paths()]))
    args.push('-s', script)
  }
  const { stdout } = await run('wrk', [...args, url])
  if (/Non-2xx or 3xx|Socket errors/.test(stdout)) throw new Error(`${url} failed:\n${stdout}`)
  return Number(/(\d+) requests in/.exec(stdout)![1])
}

/** Uses autocannon, which is slower than most servers that it measures. The figures are valid nevertheless, because only CPU time of the server counts. */
async function autocannon ({ url, headers = {}, paths }: Target, seconds: number, folder: string): Promise<number> {
  const requests = [...paths?.() ?? []].map((path) => ({ path }))
  const file = `${folder}/autocannon.json`
  writeFileSync(file, JSON.stringify({ url, headers, connections: CONNECTIONS, duration: seconds, ...requests.length > 0 && { requests } }))
  const { stdout } = await run(process.execPath, [pathOf('./autocannon.js'), file])
  const { succeeded, failed } = JSON.parse(stdout)
  if (failed > 0) throw new Error(`${url} failed: ${stdout}`)
  return succeeded
}

function luaScript (paths: readonly string[]): string {
  return `local paths = {${paths.map((path) => JSON.stringify(path)).join(',')}}
local next = 0
request = function()
  next = next + 1
  return wrk.format(nil, paths[next] or error('no more paths'))
end
`
}
