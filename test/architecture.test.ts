import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'

/**
 * The layers, from the outermost to the innermost: a file may import from its own layer and from later ones, but not from earlier ones. A file belongs
 * to the first layer that has a prefix of its path.
 */
const LAYERS: readonly (readonly [name: string, ...paths: string[]])[] = [
  ['process', 'server.ts', 'scripts/'],
  ['application', 'app.ts'],
  ['routes', 'routes/'],
  ['plugins', 'plugins/'],
  ['jobs', 'lib/jobs.ts'],
  ['transformer', 'lib/transformer.ts', 'lib/stored-versions.ts'],
  ['worker', 'lib/worker/'],
  ['output', 'lib/output/'],
  ['snapshot', 'lib/snapshot/'],
  ['share', 'lib/share/'],
  ['clickhouse', 'lib/clickhouse/'],
  ['source', 'lib/source/', 'lib/refresher.ts', 'lib/refresh-rule.ts', 'lib/recheck-queue.ts', 'lib/versions.ts'],
  ['query', 'lib/query/'],
  ['store', 'lib/store/'],
  ['table', 'lib/table/'],
  ['schema', 'lib/schema/'],
  ['base', 'lib/base/']
]

/** The files that may use `process`: the entry points, and the S3 client, because the SDK reads one of its settings only from the environment. */
const USE_PROCESS = ['server.ts', 'scripts/userlake.ts', 'scripts/start.ts', 'scripts/openapi.ts', 'scripts/healthcheck.ts', 'lib/store/s3/s3-client.ts']

const sources = ['server.ts', 'app.ts', ...['lib', 'plugins', 'routes', 'scripts'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => join(folder, name)))]

