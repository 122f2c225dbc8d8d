import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { version } from '../lib/base/package-info.js'
import { startS3Endpoint } from './support/s3-endpoint.js'
import { testFolder } from './support/test-folder.js'
import { until } from './support/until.js'

const server = fileURLToPath(new URL('../server.js', import.meta.url))

/** Starts the service as a process of its own, in a new folder with `files`. Its settings are `settings`, and those in the file `.env` of the folder if there is one. */
function start (t: Test, settings: Record<string, string>, files: Parameters<Test['testdir']>[0] = {}) {
  const cwd = testFolder(t, files)
  const child = spawn(process.execPath, [server], { cwd, env: { PATH: process.env['PATH'], PORT: '0', ...settings } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => { stdout += data })
  child.stderr.on('data', (data) => { stderr += data })
  const exit = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
  })
  const address = async () => {
    const find = () => /listening at (http:\S+?)"/.exec(stdout)?.[1]
    await until(() => find() !== undefined || child.exitCode !== null)
    const address = find()
    if (address === undefined) throw new Error(stderr)
    return address
  }
  /** Waits for a log line whose message matches. */
  const line = async (message: RegExp): Promise<Record<string, unknown>> => {
    const find = () => stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>).find(({ msg }) => message.test(String(msg)))
    await until(find)
    return find()!
  }
  return { child, cwd, exit, address, line }
}

