import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import t from 'tap'
import { build, csv } from './support/app.js'

const document = readFileSync('docs/architecture.md', 'utf8')
/** The modules that the table lists, and the helpers that the text after it lists. */
const readPath = [...document.matchAll(/^\| `([\w/.-]+\.ts)` \|/gm)].map(([, name]) => name!)
const helpers = [...document.slice(document.indexOf('use helpers')).matchAll(/`((?:lib|routes)\/[\w/.-]+\.ts)`/g)].map(([, name]) => name!)

/** Whether the document lists the folder of a module instead of the module. */
const isListedByFolder = (name: string) => /^(plugins|lib\/base|lib\/query|lib\/table|test)\//.test(name)

/** Runs a request. Returns the modules whose functions were called during it, except those in test/. */
async function modulesOf (session: Session, run: () => Promise<unknown>): Promise<string[]> {
  await session.post('Profiler.takePreciseCoverage')
  await run()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const called = result.filter(({ functions }) => functions.some(({ ranges }) => ranges[0]!.count > 0))
  return called.flatMap(({ url }) => /\/dist-test\/(.+)\.js$/.exec(url)?.[1] ?? []).map((name) => `${name}.ts`).filter((name) => !name.startsWith('test/'))
}

t.test('a read calls the modules that docs/architecture.md lists, which are at most 15, and no others', async (t) => {
  const { app } = await build(t, { files: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`${i}.csv`, csv('Ann', 'Lee', i)])) })
  await app.inject('/data?limit=1')
  const session = new Session()
  session.connect()
  t.teardown(() => session.disconnect())
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  const get = async () => { t.equal((await app.inject('/data?min_age=30&limit=100')).json().length, 100) }
  const first = await modulesOf(session, get)
  const again = await modulesOf(session, get)
  t.ok(readPath.length <= 15, `${readPath.length} modules`)
  t.same(readPath.filter((name) => !first.includes(name)), [], 'each listed module is called')
  t.same(first.filter((name) => !readPath.includes(name) && !helpers.includes(name) && !isListedByFolder(name)), [], 'no other module is called')
  t.same(helpers.filter((name) => !first.includes(name)), [], 'each listed helper is called')
  t.ok(readPath.filter((name) => again.includes(name)).length < readPath.length, 'a request whose body is cached calls fewer modules')
  t.notOk(again.some((name) => name.startsWith('lib/query/') || name === 'lib/output/request-plan.ts'), 'it calls neither the planning of requests nor the engine')
})
