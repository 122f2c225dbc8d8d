import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { cpuSeconds, isInstalled, pathOf } from './child.js'

const run = promisify(execFile)

/** Something that answers HTTP, and the process that does so. */
export interface Target {
  readonly pid: number
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Paths that are asked for in turn, none of them twice; default: that of the URL, always. */
  readonly paths?: () => Iterable<string>
}

const CONNECTIONS = 8
const generate = isInstalled('wrk') ? wrk : cannon

/** Requests per CPU-second of the serving process, over about a second. */
export async function sample (target: Target, folder: string): Promise<number> {
  const before = cpuSeconds(target.pid)
  const requests = await generate(target, folder)
  return requests / (cpuSeconds(target.pid) - before)
}

async function wrk ({ url, headers = {}, paths }: Target, folder: string): Promise<number> {
  const args = [`-c${CONNECTIONS}`, '-t1', '-d1s', ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])]
  if (paths !== undefined) {
    const script = `${folder}/paths.lua`
    writeFileSync(script, luaOf([...paths()]))
    args.push('-s', script)
  }
  const { stdout } = await run('wrk', [...args, url])
  if (/Non-2xx or 3xx|Socket errors/.test(stdout)) throw new Error(`${url} fails:\n${stdout}`)
  return Number(/(\d+) requests in/.exec(stdout)![1])
}

/** By autocannon, which is slower than most of what it measures: that is why it is CPU time that counts. */
async function cannon ({ url, headers = {}, paths }: Target, folder: string): Promise<number> {
  const requests = [...paths?.() ?? []].map((path) => ({ path }))
  const file = `${folder}/cannon.json`
  writeFileSync(file, JSON.stringify({ url, headers, connections: CONNECTIONS, duration: 1, ...requests.length > 0 && { requests } }))
  const { stdout } = await run(process.execPath, [pathOf('./cannon.js'), file])
  const { answered, failed } = JSON.parse(stdout)
  if (failed > 0) throw new Error(`${url} fails: ${stdout}`)
  return answered
}

function luaOf (paths: readonly string[]): string {
  return `local paths = {${paths.map((path) => JSON.stringify(path)).join(',')}}
local next = 0
request = function()
  next = next + 1
  return wrk.format('GET', paths[next] or error('no more paths'))
end
`
}
