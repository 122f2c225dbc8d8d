import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { parse } from 'yaml'
import { WARNING_CODES } from '../lib/base/warning.js'
import { parseSchema } from '../lib/schema/schema.js'
import { QUARANTINE_CODES } from '../lib/source/reject.js'
import config from '../plugins/config.js'
import { PROBLEM_CODES } from '../plugins/problems/codes.js'
import { SettingsSchema } from '../plugins/config/settings.js'
import { RESERVED_PARAMETERS } from '../routes/http/parameters.js'
import { buildOnSampleData, maskVariableParts, toRequest } from './support/examples.js'
import { csv, build } from './support/app.js'

/** The documents by their paths. */
const documents = new Map([...readdirSync('.'), ...readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`), ...readdirSync('examples', { recursive: true, encoding: 'utf8' }).map((name) => `examples/${name}`)]
  .filter((name) => name.endsWith('.md')).map((name) => [name, readFileSync(name, 'utf8')]))
const reference = documents.get('docs/reference.md')!
const api = documents.get('docs/api.md')!
const schemaPage = documents.get('docs/schema.md')!

/** The commands of the console blocks, each with the output that it shows. Those of examples/ are of other lakes (test/examples.test.ts). */
const examples = [...documents].filter(([path]) => !path.startsWith('examples/')).flatMap(([path, text]) => [...text.matchAll(/```console\n(.*?)```/gs)]
  .flatMap(([, block]) => block!.split(/^\$ /m).filter((part) => part !== ''))
  .map((part) => ({ path, command: part.slice(0, part.indexOf('\n')), output: part.slice(part.indexOf('\n') + 1) })))

t.test('the table of settings contains every setting with its default, description and accepted values', async (t) => {
  for (const [name, { default: value, description, accepted }] of Object.entries(SettingsSchema.properties as unknown as Record<string, { default: unknown, description: string, accepted: string }>)) {
    const row = `| \`${name}\` | ${value === '' ? '' : `\`${String(value)}\``} | ${`${description} | ${accepted}`.replaceAll('<', '&lt;')} |`
    t.ok(reference.includes(row), row)
  }
  const rows = [...reference.matchAll(/^\| `([A-Z][A-Z0-9_]+)` \|/gm)].map(([, name]) => name)
  t.same(rows, Object.keys(SettingsSchema.properties))
})

t.test('.env.example contains every setting with its default, and is valid unchanged', async (t) => {
  const lines = readFileSync('.env.example', 'utf8').split('\n').filter((line) => /^#[A-Z]/.test(line)).map((line) => line.slice(1))
  const defaults = Object.entries(SettingsSchema.properties as unknown as Record<string, { default: unknown }>).map(([name, { default: value }]) => `${name}=${String(value)}`)
  t.same(lines, defaults)
  const comments = new Map(readFileSync('.env.example', 'utf8').split('\n\n').map((block) => {
    const lines = block.trim().split('\n')
    return [lines.at(-1)!.slice(1).split('=')[0], lines.slice(0, -1).map((line) => line.replace(/^# /, '')).join(' ')]
  }))
  for (const [name, { description, accepted }] of Object.entries(SettingsSchema.properties as unknown as Record<string, { description: string, accepted: string }>)) {
    t.equal(comments.get(name), `${description}. Accepted: ${accepted}`)
  }
  const fastify = Fastify()
  await fastify.register(config, { settings: Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2))) })
  t.equal(fastify.config.PORT, 8080)
})

t.test('the table of routes contains every route and nothing else', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const documented = [...api.matchAll(/`(GET|POST) (\/[^`]*)`/g)].map(([, method, path]) => `${method} ${path!.split('?')[0]}`)
  for (const route of new Set(documented)) {
    const [method, path] = route.split(' ') as ['GET', string]
    t.ok(app.hasRoute({ method, url: path.replaceAll(/\{(\w+)\}/g, ':$1') }), route)
  }
  const { paths } = (await app.inject('/openapi.json')).json()
  const operations = Object.entries<object>(paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`))
  t.same(new Set(documented), new Set([...operations, 'GET /openapi.json', 'GET /docs', 'GET /']), 'the operations of the document, and what is for people')
})

t.test('docs/schema.md lists the reserved names of parameters', async (t) => {
  const sentence = /Columns with one of these names are filtered by `where` only, as other parameters have these names or may get them: ([^.]*)\./.exec(schemaPage)
  t.same([...sentence![1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name), RESERVED_PARAMETERS)
})

t.test('docs/dependencies.md justifies every direct dependency', async (t) => {
  const rows = [...readFileSync('docs/dependencies.md', 'utf8').matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names]) => [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: object }
  t.same(rows.sort(), Object.keys(dependencies).sort())
})

t.test('no document repeats a long line of another', async (t) => {
  const owners = new Map<string, string>()
  for (const [path, text] of documents) {
    for (const line of new Set(text.split('\n').map((line) => line.trim()).filter(({ length }) => length >= 60))) {
      t.equal(owners.get(line) ?? path, path, line)
      owners.set(line, path)
    }
  }
})

t.test('the schema of docs/schema.md is valid', async (t) => {
  const [, json] = /```json\n(\{\n {2}"title".*?)```/s.exec(schemaPage)!
  t.same(parseSchema(json!).fields.map(({ name }) => name), ['device', 'model', 'height', 'online', 'sold', 'seen', 'photo'])
})

/** The first cells of the table in a section of docs/reference.md, without the quotes of code. */
const codesOf = (section: string) => [...reference.split(`\n## ${section}\n`)[1]!.split('\n## ')[0]!.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell!.replace(/^`(\w+)`$/, '$1')).sort()

t.test('docs/reference.md has a row for each code of a reject', async (t) => t.same(codesOf('Rejects'), [...QUARANTINE_CODES].sort()))

t.test('docs/reference.md has a row for each code of a warning', async (t) => t.same(codesOf('Warnings'), [...WARNING_CODES].sort()))

t.test('docs/reference.md has a row for each code of a problem or of Data-Stale', async (t) => {
  const used = ['plugins', 'routes'].flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).flatMap((name) =>
    [...readFileSync(`${folder}/${name}`, 'utf8').matchAll(/(?:new Problem\(\d+, |unavailable\()'(\w+)'/g)].map(([, code]) => code!)))
  t.ok(used.length > 10)
  for (const code of used) t.ok(code in PROBLEM_CODES, code)
  t.same(codesOf('Errors'), [...Object.keys(PROBLEM_CODES), 'refresh_slow'].sort())
})

t.test('no description contains text that looks like an HTML tag', async (t) => {
  const { app } = await build(t)
  const descriptions = [...(await app.inject('/openapi.json')).body.matchAll(/"description": "((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text!.replaceAll(/`[^`]*`/g, ''))
  t.ok(descriptions.length > 100)
  for (const text of descriptions) t.notMatch(text, /<\w/)
})

t.test('the examples of the documents have the output that they show', async (t) => {
  const fastify = await buildOnSampleData(t)
  t.ok(examples.length >= 6)
  for (const { path, command, output } of examples) {
    const response = await fastify.inject(toRequest(command.replace('curl -i ', 'curl ')))
    if (command.startsWith('curl -i ')) {
      // The documents show some of the headers, and … in place of what differs between two runs.
      const [head, body = ''] = output.trim().split('\n\n')
      const [status, ...headers] = head!.split('\n')
      t.equal(`HTTP/1.1 ${response.statusCode}`, status, `${path}: ${command}`)
      for (const header of headers) {
        const [, name, value] = /^([\w-]+): (.*)$/.exec(header)!
        t.match(String(response.headers[name!.toLowerCase()]), new RegExp(`^${value!.split('…').map((part) => part.replaceAll(/[^\w ]/g, '\\$&')).join('.+')}$`), `${path}: ${command}: ${name}`)
      }
      t.equal(response.body.trim(), body)
      continue
    }
    t.equal(maskVariableParts(response.body.replaceAll('\r\n', '\n').trim()), maskVariableParts(output.trim()), `${path}: ${command}`)
  }
})

/** The sections on generated clients, each with the commands that generate and the lines that use it. */
const generators = [...documents.get('docs/clients.md')!.matchAll(/^### ([\w-]+) \(.*?\)\n(.*?)(?=^###? )/gms)].map(([, name, text]) => {
  const blocks = [...text!.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, block]) => ({ language, block: block! }))
  return { name: name!, commands: blocks[0]!.block, use: blocks[1]!.block }
})

t.test('docs/clients.md generates clients with the versions that CI uses', async (t) => {
  const { devDependencies } = JSON.parse(readFileSync('tools/clients/package.json', 'utf8')) as { devDependencies: Record<string, string> }
  const modules = readFileSync('tools/clients/go.mod', 'utf8')
  const requirements = readFileSync('tools/clients/requirements.txt', 'utf8').split('\n')
  t.equal(generators.length, 6)
  for (const { name, commands } of generators) {
    const versions = [...commands.matchAll(/(@?[\w./-]+)(@|==)(v?\d+(?:\.\d+)+)/g)]
    t.ok(versions.length >= 1, name)
    for (const [pinned, dependency, separator, version] of versions) {
      if (separator === '==') t.ok(requirements.includes(pinned), pinned)
      else if (dependency!.startsWith('github.com')) t.ok(modules.includes(`${dependency!.split('/cmd/')[0]} ${version!}`), pinned)
      else t.equal(devDependencies[dependency!], version, pinned)
    }
  }
})

t.test('the lines of docs/clients.md that use a generated client are of the program that CI runs, in the same order', async (t) => {
  for (const { name, use } of generators) {
    const [file] = readdirSync(`tools/clients/programs/${name}`).filter((file) => file.startsWith('main.'))
    const program = readFileSync(`tools/clients/programs/${name}/${file!}`, 'utf8').replaceAll(/\b(?:serviceUrl|os\.Args\[1\]|sys\.argv\[1\])/g, '"http://localhost:8080"')
    const lines = program.split('\n').map((line) => line.trim())
    let position = 0
    for (const line of use.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^(?:import|from) /.test(line))) {
      const found = lines.indexOf(line.replaceAll("'http://localhost:8080'", '"http://localhost:8080"'), position)
      t.ok(found >= 0, `${name}: ${line}`)
      position = found + 1
    }
  }
})

t.test('decisions are numbered without gaps, and begin with their number', async (t) => {
  const names = readdirSync('docs/decisions').sort()
  t.same(names.map((name) => Number(/^(\d{4})-[\w-]+\.md$/.exec(name)?.[1])), names.map((_, i) => i + 1))
  names.forEach((name, i) => t.ok(readFileSync(`docs/decisions/${name}`, 'utf8').startsWith(`# ${i + 1}. `), name))
})

/** The anchor of a heading, as GitHub and GitLab derive it. */
const anchorOf = (heading: string) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\-_ ]/gu, '').replaceAll(' ', '-')

