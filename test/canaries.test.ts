import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { bearer, entryOf, keyOf } from './support/api-keys.js'
import { startS3Endpoint } from './support/s3-endpoint.js'
import { testFolder } from './support/test-folder.js'
import { until } from './support/until.js'

const server = fileURLToPath(new URL('../server.js', import.meta.url))

/** Secrets of the environment and of clients, and texts of records: none of them may be in a log, an error or the arguments of a process. */
const CANARY = /[Cc]anary|555666777888|1938-09-12|987897600000/

const FILES = {
  'fine.csv': 'first_name,last_name,birthts\nAnn,CanaryA,-555666777888\n',
  'date.csv': 'first_name,last_name,birthts\nAnn,CanaryB,1938-09-12\n',
  'quote.csv': 'first_name,last_name,birthts\nAnn,Canary"C,0\n',
  'fields.csv': 'first_name,last_name,birthts\nAnn,CanaryD\n',
  'headless.csv': 'CanaryE,CanaryE,-555666777888\n',
  'header.csv': 'first_name,CanaryF,canaryF\nAnn,Lee,0\n',
  'broken.json': '{"last_name": "CanaryG",',
  'text.json': '"CanaryH"'
}

/** Starts the service as a process of its own. */
async function start (t: Test, env: Record<string, string>) {
  const child = spawn(process.execPath, [server], { cwd: testFolder(t, {}), env: { PATH: process.env['PATH'], PORT: '0', LOG_LEVEL: 'trace', ...env } })
  const exit = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { text += data })
  const address = () => /listening at (http:\S+?)"/.exec(text)?.[1]
  await until(() => address() !== undefined || child.exitCode !== null)
  return { child, exit, url: address(), text: () => text }
}

t.test('secrets and texts of records are in no log, error or argument', async (t) => {
  const endpoint = await startS3Endpoint()
  t.teardown(() => endpoint.stop())
  const bucket = endpoint.bucket('datalake')
  for (const [name, body] of Object.entries(FILES)) bucket.put(`source_data/${name}`, body)
  const { child, exit, url, text } = await start(t, {
    LAKE_URL: 's3://datalake',
    AWS_ENDPOINT_URL_S3: endpoint.url,
    AWS_ACCESS_KEY_ID: 'CanaryKeyId',
    AWS_SECRET_ACCESS_KEY: 'canary-secret',
    AWS_SESSION_TOKEN: 'canary-session',
    API_KEYS: entryOf('read', 'write', 'metrics').replace(/^[^:]*/, 'client'),
    OTHER_SECRET: 'canary-other',
    ENGINE_PASSWORD: 'canary-engine',
    SHARE_LISTINGS: 'false'
  })
  await until(async () => (await fetch(`${url!}/readyz`)).ok)
  const errors: string[] = []
  const send = async (path: string, { method = 'GET', headers = {} }: { method?: string, headers?: Record<string, string> } = {}) => {
    const response = await fetch(url + path, { method, headers: { ...bearer(keyOf('read', 'write', 'metrics')), ...headers } })
    const body = await response.text()
    if (!response.ok) errors.push(body, JSON.stringify([...response.headers]))
    return response.status
  }
  t.equal(await send('/data?last_name=CanaryA&q=canary'), 200)
  t.equal(await send('/data/fine', { headers: bearer('canary-key') }), 401)
  t.equal(await send('/data', { headers: { authorization: 'Basic Canary' } }), 401)
  t.equal(await send('/rejects'), 200)
  t.equal(await send('/nowhere?x=CanaryA'), 404)
  t.equal(await send('/data', { method: 'DELETE', headers: { cookie: 'CanaryCookie' } }), 405)
  t.equal(await send('/data', { method: 'POST' }), 200)
  for (const path of ['/livez', '/readyz', '/version', '/openapi.json', '/jobs', '/metrics']) t.notMatch(await (await fetch(url + path, { headers: bearer(keyOf('read', 'write', 'metrics')) })).text(), CANARY, path)
  // The store fails in several ways, and its messages contain canaries.
  for (const [status, body] of [[500, '<Error><Code>InternalError</Code><Message>CanaryStore</Message></Error>'], [403, '<Error><Code>AccessDenied</Code><Message>CanaryStore</Message></Error>'], [200, 'CanaryStore']] as const) {
    endpoint.intercept = () => ({ status, headers: { 'x-canary': 'Canary' }, body })
    await send('/data', { method: 'POST' })
    await send('/data', { headers: { 'cache-control': 'no-cache' } })
  }
  endpoint.intercept = () => undefined
  t.notMatch(readFileSync(`/proc/${child.pid!}/cmdline`, 'utf8'), CANARY)
  child.kill('SIGTERM')
  await exit
  t.ok(errors.length > 8)
  t.notMatch(errors.join('\n'), CANARY)
  t.match(text(), /Request denied/)
  t.match(text(), /Info files rejected/)
  for (const line of text().split('\n')) t.notMatch(line, CANARY)
})

t.test('a start that fails does not print secrets', async (t) => {
  const { exit, text } = await start(t, { API_KEYS: 'userlake_Canary', AWS_SECRET_ACCESS_KEY: 'canary-secret' })
  t.equal((await exit)[0], 1)
  t.match(text(), /^userlake: API_KEYS: entry 1 has the key itself/)
  t.notMatch(text(), CANARY)
})
