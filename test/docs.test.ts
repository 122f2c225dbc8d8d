import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { WARNING_CODES } from '../lib/base/warning.js'
import { parseSchema } from '../lib/schema/schema.js'
import { QUARANTINE_CODES } from '../lib/source/reject.js'
import config from '../plugins/config.js'
import { PROBLEM_CODES } from '../plugins/problems/codes.js'
import { SettingsSchema } from '../plugins/config/settings.js'
import { RESERVED_PARAMETERS } from '../routes/http/parameters.js'
import { buildOnSampleData, steady, toRequest } from './support/examples.js'
import { csv, build } from './support/app.js'

const readme = readFileSync('README.md', 'utf8')

/** The commands of the README's console blocks, each with the output that it shows. */
const examples = [...readme.matchAll(/```console\n(.*?)```/gs)]
  .flatMap(([, block]) => block!.split(/^\$ /m).filter((part) => part !== ''))
  .map((part) => ({ command: part.slice(0, part.indexOf('\n')), output: part.slice(part.indexOf('\n') + 1) }))

t.test('the table of settings contains every setting with its default, description and accepted values', async (t) => {
  for (const [name, { default: value, description, accepted }] of Object.entries(SettingsSchema.properties as unknown as Record<string, { default: unknown, description: string, accepted: string }>)) {
    const row = `| \`${name}\` | ${value === '' ? '' : `\`${String(value)}\``} | ${description} | ${accepted.replaceAll('<', '&lt;')} |`
    t.ok(readme.includes(row), row)
  }
  const rows = [...readme.matchAll(/^\| `([A-Z][A-Z0-9_]+)` \|/gm)].map(([, name]) => name)
  t.same(rows, Object.keys(SettingsSchema.properties))
})

t.test('.env.example contains every setting with its default, and is valid unchanged', async (t) => {
  const lines = readFileSync('.env.example', 'utf8').split('\n').filter((line) => /^#[A-Z]/.test(line)).map((line) => line.slice(1))
  const defaults = Object.entries(SettingsSchema.properties as unknown as Record<string, { default: unknown }>).map(([name, { default: value }]) => `${name}=${String(value)}`)
  t.same(lines, defaults)
  const fastify = Fastify()
  await fastify.register(config, { settings: Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2))) })
  t.equal(fastify.config.PORT, 8080)
})

t.test('the table of routes contains every route and nothing else', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const documented = [...readme.matchAll(/`(GET|POST) (\/[^`]*)`/g)].map(([, method, path]) => `${method} ${path!.split('?')[0]}`)
  for (const route of new Set(documented)) {
    const [method, path] = route.split(' ') as ['GET', string]
    t.ok(app.hasRoute({ method, url: path.replaceAll(/\{(\w+)\}/g, ':$1') }), route)
  }
  const { paths } = (await app.inject('/openapi.json')).json()
  const operations = Object.entries<object>(paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`))
  t.same(new Set(documented), new Set([...operations, 'GET /openapi.json', 'GET /docs', 'GET /']), 'the operations of the document, and what is for people')
})

t.test('the README lists the reserved names of parameters', async (t) => {
  const sentence = /Columns with one of these names are filtered by `where` only, as other parameters have these names or may get them: ([^.]*)\./.exec(readme)
  t.same([...sentence![1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name), RESERVED_PARAMETERS)
})

t.test('docs/dependencies.md justifies every direct dependency', async (t) => {
  const rows = [...readFileSync('docs/dependencies.md', 'utf8').matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names]) => [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: object }
  t.same(rows.sort(), Object.keys(dependencies).sort())
})

t.test('the schema of the README is valid', async (t) => {
  const [, json] = /```json\n(\{\n {2}"title".*?)```/s.exec(readme)!
  t.same(parseSchema(json!).fields.map(({ name }) => name), ['device', 'model', 'height', 'online', 'sold', 'seen', 'photo'])
})

t.test('the README explains every code of a reject', async (t) => {
  for (const code of QUARANTINE_CODES) t.match(readme, `\`${code}\``)
})

t.test('the README explains every code of a warning', async (t) => {
  for (const code of WARNING_CODES) t.match(readme, `\`${code}\``)
})

t.test('the README explains every code of a problem', async (t) => {
  const used = ['plugins', 'routes'].flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).flatMap((name) =>
    [...readFileSync(`${folder}/${name}`, 'utf8').matchAll(/(?:new Problem\(\d+, |unavailable\()'(\w+)'/g)].map(([, code]) => code!)))
  t.ok(used.length > 10)
  for (const code of used) t.ok(code in PROBLEM_CODES, code)
  for (const code of Object.keys(PROBLEM_CODES)) t.ok(readme.includes(`\`${code}\``), code)
})

t.test('no description contains text that looks like an HTML tag', async (t) => {
  const { app } = await build(t)
  const descriptions = [...(await app.inject('/openapi.json')).body.matchAll(/"description": "((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text!.replaceAll(/`[^`]*`/g, ''))
  t.ok(descriptions.length > 100)
  for (const text of descriptions) t.notMatch(text, /<\w/)
})

t.test('the examples of the README have the output that they show', async (t) => {
  const fastify = await buildOnSampleData(t)
  t.ok(examples.length >= 6)
  for (const { command, output } of examples) {
    const response = await fastify.inject(toRequest(command))
    t.equal(steady(response.body.replaceAll('\r\n', '\n').trim()), steady(output.trim()), command)
  }
})

t.test('decisions are numbered without gaps, and begin with their number', async (t) => {
  const names = readdirSync('docs/decisions').sort()
  t.same(names.map((name) => Number(/^(\d{4})-[\w-]+\.md$/.exec(name)?.[1])), names.map((_, i) => i + 1))
  names.forEach((name, i) => t.ok(readFileSync(`docs/decisions/${name}`, 'utf8').startsWith(`# ${i + 1}. `), name))
})

t.test('every relative link in the documents leads to a file', async (t) => {
  const documents = [...readdirSync('.'), ...readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`)].filter((name) => name.endsWith('.md'))
  const links = documents.flatMap((name) => [...readFileSync(name, 'utf8').matchAll(/\]\(([^)#]+)[^)]*\)/g)]
    .filter(([, target]) => !/^[a-z]+:/.test(target!))
    .map(([, target]) => ({ name, path: join(dirname(name), target!) })))
  t.ok(links.length >= 8)
  for (const { name, path } of links) t.ok(existsSync(path), `${name}: ${path}`)
})
