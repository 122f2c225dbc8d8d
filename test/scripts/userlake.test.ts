import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { version } from '../../lib/base/package-info.js'
import { COMMANDS, main } from '../../scripts/userlake.js'
import { runMain } from '../support/run-main.js'
import { testFolder } from '../support/test-folder.js'

const userlake = fileURLToPath(new URL('../../scripts/userlake.js', import.meta.url))
const names = Object.keys(COMMANDS)

/** Runs the command as a process in a folder with these files. */
function run (t: Test, argv: readonly string[], files: Parameters<Test['testdir']>[0] = {}, env: NodeJS.ProcessEnv = {}) {
  const cwd = testFolder(t, files)
  return new Promise<{ code: number | null, stdout: string, stderr: string }>((resolve) => {
    const child = execFile(process.execPath, [userlake, ...argv], { cwd, env: { PATH: process.env['PATH'], ...env } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }))
  })
}

t.test('--help lists all commands, and each has its own --help with all of its options', async (t) => {
  const { code, out, err } = await runMain(main, ['--help'])
  t.match({ code, err }, { code: 0, err: '' })
  for (const name of names) {
    t.match(out, new RegExp(`^  ${name} +\\w`, 'm'))
    const help = await runMain(main, [name, '--help'])
    t.match(help, { code: 0, out: new RegExp(`^userlake ${name}\\b`, 'm'), err: '' }, name)
    t.same(await runMain(main, [name, '-h']), help)
    t.same(await runMain(main, ['help', name]), help)
    const source = readFileSync(`scripts/${name}.ts`, 'utf8')
    const options = /^const OPTIONS = \{\n(.*?)^\} as const/ms.exec(source)?.[1] ?? ''
    for (const [, option] of options.matchAll(/^ {2}'?([\w-]+)'?: \{ type/gm)) t.match(help.out, `--${option!} `, `${name} --${option!}`)
    t.match(help.out, '-h, --help ')
  }
  t.same(await runMain(main, ['help']), { code, out, err })
  t.same(await runMain(main, ['-h']), { code, out, err })
})

t.test('docs/reference.md lists the commands with the same words', async (t) => {
  const rows = [...readFileSync('docs/reference.md', 'utf8').matchAll(/^\| `userlake (\w+)` \| (.*) \|$/gm)].map(([, name, summary]) => [name, summary])
  t.same(rows, Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary]))
})

t.test('--version prints the version', async (t) => {
  t.same(await runMain(main, ['--version']), { code: 0, out: `${version}\n`, err: '' })
})