t.test('without settings, the embedded lake is filled and published; SIGTERM ends the server; the log has when it was ready and when it has shut down', async (t) => {
  const { child, cwd, exit, address, line } = start(t, { MAX_STALENESS: '100ms' })
  const url = await address()
  await until(async () => (await fetch(`${url}/readyz`)).ok)
  t.equal((await (await fetch(`${url}/data`)).json() as unknown[]).length, 100)
  await until(() => readOutput(cwd).startsWith('user_id,'))
  const { seconds, ...ready } = await line(/^Ready/)
  t.match(ready, { level: 30, records: 100, rejects: 0, orphans: 1, ignored: 0, msg: `Ready ${seconds} s after the start of the process: 100 records are served` })
  t.ok(Number(seconds) > 0 && Number(seconds) < 600)
  // A second listing.
  writeFileSync(join(cwd, 'lake/source_data/new.csv'), 'first_name,last_name,birthts\nNew,One,0\n')
  await until(async () => (await (await fetch(`${url}/stats`)).json() as { count: number }).count === 101)
  child.kill('SIGTERM')
  const { code, stderr, stdout } = await exit
  t.equal(code, 0)
  t.equal(stderr, '', 'no warning')
  t.equal(stdout.match(/"Ready /g)!.length, 1)
  t.match(JSON.parse(stdout.trim().split('\n').at(-1)!), { level: 30, seconds: Number, msg: /^Shut down in [\d.]+ s$/ })
})

t.test('SIGTERM ends the server even if the reader of its log has closed the pipe', async (t) => {
  // From SIGTERM on, no timer flushes the log: its last lines are left for the end, however slow this machine is.
  const holdLog = `let ends = false
process.once('SIGTERM', () => { ends = true })
const { setInterval: start } = globalThis
globalThis.setInterval = (work, ...others) => start(() => { if (!ends) work() }, ...others)`
  const { child, exit, line } = start(t, { AGGREGATE_INTERVAL: '1h', NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(holdLog)}` })
  await line(/its documentation is at/)
  child.stdout.destroy()
  child.kill('SIGTERM')
  t.equal((await exit).code, 0)
})

t.test('during SHUTDOWN_DELAY the server goes on serving, and a second signal ends it at once', async (t) => {
  const { child, exit, address } = start(t, { SHUTDOWN_DELAY: '1h', AGGREGATE_INTERVAL: '1h' })
  const url = await address()
  await until(async () => (await fetch(`${url}/readyz`)).ok)
  child.kill('SIGTERM')
  await until(async () => (await fetch(`${url}/readyz`)).status === 503)
  t.equal((await fetch(`${url}/data`)).status, 200)
  child.kill('SIGTERM')
  t.match(await exit, { code: 1, stdout: /second SIGTERM, exiting/ })
})

t.test('a signal that arrives after the launcher has ended is not a second signal', async (t) => {
  const signalLater = 'process.once("disconnect", () => setImmediate(() => setImmediate(() => process.kill(process.pid, "SIGINT"))))'
  const cwd = testFolder(t, {})
  const child = spawn(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(signalLater)}`, server], {
    cwd, env: { PATH: process.env['PATH'], PORT: '0', AGGREGATE_INTERVAL: '1h' }, stdio: ['ignore', 'pipe', 'inherit', 'ipc']
  })
  t.teardown(() => { child.kill('SIGKILL') })
  let stdout = ''
  child.stdout!.on('data', (data) => {
    stdout += data
    if (child.connected && stdout.includes('its documentation is at')) child.disconnect()
  })
  const ended = once(child.stdout!, 'end')
  const [code] = await once(child, 'exit')
  await ended
  t.match(stdout, 'The process that started this one has ended')
  t.notMatch(stdout, 'second SIGINT')
  t.equal(code, 0)
})

function readOutput (cwd: string): string {
  try {
    return readFileSync(join(cwd, 'lake/processed_data/output.csv'), 'utf8')
  } catch {
    return ''
  }
}

t.test('SIGTERM during the start ends the server at once', async (t) => {
  // `exitNow` is the handler that server.ts installs first.
  const preload = "process.on('newListener', (name, { name: by }) => { if (name === 'SIGTERM' && by === 'exitNow') process.nextTick(() => process.stdout.write('handles SIGTERM')) })"
  const { child, exit } = start(t, { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` })
  // Sent as soon as the process handles SIGTERM, long before it listens for requests.
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  t.match(await exit, { code: 0, stderr: '', stdout: 'handles SIGTERM' })
})

t.test('SIGTERM ends the server after SHUTDOWN_TIMEOUT, also while a job and its client wait for a store whose requests take six seconds', async (t) => {
  const endpoint = await startS3Endpoint()
  t.teardown(() => endpoint.stop())
  endpoint.bucket('datalake').put('source_data/1.csv', 'first_name,last_name,birthts\nAnn,Lee,0\n')
  // 11 s is longer than the 10 s for which Fastify waits for a hook by default. If jobs and clients each got 11 s, close-with-grace would end the process
  // after 14 s, with exit code 1.
  const settings = { LAKE_URL: 's3://datalake', AWS_ENDPOINT_URL_S3: endpoint.url, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', SHUTDOWN_TIMEOUT: '11s' }
  const { child, exit, address } = start(t, settings)
  const url = await address()
  await until(async () => (await fetch(`${url}/readyz`)).ok && endpoint.puts.includes('processed_data/output.state.json'))
  endpoint.limit({ latencyMs: 6000 })
  endpoint.reset()
  const response = fetch(`${url}/data`, { method: 'POST' })
  await until(() => endpoint.counts.HEAD > 0)
  child.kill('SIGTERM')
  // The job may fail before the timeout, since the store is too slow for it.
  t.match(await response.then(({ status }) => String(status), () => 'closed'), /^(503|closed)$/)
  t.match(await exit, { code: 0, stderr: '' })
})

t.test('credentials are read from .env', async (t) => {
  const endpoint = await startS3Endpoint()
  t.teardown(() => endpoint.stop())
  endpoint.bucket('datalake').put('source_data/1.csv', 'first_name,last_name,birthts\nAnn,Lee,0\n')
  const signed: string[] = []
  endpoint.intercept = ({ headers }) => {
    signed.push(String(headers.authorization))
    return undefined
  }
  const env = `LAKE_URL=s3://datalake\nAWS_ENDPOINT_URL_S3=${endpoint.url}\nAWS_ACCESS_KEY_ID=from-the-file\nAWS_SECRET_ACCESS_KEY=secret\n`
  const { child, exit, address } = start(t, {}, { '.env': env })
  const url = await address()
  await until(async () => (await fetch(`${url}/readyz`)).ok)
  child.kill('SIGTERM')
  await exit
  for (const authorization of signed) t.match(authorization, /Credential=from-the-file\//)
})

t.test('a lake that LAKE_URL names is never filled; if it is missing, /readyz reports why', async (t) => {
  const { child, exit, address } = start(t, { LAKE_URL: 'file:./other' })
  const url = await address()
  await until(async () => (await (await fetch(`${url}/readyz`)).text()).includes('does not exist'))
  t.equal((await fetch(`${url}/livez`)).status, 200)
  child.kill('SIGINT')
  t.equal((await exit).code, 0)
})

t.test('settings are read from .env', async (t) => {
  const { address, line } = start(t, { AGREGATE_INTERVAL: '1m' }, { '.env': 'LAKE_URL=file:./mine\nSOURCE_PREFIX=\nMAX_STALENES=1s\n', mine: { '1001.csv': readFileSync('seed-data/1001.csv') } })
  const url = await address()
  await until(async () => (await fetch(`${url}/readyz`)).ok)
  t.match(await (await fetch(`${url}/data`)).json(), [{ user_id: '1001' }])
  t.match(await line(/is not a setting/), { level: 40, msg: '.env: "MAX_STALENES" is not a setting; did you mean MAX_STALENESS?' })
  t.match(await line(/^environment: /), { level: 40, msg: 'environment: "AGREGATE_INTERVAL" is not a setting; did you mean AGGREGATE_INTERVAL?' })
  const started = await line(/^Userlake /)
  t.match(started, { level: 30, version, lake: /\/mine$/, schema: 'Users (built in), 5 columns: key user_id, ages from birthts, images img_path', msg: `Userlake ${version} serves file:` })
  t.same(started['settings'], { PORT: 0, LAKE_URL: 'file:./mine', SOURCE_PREFIX: '' })
  t.match(await (await fetch(`${url}/version`)).json(), { version, build: null, node: process.versions.node })
})

t.test('an uncaught exception and an unhandled rejection end the server with exit code 1, and the log has the error', async (t) => {
  for (const code of ["throw new Error('injected')", "Promise.reject(new Error('injected'))"]) {
    const inject = `data:text/javascript,process.once('SIGCONT', () => { ${code} })`
    const { child, exit, address } = start(t, { NODE_OPTIONS: `--import=${encodeURI(inject)}` })
    const url = await address()
    await until(async () => (await fetch(`${url}/readyz`)).ok)
    child.kill('SIGCONT')
    const { code: exitCode, stdout } = await exit
    t.equal(exitCode, 1)
    t.match(stdout, /"level":60,.*"err":\{.*"message":"injected".*"msg":"Uncaught error: shutting down"/)
  }
})

t.test('a failure to start is one line on stderr, and exit code 1', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const table: [Record<string, string>, RegExp][] = [
    [{ MAX_STALENESS: 'soon' }, /^userlake: MAX_STALENESS: got "soon"; must be .*\n$/],
    [{ PORT: '80a' }, /^userlake: PORT: got "80a"; must be .*\n$/],
    [{ LAKE_URL: 'gs://x' }, /^userlake: LAKE_URL: got "gs:\/\/x"; must be .*\n$/],
    [{ HOST: '0.0.0.0' }, /^userlake: HOST: got "0.0.0.0", which other machines can reach, but no credentials are configured; .*\n$/],
    [{ PORT: String(port) }, new RegExp(`^userlake: PORT: got ${port}, which another process listens on\\n$`)],
    [{ HOST: '192.0.2.1', ALLOW_ANONYMOUS: 'true' }, /^userlake: HOST: got "192.0.2.1", which is not an address of this machine\n$/]
  ]
  for (const [settings, message] of table) {
    const { code, stderr } = await start(t, settings).exit
    t.equal(code, 1)
    t.match(stderr, message)
  }
})
