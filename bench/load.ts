import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { cpuSeconds, isInstalled, pathOf } from './child-process.js'

const run = promisify(execFile)

/** A URL, and the process that serves it. */
export interface Target {
  readonly pid: number
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Paths to request in turn, each once. Default: the path of the URL, every time. */
  readonly paths?: () => Iterable<string>
}

const CONNECTIONS = 8
const generate = isInstalled('wrk') ? wrk : autocannon

/** A sample with fewer requests is repeated for twice the time, up to `MAX_SECONDS`, because requests that are cut off at its end are not counted. */
const MIN_REQUESTS = 16
const MAX_SECONDS = 4

/** Returns requests per CPU-second of the serving process, over about a second. */
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

/** Uses autocannon, which is slower than most of what it measures. The figures hold nevertheless, as they count CPU time of the server. */
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
