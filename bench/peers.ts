import { spawn, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Agent, request } from 'undici'
import { personAt } from '../scripts/sample-data/person.js'
import { cpuSeconds, track, type Child } from './child-process.js'
import { freePort } from './nginx.js'
import type { Report } from './report.js'
import { median } from './sampling.js'
import { startService, waitForFirstJob } from './service.js'

const RECORDS = 100_000
const TOOLS = fileURLToPath(new URL('../../tools/peers/', import.meta.url))
const BIN = `${TOOLS}.venv/bin/`

/** Each request is repeated for at least this number of milliseconds, and at least this number of times. */
const REPEAT_MS = 2000
const MIN_REPEATS = 3

/** One HTTP request. */
interface Call {
  readonly path: string
  /** The body of a POST request. */
  readonly sql?: string
  readonly accept?: string
}

/** A query, as the request to each of the services in repetition `i`. A range of birth timestamps differs in each repetition, so that no result is cached. */
interface Query {
  readonly userlake: (i: number) => Call
  readonly roapi: (i: number) => Call
  readonly datasette: (i: number) => Call
}

/** About a tenth of the records: those born in 8 years, from `i` minutes after 1998-01-01. */
const tenth = (i: number) => ({ from: Date.UTC(1998) + i * 60_000, to: Date.UTC(2006) + i * 60_000 })
/** The condition that selects them: in SQL, and as parameters of Userlake. */
const where = (i: number) => `birthts >= ${tenth(i).from} and birthts < ${tenth(i).to}`
const conditions = (i: number) => `where=birthts%3E%3D${tenth(i).from}&where=birthts%3C${tenth(i).to}`
const { id, lastName } = personAt(1, 0)

// ROAPI: its REST API and its SQL API.
const rest = (path: string, accept = 'application/json') => (): Call => ({ path: `/api/tables/users${path}`, accept })
const sql = (query: (i: number) => string) => (i: number): Call => ({ path: '/api/sql', sql: query(i), accept: 'application/json' })
// Datasette: its API of a table, and its SQL API.
const table = (query: string) => (): Call => ({ path: `/users/users.json?_shape=array&_size=max${query}` })
const select = (query: (i: number) => string) => (i: number): Call => ({ path: `/users.json?_shape=array&sql=${encodeURIComponent(query(i))}` })

const QUERIES: Readonly<Record<string, Query>> = {
  'all records as JSON': { userlake: () => ({ path: '/data' }), roapi: rest(''), datasette: table('') },
  'all records as CSV': { userlake: () => ({ path: '/data.csv' }), roapi: rest('', 'application/csv'), datasette: () => ({ path: '/users/users.csv?_stream=on&_size=max' }) },
  'a tenth, by birth timestamp': {
    userlake: (i) => ({ path: `/data?${conditions(i)}` }),
    roapi: sql((i) => `select * from users where ${where(i)}`),
    datasette: select((i) => `select * from users where ${where(i)}`)
  },
  'two columns of a tenth': {
    userlake: (i) => ({ path: `/data?${conditions(i)}&columns=user_id,last_name` }),
    roapi: sql((i) => `select user_id, last_name from users where ${where(i)}`),
    datasette: select((i) => `select user_id, last_name from users where ${where(i)}`)
  },
  'a page of 100, by last name': {
    userlake: (i) => ({ path: `/data?${conditions(i)}&sort=last_name&limit=100` }),
    roapi: sql((i) => `select * from users where ${where(i)} order by last_name limit 100`),
    datasette: select((i) => `select * from users where ${where(i)} order by last_name limit 100`)
  },
  'one record': {
    userlake: () => ({ path: `/data/${id}` }),
    roapi: rest(`?filter[user_id]='${encodeURIComponent(id)}'`),
    datasette: () => ({ path: `/users/users/${encodeURIComponent(id)}.json?_shape=array` })
  },
  'the records of a last name': {
    userlake: () => ({ path: `/data?where=last_name%3D${encodeURIComponent(lastName)}` }),
    roapi: rest(`?filter[last_name]='${encodeURIComponent(lastName)}'`),
    datasette: table(`&last_name=${encodeURIComponent(lastName)}`)
  },
  'an average of a tenth': {
    userlake: (i) => ({ path: `/stats?${conditions(i)}` }),
    roapi: sql((i) => `select count(*), avg(birthts) from users where ${where(i)}`),
    datasette: select((i) => `select count(*), avg(birthts) from users where ${where(i)}`)
  },
  'the 100 most frequent last names': {
    userlake: () => ({ path: '/stats?group_by=last_name&limit=100' }),
    roapi: sql(() => 'select last_name, count(*) as n from users group by last_name order by n desc, last_name limit 100'),
    datasette: select(() => 'select last_name, count(*) as n from users group by last_name order by n desc, last_name limit 100')
  }
}