/** @param withTypes with what is imported for its types only, which is not loaded */
function importsOf (path: string, withTypes = true): string[] {
  const text = readFileSync(path, 'utf8')
  return [...(withTypes ? text : text.replaceAll(/^(?:import|export) type .*$/gm, '')).matchAll(/^(?:import|export)\b(?:[^'"]*?\bfrom)? ['"]([^'"]+)['"]/gm)].map(([, name]) => name!)
}

const resolve = (from: string, name: string) => join(dirname(from), name).replace(/\.js$/, '.ts')
const graph = new Map(sources.map((path) => [path, importsOf(path).filter((name) => name.startsWith('.')).map((name) => resolve(path, name))]))
const layerOf = (path: string) => LAYERS.findIndex(([, ...paths]) => paths.some((start) => path.startsWith(start)))

t.test('every relative import resolves to a source file', async (t) => {
  t.ok(sources.length > 50)
  t.ok(graph.get('lib/transformer.ts')!.includes('lib/source/reconcile.ts'), 'the test reads imports')
  for (const [path, imports] of graph) for (const target of imports) t.ok(graph.has(target), `${path} -> ${target}`)
})

t.test('a layer imports only from itself and from the layers below it', async (t) => {
  for (const [path, imports] of graph) {
    for (const target of imports) t.ok(layerOf(path) <= layerOf(target), `${path} -> ${target}`)
  }
})

t.test('docs/architecture.md lists the layers', async (t) => {
  const [list] = /(?<=\*\*Layers\.\*\* ).*?(?=: a file imports)/s.exec(readFileSync('docs/architecture.md', 'utf8'))!
  t.same([...list.matchAll(/`([^`]+)`/g)].map(([, path]) => path!.replace(/\/$/, '')), LAYERS.flatMap(([, ...paths]) => paths.map((path) => path.replace(/\/$/, ''))))
})

t.test('there is no import cycle', async (t) => {
  const done = new Set<string>()
  const visit = (path: string, trail: string[]) => {
    if (trail.includes(path)) {
      t.fail([...trail, path].join(' -> '))
      return
    }
    if (done.has(path)) return
    for (const target of graph.get(path)!) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of sources) visit(path, [])
  t.equal(done.size, sources.length)
})

/** The files that need dates, or compare times with those of files or of other machines. All others use the monotonic clock, for durations. */
const WALL_CLOCK = [
  'plugins/access.ts', // the expiry of tokens
  'plugins/transformer.ts', 'lib/transformer.ts', // ages, and the times of jobs
  'lib/store/embedded-lake.ts', 'lib/store/open-store.ts', 'lib/store/folder/', // the times of files
  'lib/worker/serve-backend.ts', // the time of the state object, which another machine has written
  'lib/store/s3/fast-path/s3-fast-path.ts', // signatures
  'lib/store/s3/s3-inspector.ts' // the clock of the server
]

t.test('only code that needs dates reads the wall clock', async (t) => {
  for (const path of sources) {
    if (!WALL_CLOCK.some((start) => path.startsWith(start))) t.notMatch(readFileSync(path, 'utf8'), /\bDate\.now\b|new Date\(\)/, path)
  }
})

t.test('lib/ does not import Fastify, only lib/store/s3/ the SDK, only lib/snapshot/ Arrow, only lib/clickhouse/ the client of ClickHouse, and only entry points use `process`', async (t) => {
  for (const path of sources) {
    for (const name of importsOf(path)) {
      if (name.includes('fastify')) t.notMatch(path, /^lib\//, `${path}: lib/ does not import Fastify`)
      if (/^@(aws-sdk|smithy)\/|^undici$/.test(name)) t.match(path, /^lib\/store\/s3\//, `${path}: only lib/store/s3/ imports the SDK`)
      if (/^@clickhouse\//.test(name)) t.match(path, /^lib\/clickhouse\//, `${path}: only lib/clickhouse/ imports the client of ClickHouse`)
      if (/flechette/.test(name)) t.match(path, /^lib\/snapshot\//, `${path}: only lib/snapshot/ imports Arrow`)
      if (name.startsWith('.') && path.startsWith('routes/')) t.notMatch(name, /lib\/(source|store)\//, `${path}: routes import no store`)
    }
    if (!USE_PROCESS.includes(path)) t.notMatch(readFileSync(path, 'utf8'), /\bprocess\.(env|argv|exit|std)/, `${path}: only entry points use \`process\``)
  }
})

t.test('lib/ knows records and ids, and users only in the default schema and as users of the operating system', async (t) => {
  const known = /users-schema|schemas\/users\.json|the users schema|the user that runs the service/g
  for (const path of sources) {
    if (path.startsWith('lib/')) t.notMatch(readFileSync(path, 'utf8').replaceAll(known, ''), /\busers?\b|\buserIds?\b/i, path)
  }
})

t.test('the page imports only its own modules, as browsers can load no others', async (t) => {
  const names = readdirSync('web').filter((name) => name.endsWith('.ts'))
  t.ok(names.includes('main.ts'))
  for (const name of names) for (const target of importsOf(join('web', name))) t.match(target, /^\.\/[\w-]+\.js$/, name)
})

t.test('the benchmark and the processes that commit do not load the test runner, which sends messages to the parent process', async (t) => {
  const visit = (path: string, seen = new Set<string>()): Set<string> => {
    if (seen.has(path)) return seen
    seen.add(path)
    for (const name of importsOf(path, false)) {
      t.not(name, 'tap', path)
      if (name.startsWith('.')) visit(resolve(path, name), seen)
    }
    return seen
  }
  const programs = [...readdirSync('bench').map((name) => join('bench', name)), 'test/lab/commits.ts', 'test/lab/commits-child.ts', 'test/lab/large-lake.ts']
  t.ok(programs.flatMap((path) => [...visit(path)]).includes('test/support/s3-endpoint.ts'), 'the test follows imports')
})

t.test('.ci/run has each test that needs a real store, engine or browser', async (t) => {
  const script = readFileSync('.ci/run', 'utf8')
  const named = [...script.matchAll(/dist-test\/(test\/real\/(?:\w+\/)*)(?:\{([\w,-]+)\}|([\w-]+))\.test\.js/g)].flatMap(([, folder, list, name]) => (list ?? name!).split(',').map((one) => `${folder}${one}.test.ts`))
  const tests = readdirSync('test/real', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts')).map((name) => join('test/real', name))
  t.same([...new Set(named)].sort(), tests.sort())
})