t.test('every relative link in the documents leads to a file, and to a heading of it', async (t) => {
  const links = [...documents].flatMap(([name, text]) => [...text.replaceAll(/```.*?```/gs, '').matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)]
    .filter(([, target]) => !/^[a-z]+:/.test(target!))
    .map(([, target, anchor]) => ({ name, path: target === '' ? name : join(dirname(name), target!), anchor })))
  t.ok(links.length >= 100)
  for (const { name, path, anchor } of links) {
    t.ok(existsSync(path), `${name}: ${path}`)
    if (anchor === undefined) continue
    const headings = [...(documents.get(path) ?? '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!))
    t.ok(headings.includes(anchor), `${name}: ${path}#${anchor}`)
  }
})

t.test('the workflow runs .ci/run on the oldest Node that is supported, and Renovate keeps the types of that version', async (t) => {
  const { jobs } = parse(readFileSync('.github/workflows/ci.yml', 'utf8'))
  const { engines, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
  const oldest = /\d+/.exec(engines.node)![0]
  t.ok(jobs.ci.steps.some(({ run }: { run?: string }) => run === '.ci/run'))
  t.match(jobs.ci.container, new RegExp(`^node:${oldest}-`))
  t.match(devDependencies['@types/node'], new RegExp(`^${oldest}\\.`))
  const { packageRules } = JSON.parse(readFileSync('renovate.json', 'utf8')) as { packageRules: { matchPackageNames?: string[], allowedVersions?: string, enabled?: boolean }[] }
  const ruleOf = (name: string) => packageRules.find(({ matchPackageNames }) => matchPackageNames?.includes(name))
  t.equal(ruleOf('@types/node')!.allowedVersions, `<${Number(oldest) + 1}`)
})

t.test('an installation of the package has a light-my-request that Node 20 supports: a direct dependency, since overrides have an effect on the root project only', async (t) => {
  const { dependencies, overrides } = JSON.parse(readFileSync('package.json', 'utf8'))
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, { version: string, dev?: boolean }> }
  t.equal(overrides, undefined)
  const installed = Object.entries(packages).filter(([path]) => path.endsWith('node_modules/light-my-request'))
  t.same(installed.map(([path, { version }]) => [path, version]), [['node_modules/light-my-request', dependencies['light-my-request']]])
  const { packageRules } = JSON.parse(readFileSync('renovate.json', 'utf8')) as { packageRules: { matchPackageNames?: string[], enabled?: boolean }[] }
  t.equal(packageRules.find(({ matchPackageNames }) => matchPackageNames?.includes('light-my-request'))!.enabled, false)
})

t.test('the package contains what README, .env.example and the help refer to, and no pictures but those of the sample data and the web page', async (t) => {
  const [packages] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as [{ files: { path: string }[] }]
  const { files } = packages
  const packed = files.map(({ path }) => path)
  const links = [...readFileSync('README.md', 'utf8').matchAll(/\[[^\]]*\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, path]) => path!).filter((path) => !path.endsWith('.png'))
  t.ok(links.length > 30)
  for (const path of new Set([...links, 'docs/reference.md', 'docs/api.md', 'docs/costs.md', 'deploy/prometheus/alerts.yaml'])) {
    t.ok(packed.some((file) => file === path || file.startsWith(`${path}/`)), path)
  }
  t.same(packed.filter((path) => /\.(?:png|svg)$/.test(path) && !path.startsWith('seed-data/') && !path.startsWith('web/')), [])
})