t.test('wrong usage ends with exit code 2, and names what was meant', async (t) => {
  const cases: [string[], string | RegExp][] = [
    [[], /^Userlake .*\n\nuserlake <command> \[options\]\n/],
    [['sede'], 'userlake: unknown command "sede"; did you mean seed?\n'],
    [['Start'], 'userlake: unknown command "Start"; did you mean start?\n'],
    [['openapi'], 'userlake: unknown command "openapi"; npm run openapi, in a clone, writes the document, and GET /openapi.json of a running service returns it\n'],
    [['frobnicate'], 'userlake: unknown command "frobnicate"; see userlake --help\n'],
    [['constructor'], 'userlake: unknown command "constructor"; see userlake --help\n'],
    [['--verison'], 'userlake: unknown option "--verison"; did you mean --version?\n'],
    [['--help', 'seed', 'x'], 'userlake: --help takes no options; see userlake --help\n'],
    [['help', 'sede'], 'userlake: unknown command "sede"; did you mean seed?\n'],
    [['start', '--port', '80'], 'start: unknown option --port; settings are environment variables: PORT=80 userlake start\n'],
    [['start', '--log-level=debug'], 'start: unknown option --log-level; settings are environment variables: LOG_LEVEL=debug userlake start\n'],
    [['start', '--lake', 'file:it\'s'], "start: unknown option --lake; settings are environment variables: LAKE_URL='file:it'\\''s' userlake start\n"],
    [['start', '--publish'], 'start: unknown option --publish; settings are environment variables: PUBLISH=... userlake start\n'],
    [['start', '--engine_password', 'secret'], 'start: unknown option --engine_password; settings are environment variables: ENGINE_PASSWORD=... userlake start\n'],
    [['check', '--output-key', 'x.csv'], 'check: unknown option --output-key; settings are environment variables: OUTPUT_KEY=x.csv userlake check\n'],
    [['export', '--lake', 'file:seed-data', '--prefix', '', '--port', '80'], 'export: unknown option --port; settings are environment variables: PORT=80 userlake export\n'],
    [['key', '--port', '80'], 'key: unknown option --port; see --help\n'],
    [['check', 'x'], "check: unexpected argument 'x'; the command takes options only, such as --lake file:folder; see --help\n"],
    [['key', 'x'], "key: unexpected argument 'x'; the command takes options only; see --help\n"],
    [['seed', '--lkae=x'], 'seed: unknown option --lkae; did you mean --lake?\n'],
    [['seed', '--lake'], /^seed: --lake needs a value; see --help\n$/],
    [['export', '--sort', '-age'], /^export: --sort: got '-age'; a value that begins with - is written --sort=-age\n$/],
    ...['-height', '-h'].map((value): [string[], string] => [['export', '--sort', value], `export: --sort: got '${value}'; a value that begins with - is written --sort=${value}\n`]),
    [['export', '--schema', '-x.json'], /^export: --schema: got '-x\.json'; a value that begins with - is written --schema=-x\.json\n$/],
    [['key', '--name', '-height'], /^key: --name: got '-height'; a value that begins with - is written --name=-height\n$/],
    [['seed', '--from', '--lake', 'file:x'], 'seed: --from needs a value; see --help\n'],
    [['seed', '--from', '--lake=file:x'], 'seed: --from needs a value; see --help\n']
  ]
  for (const [argv, err] of cases) t.match(await runMain(main, argv), { code: 2, out: '', err }, argv.join(' '))
  for (const help of [['-h'], ['--sort=-age', '-h'], ['--sort', 'age', '--help']]) t.match(await runMain(main, ['export', ...help]), { code: 0, out: /^Writes the records / }, help.join(' '))
  for (const name of names) t.same(await runMain(main, [name, '--hlep']), { code: 2, out: '', err: `${name}: unknown option --hlep; did you mean --help?\n` })
})

t.test('as a process, it has the same output and exit codes', async (t) => {
  t.same(await run(t, ['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
  t.same(await run(t, ['export', '--format', 'xml']), { code: 2, stdout: '', stderr: "export: --format: got 'xml'; must be one of json, ndjson, csv, parquet\n" })
  t.match(await run(t, ['check'], {}, { PORT: 'x' }), { code: 1, stdout: '', stderr: /^check: PORT: got "x"; / })
})

t.test('every command uses the settings in .env, and variables of the environment take precedence over them', async (t) => {
  const files = { '.env': 'SOURCE_PREFIX=in/\n', from: { '1.csv': 'a' } }
  t.match(await run(t, ['seed', '--from', 'from', '--lake', 'file:lake'], files), { code: 0, stdout: 'uploaded 1, unchanged 0\n' })
  t.equal(readFileSync(`${t.testdirName}/lake/in/1.csv`, 'utf8'), 'a')
  t.match(await run(t, ['seed', '--from', 'from', '--lake', 'file:lake'], files, { SOURCE_PREFIX: 'mine/' }), { code: 0 })
  t.equal(readFileSync(`${t.testdirName}/lake/mine/1.csv`, 'utf8'), 'a')
})

t.test('the server itself takes no arguments', async (t) => {
  const server = fileURLToPath(new URL('../../server.js', import.meta.url))
  const { code, stderr } = await new Promise<{ code: number | null, stderr: string }>((resolve) => {
    const child = execFile(process.execPath, [server, '--check'], (_error, _stdout, stderr) => resolve({ code: child.exitCode, stderr }))
  })
  t.same({ code, stderr }, { code: 2, stderr: 'userlake: the server takes no arguments; see userlake --help\n' })
})