interface Server { readonly pid: number, readonly url: string }

interface Cost { readonly wallMs: number, readonly cpuMs: number, readonly bytes: number }

/** Compares the service with ROAPI and Datasette, which serve the same records: wall time and CPU time of a request, one client at a time. */
export async function measurePeers (report: Report, endpoint: Child, folder: string): Promise<void> {
  if (!['roapi', 'datasette'].every((name) => existsSync(BIN + name))) {
    return report.skip('ROAPI and Datasette', 'not installed: run tools/peers/install.sh')
  }
  await endpoint.request({ fill: 'peers', records: RECORDS })
  const userlake = await startService({ LAKE_URL: 's3://peers', AWS_ENDPOINT_URL_S3: endpoint.firstLine.url })
  await waitForFirstJob(userlake)
  const csv = `${folder}/users.csv`
  writeFileSync(csv, Buffer.from(await (await fetch(`${userlake.url}/data.csv`)).arrayBuffer()))
  const servers = { userlake, roapi: await startRoapi(csv), datasette: await startDatasette(csv, `${folder}/users.db`) }
  const rows = [['100,000 records, ms of wall time (CPU)', 'Userlake', 'ROAPI', 'Datasette']]
  for (const [name, query] of Object.entries(QUERIES)) {
    const costs = []
    for (const server of ['userlake', 'roapi', 'datasette'] as const) {
      const cost = await measure(servers[server], query[server])
      costs.push(`${cost.wallMs.toPrecision(3)} (${cost.cpuMs.toPrecision(3)})`)
      process.stderr.write(`${name}, ${server}: ${costs.at(-1)}, ${cost.bytes} bytes\n`)
    }
    rows.push([name, ...costs])
  }
  report.table('peers', rows)
  for (const { stop } of [userlake, servers.roapi, servers.datasette]) await stop()
}

/** The median wall time of a request, and the mean of its CPU time. The first request is not counted. */
async function measure ({ pid, url }: Server, callOf: (i: number) => Call): Promise<Cost> {
  const client = new Agent({ pipelining: 1, connections: 1, headersTimeout: 0, bodyTimeout: 0 })
  const send = async (i: number): Promise<number> => {
    const { path, sql, accept } = callOf(i)
    const response = await request(url + path, { dispatcher: client, method: sql === undefined ? 'GET' : 'POST', body: sql ?? null, headers: { ...accept !== undefined && { accept } } })
    let bytes = 0
    for await (const chunk of response.body) bytes += (chunk as Buffer).length
    if (response.statusCode !== 200) throw new Error(`${url}${path}: status ${response.statusCode}`)
    return bytes
  }
  const bytes = await send(0)
  const before = cpuSeconds(pid)
  const start = performance.now()
  const times: number[] = []
  while (times.length < MIN_REPEATS || performance.now() - start < REPEAT_MS) {
    const begin = performance.now()
    await send(times.length + 1)
    times.push(performance.now() - begin)
  }
  const cpuMs = (cpuSeconds(pid) - before) * 1000 / times.length
  await client.close()
  return { wallMs: median(times), cpuMs, bytes }
}

async function startRoapi (csv: string): Promise<Server & Pick<Child, 'stop'>> {
  const port = await freePort()
  // The ports of the other protocols are required; 0 is any free one.
  const args = ['--table', `users=${csv}`, '--addr-http', `127.0.0.1:${port}`, '--addr-postgres', '127.0.0.1:0', '--addr-flight-sql', '127.0.0.1:0']
  return await startServer('roapi', args, `http://127.0.0.1:${port}`, '/health')
}

async function startDatasette (csv: string, database: string): Promise<Server & Pick<Child, 'stop'>> {
  const { status, stderr } = spawnSync(`${BIN}python`, [`${TOOLS}load.py`, csv, database], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`tools/peers/load.py: ${stderr}`)
  const port = await freePort()
  const settings = { max_returned_rows: RECORDS, sql_time_limit_ms: 60_000, max_csv_mb: 0 }
  const args = ['serve', '--immutable', database, '--port', String(port), ...Object.entries(settings).flatMap(([name, value]) => ['--setting', name, String(value)])]
  return await startServer('datasette', args, `http://127.0.0.1:${port}`, '/-/versions.json')
}

async function startServer (name: string, args: readonly string[], url: string, ready: string): Promise<Server & Pick<Child, 'stop'>> {
  const server = track(spawn(BIN + name, args, { stdio: 'ignore', detached: true }))
  for (let i = 0; ; i++) {
    await sleep(100)
    if (await fetch(url + ready).then(({ ok }) => ok, () => false)) return { ...server, url }
    if (i === 600) throw new Error(`${name} did not start within a minute`)
  }
}
