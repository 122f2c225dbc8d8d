import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { startService, type Service } from '../../bench/service.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { finish, parseIsShort, print } from './lab.js'

const isShort = parseIsShort(`Kills the service (SIGKILL) at random moments while it publishes, on a bucket and on a folder in turn, and starts it again on what is left.
Fails if an output is torn or older than one that was confirmed, if a snapshot is damaged, or if the next start serves wrong data.

node dist-test/test/lab/kills.js [--short]

  --short  6 kills instead of 300
`)

const KILLS = isShort ? 6 : 300
const RECORDS = 300
/** Publishes that succeed before the one that is interrupted. */
const PUBLISHES = 2
const OUTPUT = 'processed_data/output.csv'

interface Lake {
  readonly name: string
  readonly env: Record<string, string>
  /** The number of changes so far. */
  revision: number
  /** The revision of the last output that the service confirmed. */
  confirmed: number
  put (key: string, text: string): void
  read (key: string): string | undefined
}

/** The state after a number of changes: the last name of each record. Change `r` gives the record `r % RECORDS` the last name `r`. */
function stateAt (revision: number): number[] {
  return Array.from({ length: RECORDS }, (_, i) => Math.max(0, revision - ((revision - i) % RECORDS + RECORDS) % RECORDS))
}

const idOf = (record: number) => String(1000 + record)

function change (lake: Lake): void {
  const revision = ++lake.revision
  lake.put(`source_data/${idOf(revision % RECORDS)}.csv`, infoFile(revision))
}

function infoFile (revision: number): string {
  return `first_name,last_name,birthts\nAnn,${revision},0\n`
}

/** Returns the revision whose state these last names are; `undefined` if they are of no revision. */
function revisionOf (lastNames: readonly number[]): number | undefined {
  const revision = Math.max(...lastNames)
  return lastNames.length === RECORDS && stateAt(revision).every((value, i) => value === lastNames[i]) ? revision : undefined
}

/** Returns the revision of an output; `undefined` if it is not exactly the output of one. */
function readOutput (text: string): number | undefined {
  const [header, ...rows] = text.split('\r\n')
  if (header !== 'user_id,first_name,last_name,birthts,img_path' || rows.pop() !== '') return undefined
  const lastNames = rows.map((row, i) => Number(new RegExp(`^${idOf(i)},Ann,(\\d+),0,$`).exec(row)?.[1]))
  return revisionOf(lastNames)
}

/** One round: starts the service, checks what it serves, publishes, and kills it while it publishes. Returns what was wrong. */
async function round (lake: Lake): Promise<string[]> {
  const failures: string[] = []
  const service = await startService({ ...lake.env, REFRESH_WAIT: '60s', SHARE_LISTINGS: 'false' })
  const served = revisionOf((await getJson(service, '/data') as { last_name: string }[]).map(({ last_name: name }) => Number(name)))
  if (served !== lake.revision) failures.push(`served revision ${served} instead of ${lake.revision}`)
  const { details } = await getJson(service, '/readyz') as { details: { code: string }[] }
  for (const { code } of details) if (code.startsWith('snapshot_')) failures.push(`the start reported ${code}`)

  let publishMs = 0
  for (let i = 0; i < PUBLISHES; i++) {
    change(lake)
    const start = performance.now()
    const response = await publish(service)
    if (!response.ok) failures.push(`POST /data: ${await response.text()}`)
    else lake.confirmed = lake.revision
    publishMs = performance.now() - start
  }
  change(lake)
  const interrupted = publish(service).then(({ ok }) => ok, () => false)
  // The snapshot is written after the job, which is why the moment may be later than the end of the job.
  await sleep(Math.random() * 1.5 * publishMs)
  await kill(service)
  if (await interrupted) lake.confirmed = lake.revision
  const output = lake.read(OUTPUT)
  const revision = output === undefined ? undefined : readOutput(output)
  if (revision === undefined) failures.push(`the output is torn: ${output?.slice(-200)}`)
  else if (revision < lake.confirmed) failures.push(`the output is of revision ${revision}, but ${lake.confirmed} was confirmed`)
  else if (revision === lake.revision) published++
  return failures.map((failure) => `${lake.name}: ${failure}`)
}

/** How many of the interrupted publishes took effect. */
let published = 0

const publish = async ({ url }: Service) => await fetch(`${url}/data`, { method: 'POST' })

async function getJson ({ url }: Service, path: string): Promise<unknown> {
  return await (await fetch(url + path, { headers: { 'cache-control': 'no-cache' } })).json()
}

/** Kills the service, and waits until it has ended or is a zombie (the state Z), which writes nothing any more. */
async function kill ({ pid }: Service): Promise<void> {
  process.kill(pid, 'SIGKILL')
  while (existsSync(`/proc/${pid}/stat`) && !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) await sleep(5)
}

const folder = mkdtempSync(`${tmpdir()}/userlake-lab-`)
const endpoint = await startS3Endpoint()
const bucket = endpoint.bucket('lake')
mkdirSync(`${folder}/lake/source_data`, { recursive: true })
const lakes: Lake[] = [
  {
    name: 'bucket',
    env: { LAKE_URL: 's3://lake', AWS_ENDPOINT_URL_S3: endpoint.url },
    revision: 0,
    confirmed: 0,
    put: (key, text) => { bucket.put(key, text) },
    read: (key) => bucket.get(key)?.body.toString()
  },
  {
    name: 'folder',
    env: { LAKE_URL: `file:${folder}/lake` },
    revision: 0,
    confirmed: 0,
    put: (key, text) => {
      writeFileSync(`${folder}/new`, text)
      renameSync(`${folder}/new`, `${folder}/lake/${key}`)
    },
    read: (key) => existsSync(`${folder}/lake/${key}`) ? readFileSync(`${folder}/lake/${key}`, 'utf8') : undefined
  }
]
for (const lake of lakes) for (let i = 0; i < RECORDS; i++) lake.put(`source_data/${idOf(i)}.csv`, infoFile(0))
const failures: string[] = []
for (let i = 0; i < KILLS; i++) {
  failures.push(...await round(lakes[i % 2]!))
  if ((i + 1) % 50 === 0) print(`${i + 1} kills, ${failures.length} failures`)
}
print(`${KILLS} kills; ${published} of the interrupted publishes took effect`)
await endpoint.stop()
rmSync(folder, { recursive: true })
finish(failures)
