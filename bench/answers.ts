import { writeFileSync } from 'node:fs'
import { isInstalled, startNode } from './child.js'
import type { Target } from './load.js'
import { startNginx } from './nginx.js'
import { compare, type Comparison } from './pairs.js'
import type { Report } from './report.js'
import { addressOf, type Service } from './service.js'

const ROUNDS = 15

/** About a tenth of the users. */
const TENTH = '/data?min_age=20&max_age=27&as_of=2026-01-01T00:00:00Z'
const STATS = '/stats?image_exists=true&min_age=30&max_age=60'

export interface AnswersContext {
  readonly report: Report
  readonly folder: string
  /** By their number of users. */
  readonly services: ReadonlyMap<number, Service>
}

/** Answers from memory, against nginx with one worker that serves the same bytes as a file. */
export async function compareWithNginx ({ report, folder, services }: AnswersContext): Promise<void> {
  if (!isInstalled('nginx')) return report.skip('GET /data, of nginx', 'nginx is not installed; on Debian: apt-get install nginx-light')
  const save = async (name: string, url: string) => writeFileSync(`${folder}/${name}`, Buffer.from(await (await fetch(url, { headers: { 'accept-encoding': 'identity' } })).arrayBuffer()))
  const largest = services.get(Math.max(...services.keys()))!
  for (const [users, { url }] of services) await save(`${users}.json`, `${url}/data`)
  await save('tenth.json', largest.url + TENTH)
  const nginx = await startNginx(folder)
  const target = ({ pid, url }: { pid: number, url: string }, path: string, more: Partial<Target> = {}): Target => ({ pid, url: url + path, ...more })
  for (const [users, service] of services) {
    const [all] = await compare(target(nginx, `/${users}.json`), [target(service, '/data')], ROUNDS, folder)
    report.check({ name: `GET /data, ${users} users, of nginx`, ...figures(all!), least: users < 1000 ? 0.4 : 0.95 })
  }
  const [again, fresh] = await compare(target(nginx, '/tenth.json'), [target(largest, TENTH), target(largest, '/', { paths: neverAsked })], ROUNDS, folder)
  report.check({ name: 'GET /data, a tenth, asked again, of nginx', ...figures(again!), least: 0.5 })
  report.check({ name: 'GET /data, a tenth, never asked before, of nginx', ...figures(fresh!), least: 0.2 })
}

const figures = ({ ratio, ...others }: Comparison) => ({ value: ratio, ...others })

let asked = 0

/** Queries for about a tenth of the users, none of which was asked before. */
function * neverAsked (): Generator<string> {
  for (let i = 0; i < 20_000; i++) {
    // A minute apart: each moves the range of birth timestamps.
    const asOf = new Date(Date.UTC(2026, 0, 1) + ++asked * 60_000).toISOString()
    yield `/data?age_basis=exact&min_age=20&max_age=28&as_of=${asOf}`
  }
}

/** Figures and 304, against a bare Fastify route with the same schema, headers and body. */
export async function compareWithBareRoute ({ report, folder, services }: AnswersContext): Promise<void> {
  const sizes = [...services.keys()].sort((a, b) => a - b)
  const [small, large] = [services.get(sizes[0]!)!, services.get(sizes.at(-1)!)!]
  const answer = await fetch(large.url + STATS, { headers: { 'accept-encoding': 'identity' } })
  const [body, etag] = [await answer.json(), answer.headers.get('etag')!]
  const headers = Object.fromEntries(['age', 'data-version', 'etag', 'cache-control'].map((name) => [name, answer.headers.get(name)]))
  const bare = await startNode('./bare.js', [JSON.stringify({ headers, body })])
  const path = `${STATS}&as_of=2026-01-01T00:00:00Z`
  const at = ({ pid, url }: { pid: number, url: string }, more: Partial<Target> = {}): Target => ({ pid, url: url + path, ...more })
  const { headers: held } = await fetch(large.url + path)
  const targets = [at(small), at(large), at(large, { headers: { 'if-none-match': held.get('etag') ?? etag } })]
  const [first, last, notModified] = await compare(at({ pid: bare.pid, url: addressOf(bare) }), targets, ROUNDS, folder)
  report.check({ name: `GET /stats, ${sizes[0]} users, of a bare route`, ...figures(first!), least: 0.7 })
  report.check({ name: `GET /stats, ${sizes.at(-1)} users, of a bare route`, ...figures(last!), least: 0.7 })
  report.check({ name: 'If-None-Match, of a bare route', ...figures(notModified!), least: 0.8 })
  await bare.stop()
}
