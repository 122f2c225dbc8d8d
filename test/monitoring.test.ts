import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { ENGINE_OPERATIONS } from '../lib/base/events.js'
import { WARNING_CODES } from '../lib/base/warning.js'
import { build, csv } from './support/app.js'
import { scrape } from './support/scrape.js'
import { until } from './support/until.js'

interface Rule { readonly alert: string, readonly expr: string, readonly annotations: Readonly<Record<string, string>> }
interface Panel { readonly title: string, readonly targets?: readonly { readonly expr: string }[] }

const { groups } = parse(readFileSync('deploy/prometheus/alerts.yaml', 'utf8')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap(({ rules }) => rules)
const { panels } = JSON.parse(readFileSync('deploy/grafana/userlake.json', 'utf8')) as { panels: Panel[] }
const expressions = [...rules.map(({ alert, expr }) => ({ name: alert, expr })), ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ name: title, expr })))]

/** The metrics of an expression, each with the values that its selector names exactly. */
function selectorsOf (expr: string) {
  return [...expr.matchAll(/\b((?:userlake|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(([, name, labels = '']) => ({
    name: name!, labels: [...labels.matchAll(/(\w+)="([^"]*)"/g)].filter(([, label]) => label !== 'job').map(([, label, value]) => `${label}="${value}"`)
  }))
}

t.test('every metric of the alert rules and of the dashboard is in a scrape, with the labels that are named', async (t) => {
  const { app, bucket } = await build(t, { files: { '1.csv': csv() } })
  await app.inject({ url: '/data', method: 'POST' })
  bucket.put('source_data/1.csv', csv('Eve'))
  await app.inject({ url: '/events/s3', method: 'POST', payload: { Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'datalake' }, object: { key: 'source_data/1.csv' } } }] } })
  await until(async () => (await scrape(app)).names.has('userlake_event_delay_seconds_count'))
  bucket.delete('source_data/1.csv')
  bucket.put('source_data/bad.csv', 'x')
  await app.inject({ url: '/data', method: 'POST' })
  // A process with ENGINE_URL publishes such events.
  ENGINE_OPERATIONS.publish({ operation: 'read', outcome: 'ok', durationMs: 1 })
  const found = await scrape(app)
  let count = 0
  for (const { name, expr } of expressions) {
    for (const selector of selectorsOf(expr)) {
      count++
      t.ok(found.series().some((series) => series.replace(/\{.*/, '') === selector.name && selector.labels.every((label) => /status=/.test(label) || series.includes(label))), `${name}: ${JSON.stringify(selector)}`)
    }
  }
  t.ok(count > 40)
})

t.test('the dashboard shows every metric of the service', async (t) => {
  const { app } = await build(t)
  const types = [...(await scrape(app)).text.matchAll(/^# TYPE (userlake_\S+)/gm)].map(([, name]) => name!)
  const shown = readFileSync('deploy/grafana/userlake.json', 'utf8')
  for (const name of types) t.ok(shown.includes(name), name)
})

t.test('each alert describes what is wrong and what to do', async (t) => {
  t.ok(rules.length > 8)
  for (const { alert, annotations: { summary = '', description = '' } } of rules) {
    t.match(alert, /^Userlake[A-Z]\w+$/)
    t.ok(summary.length > 20 && description.length > 60, alert)
  }
})

t.test('the rates of errors and slow requests leave out probes and scrapes, by routes of the service', async (t) => {
  const { app } = await build(t)
  for (const name of ['UserlakeErrors', 'UserlakeSlow']) {
    const { expr } = rules.find(({ alert }) => alert === name)!
    const excluded = [...expr.matchAll(/route!~"([^"]*)"/g)].map(([, routes]) => routes!.split('|'))
    t.equal(excluded.length, expr.match(/userlake_http_request_duration/g)!.length)
    for (const routes of excluded) {
      for (const url of routes) t.ok(app.hasRoute({ method: 'GET', url }), url)
      for (const url of ['/livez', '/readyz', '/startupz', '/metrics']) t.ok(routes.includes(url), url)
    }
  }
})

t.test('each warning of the service has an alert', async (t) => {
  const selectors = rules.flatMap(({ expr }) => [...expr.matchAll(/userlake_warnings\{code(!?=)"(\w+)"/g)].map(([, operator, code]) => ({ operator, code })))
  for (const warning of WARNING_CODES) t.ok(selectors.some(({ operator, code }) => (code === warning) === (operator === '=')), warning)
})

t.test('the panels of the dashboard do not overlap', async (t) => {
  const taken = new Set<string>()
  for (const { title, gridPos: { x, y, w, h } } of panels as unknown as { title: string, gridPos: Record<'x' | 'y' | 'w' | 'h', number> }[]) {
    t.ok(x + w <= 24, title)
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        t.notOk(taken.has(`${column} ${row}`), title)
        taken.add(`${column} ${row}`)
      }
    }
  }
})
