import { execFile } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { main } from '../../scripts/check.js'
import { main as exportMain } from '../../scripts/export.js'
import { main as inferSchema } from '../../scripts/schema.js'
import { buildOnFolder } from '../support/app.js'
import { documentedPolicy } from '../support/policy.js'
import { closedStdout, runMain } from '../support/run-main.js'
import { startS3Endpoint, type S3EndpointOptions } from '../support/s3-endpoint.js'
import { testFolder } from '../support/test-folder.js'

const userlake = fileURLToPath(new URL('../../scripts/userlake.js', import.meta.url))

/** Runs the command in a folder; default: a new one with these files. */
function run (t: Test, { env = {}, files = {}, cwd = testFolder(t, files) }: { env?: Record<string, string>, files?: Parameters<Test['testdir']>[0], cwd?: string } = {}) {
  return new Promise<{ code: number, stdout: string, stderr: string, cwd: string }>((resolve) => {
    const child = execFile(process.execPath, [userlake, 'check'], { cwd, env: { PATH: process.env['PATH'], ...env } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode!, stdout, stderr, cwd }))
  })
}

const INFO = 'first_name,last_name,birthts\nAnn,Lee,0\n'

t.test('userlake check reports the content of the lake and writes nothing', async (t) => {
  const files = { lake: { source_data: { '1.csv': INFO, '2.csv': 'first_name\nAnn\n', '1.png': '', '3.png': '', '4.xml': '', '5.csv.bz2': '', '6.csv.bz2': '' } }, '.env': 'LOGLEVEL=debug\n' }
  const { code, stdout, stderr, cwd } = await run(t, { files, env: { AGREGATE_INTERVAL: '1m', OUTPUT_COLUMNS: 'user_id,firstname', AWS_ENDPOINT_URL: 'http://user:secret@localhost:1', AWS_SECRET_ACCESS_KEY: 'secret' } })
  t.equal(code, 0, stderr)
  t.match(stdout, /^warning: \.env: "LOGLEVEL" is not a setting; did you mean LOG_LEVEL\?$/m)
  t.match(stdout, /^warning: environment: "AGREGATE_INTERVAL" is not a setting; did you mean AGGREGATE_INTERVAL\?$/m)
  t.match(stdout, /^warning: LAKE_URL is not set although AWS_ENDPOINT_URL is: the embedded lake in \.\/lake is served; /m)
  t.match(stdout, /^settings: valid; different from their defaults: 2\n {2}OUTPUT_COLUMNS=user_id,firstname\n {2}AWS_ENDPOINT_URL=http:\/\/localhost:1$/m)
  t.match(stdout, /^schema: Users \(built in\), 5 columns: key user_id, ages from birthts, images img_path$/m)
  t.match(stdout, /^lake: file:.*\/lake$/m)
  t.match(stdout, /^ {2}records: 1$/m)
  t.match(stdout, /^ {2}rejected info files: 1\n {4}missing_column: 1\n {6}The header has no column last_name\n {8}got "first_name": source_data\/2\.csv, line 1$/m)
  t.match(stdout, /^ {2}images without an info file: 1, such as source_data\/3\.png$/m)
  t.match(stdout, /^ {2}ignored objects, which are neither info files \(\.csv, \.csv\.gz, \.tsv, \.json\) nor images: 3 \(2 \.bz2, such as source_data\/5\.csv\.bz2; 1 \.xml, such as source_data\/4\.xml\)$/m)
  t.match(stdout, /^warning: No record has the output column "firstname" \(did you mean first_name\?\): it is empty$/m)
  t.match(stdout, /^output: processed_data\/output\.csv does not exist yet$/m)
  t.notMatch(stdout, 'secret')
  t.same(readdirSync(`${cwd}/lake`), ['source_data'])
})

/** The lines about rejected info files. */
const rejectLines = (stdout: string) => stdout.split('\n').slice(stdout.split('\n').findIndex((line) => line.startsWith('  rejected info files')), -1).filter((line) => line.startsWith('    '))
const file = (birthts: string) => `first_name,last_name,birthts\nAnn,Lee,${birthts}\n`

t.test('userlake check counts the rejected files by code, by mistake and by text, and gives each mistake and its hint once', async (t) => {
  const files = {
    ...Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`${10 + i}.csv`, file('x')])),
    ...Object.fromEntries(Array.from({ length: 2 }, (_, i) => [`${20 + i}.csv`, file('1938-09-12')])),
    '1.csv': INFO,
    '30.csv': file('y'),
    '40.csv': Buffer.from('first_name,last_name,birthts\nZo\xeb,Lee,0\n', 'latin1')
  }
  const { stdout } = await run(t, { files: { lake: { source_data: files } } })
  const lines = rejectLines(stdout)
  t.same(lines.map((line) => line.replace(/^( *).*(?:birthts is not an integer|INPUT_ENCODING=windows-1252).*/, '$1…')), [
    '    invalid_value: 10',
    '      …',
    '        got "x" in 7 files: source_data/10.csv, line 2; source_data/11.csv, line 2; source_data/12.csv, line 2; source_data/13.csv, line 2; source_data/14.csv, line 2; and 2 more',
    '        got "y": source_data/30.csv, line 2',
    '      …',
    '        got "1938-09-12" in 2 files: source_data/20.csv, line 2; source_data/21.csv, line 2',
    '    invalid_utf8: 1',
    '      …',
    '        source_data/40.csv'
  ])
  t.match(lines[7], /UTF-8 text\. The file looks like .*INPUT_ENCODING=windows-1252/, 'the hint is after the detail')
})

t.test('userlake check shows at most 20 different mistakes, at least one of each code, and counts the other files', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${10 + i}.csv`, file(`x${i}`)]))
  const { stdout } = await run(t, { files: { lake: { source_data: { ...files, '1.csv': INFO, '2.csv': 'first_name\nAnn\n' } } } })
  const lines = rejectLines(stdout)
  t.equal(lines.filter((line) => line.startsWith('        got')).length, 20)
  t.equal(lines[21], '      and 11 more')
  t.equal(lines.at(-1), '        got "first_name": source_data/2.csv, line 1')
})

t.test('userlake check reports the built-in schema as such, also without its hidden columns, and names of hidden columns that are probably misspelt', async (t) => {
  const lake = `file:${testFolder(t, { source_data: { '1.csv': INFO } })}`
  t.match(await runMain(main, ['--lake', lake], { COLUMNS_HIDDEN: 'birthts' }), { code: 0, out: /^schema: Users \(built in\), 4 columns: key user_id, no ages, images img_path$/m })
  const misspelt = await runMain(main, ['--lake', `file:${testFolder(t, { source_data: { '1.csv': 'first_name,last_name,birthts,salary\nAnn,Lee,0,1\n' } })}`], { COLUMNS_HIDDEN: 'last_nam,salry,phone' })
  t.same(misspelt.out.match(/^warning: .*$/mg), ['last_nam', 'salry'].map((name, i) => `warning: COLUMNS_HIDDEN: "${name}" is not a declared column; undeclared columns of this name are hidden; did you mean ${['last_name', 'salary'][i]}?`))
})

t.test('userlake check counts the records that are the last good ones', async (t) => {
  const { app, root } = await buildOnFolder(t, { source_data: { '1.csv': INFO, '2.csv': INFO } })
  await app.inject('/data')
  writeFileSync(`${root}/source_data/2.csv`, 'first_name\nAnn\n')
  t.equal((await app.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })).headers['data-last-good'], '1')
  await app.close()
  const { stdout } = await run(t, { env: { LAKE_URL: `file:${root}` }, cwd: root })
  t.match(stdout, /^ {2}records: 2, of which 1 is served from an earlier version of its info file, which is rejected now$/m)
})

t.test('userlake check prints its whole report and fails if nothing in the lake becomes a record', async (t) => {
  const { code, stdout, stderr } = await run(t, { files: { lake: { source_data: { '1.xml': '' } } } })
  t.equal(code, 1)
  t.match(stdout, /^output: .*\na start with these settings:\n(?: {2}.*\n){3}$/m)
  t.notMatch(stdout, /None of/, 'the reason is given once')
  t.match(stderr, /^check: The only object with the prefix "source_data\/" does not become a record: 1 ignored \(1 \.xml, such as source_data\/1\.xml\)$/m)
})

t.test('userlake check names the cause if the prefix is wrong and the lake was published before', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`${i}.csv`, INFO]))
  const { app, root } = await buildOnFolder(t, { source_data: files })
  t.equal((await app.inject({ method: 'POST', url: '/data' })).json().result.records, 101)
  await app.close()
  const { code, err } = await runMain(main, [], { LAKE_URL: `file:${root}`, SOURCE_PREFIX: 'wrong/' })
  t.equal(code, 1)
  t.match(err, /^check: There is no object with the prefix "wrong\/"; upload info files, or set LAKE_URL and SOURCE_PREFIX to where they are\. There are info files without this prefix, such as source_data\/0\.csv: set SOURCE_PREFIX='source_data\/'$/m)
})

t.test('userlake check and schema name the lake if the URL is that of the folder with the files', async (t) => {
  const lake = testFolder(t, { source_data: { a: { '1.csv': INFO } } })
  const { code, err } = await runMain(main, [], { LAKE_URL: `file:${lake}/source_data` })
  t.equal(code, 1)
  const url = /LAKE_URL='(file:\/\/\/.*)'$/.exec(err.trimEnd())?.[1]
  t.match(await runMain(main, ['--lake', url!]), { code: 0, out: /^ {2}records: 1$/m })
  const inferred = await runMain(inferSchema, ['--lake', `file:${lake}/source_data/`])
  t.match(inferred, { code: 1, err: /; there are info files without it, such as a\/1\.csv: use --lake 'file:\/\/\/.*'\n$/ })
  t.ok(inferred.err.endsWith(`'${url}'\n`))
})

t.test('userlake check names an info file that is elsewhere if no object has the prefix, unless the bucket lists only the prefix', async (t) => {
  const nothing = /^check: There is no object with the prefix "source_data\/"; upload info files, or set LAKE_URL and SOURCE_PREFIX to where they are/
  const run = async ({ keys, ...options }: S3EndpointOptions & { readonly keys: readonly string[] }) => {
    const endpoint = await startS3Endpoint(options)
    t.teardown(() => endpoint.stop())
    for (const key of keys) endpoint.bucket('datalake').put(key, INFO)
    const { code, err } = await runMain(main, [], { LAKE_URL: 's3://datalake', AWS_ENDPOINT_URL_S3: endpoint.url })
    t.equal(code, 1)
    const last = err.trimEnd().split('\n').at(-1)!
    t.match(last, nothing)
    return last.replace(nothing, '')
  }
  const published = ['processed_data/output.csv', 'processed_data/output.state.json']
  t.equal(await run({ keys: [...published, 'users/2024/1.CSV.gz'] }), ". There are info files without this prefix, such as users/2024/1.CSV.gz: set SOURCE_PREFIX='users/'")
  t.equal(await run({ keys: ['1.csv'] }), ". There are info files without this prefix, such as 1.csv: set SOURCE_PREFIX=''")
  t.equal(await run({ keys: [...published, 'processed_data/outputs/1.csv'] }), ". There are info files without this prefix, such as processed_data/outputs/1.csv: set SOURCE_PREFIX='processed_data/'", 'a folder with a similar name')
  t.equal(await run({ keys: [...published, 'users/1.txt'] }), '', 'what is published is no info file')
  t.equal(await run({ keys: ['users/1.csv'], policy: documentedPolicy('datalake') }), '', 'the documented rights allow no other listing')
})

t.test('userlake check has --lake, --schema and --prefix, which take precedence over the environment', async (t) => {
  const folder = testFolder(t, { in: { 'a.csv': 'height\n1.8\n' }, 'trees.json': JSON.stringify({ fields: [{ name: 'height', type: 'number' }] }) })
  const env = { LAKE_URL: 'file:./missing', SCHEMA: 'missing.json', SOURCE_PREFIX: 'missing/' }
  const { code, out } = await runMain(main, ['--lake', `file:${folder}`, '--schema', `${folder}/trees.json`, '--prefix', 'in/'], env)
  t.match({ code, out }, { code: 0, out: /^ {2}records: 1$/m })
  t.match(out, `  LAKE_URL=file:${folder}\n`)
  t.match(await runMain(main, ['--lake', 'x']), { code: 2, out: '', err: "check: --lake: got 'x'; must be s3://<bucket> or file:<folder>\n" })
  t.match(await runMain(main, ['--lkae', 'x']), { code: 2, out: '', err: 'check: unknown option --lkae; did you mean --lake?\n' })
})

t.test('userlake check ends with what a start would do', async (t) => {
  const lake = `file:${testFolder(t, { source_data: { '1.csv': INFO } })}`
  const key = `web:read:${'A'.repeat(43)}`
  const cases: Array<[Record<string, string>, [string, string, string]]> = [
    [{}, [
      'listens on 127.0.0.1:8080, which only this machine can reach',
      'publishes processed_data/output.csv (csv), at the start and every 5m (whether the lake may be written is not tested here: userlake doctor)',
      'requires no credentials: every client that reaches the port can read all records and update the output'
    ]],
    [{ HOST: '::', PORT: '81', API_KEYS: key, OUTPUT_KEY: 'out/users.csv', OUTPUT_FORMATS: 'csv,parquet', AGGREGATE_INTERVAL: '30s' }, [
      'listens on [::]:81, which other machines can reach',
      'publishes out/users.csv (csv) and out/users.parquet (parquet), at the start and every 30s (whether the lake may be written is not tested here: userlake doctor)',
      'requires credentials: API_KEYS'
    ]],
    [{ HOST: '0.0.0.0', PORT: '0', ALLOW_ANONYMOUS: 'true', PUBLISH: 'false' }, [
      'listens on a free port of 0.0.0.0, which other machines can reach',
      'publishes nothing: PUBLISH=false',
      'requires no credentials: every client that reaches the port can read all records'
    ]]
  ]
  for (const [settings, lines] of cases) {
    const { code, out, err } = await runMain(main, [], { LAKE_URL: lake, ...settings })
    t.equal(code, 0, err)
    t.same(out.split('\n').slice(-5), ['a start with these settings:', ...lines.map((line) => `  ${line}`), ''])
  }
})

t.test('userlake check warns if the output would replace a file of the lake that the service has not written', async (t) => {
  const { app, root } = await buildOnFolder(t, { source_data: { '1.csv': INFO, '2.csv': INFO } }, { settings: { OUTPUT_KEY: 'source_data/all.csv' } })
  t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { records: 2 } })
  const warningOf = async (OUTPUT_KEY: string) => /^warning: OUTPUT_KEY: .*$/m.exec((await run(t, { env: { LAKE_URL: `file:${root}`, OUTPUT_KEY }, cwd: root })).stdout)?.[0]
  t.equal(await warningOf('source_data/2.csv'), 'warning: OUTPUT_KEY: got "source_data/2.csv", the key of a file of the lake that this service has not written: the file is not read, and jobs fail, since they would replace it; choose another key, or remove that file')
  t.equal(await warningOf('source_data/all.csv'), undefined, 'an output of the service')
  t.equal(await warningOf('source_data/new.csv'), undefined, 'nothing is there')
})

t.test('userlake check does not create the embedded lake', async (t) => {
  const { code, stdout, cwd } = await run(t)
  t.equal(code, 0)
  t.match(stdout, 'lake: ./lake does not exist yet; the first start fills it with sample data\na start with these settings:\n  listens on ')
  t.notOk(existsSync(`${cwd}/lake`))
})

t.test('userlake check names the schema file, and each mistake in it', async (t) => {
  const field = { name: 'height', type: 'number' }
  const files = {
    lake: { source_data: { '1.csv': 'height\n1.8\n' } },
    'good.json': JSON.stringify({ fields: [field] }),
    'bad.json': JSON.stringify({ fields: [{ ...field, constraints: { minimum: 'x' } }, { name: 'width', type: 'meter' }] })
  }
  t.match(await run(t, { files, env: { SCHEMA: 'good.json' } }), { code: 0, stdout: /^schema: good\.json, 2 columns: key user_id, no ages, no images$/m })
  t.match(await run(t, { files, env: { SCHEMA: 'bad.json' } }), {
    code: 1,
    stderr: /^check: SCHEMA: bad\.json: field "height": constraints\.minimum: got "x"; must be a finite number.*\ncheck: SCHEMA: bad\.json: field "width": type: got "meter"; must be one of .*\n$/
  })
})

t.test('userlake check warns of an image field whose objects are not images', async (t) => {
  const folder = testFolder(t, { source_data: { '1.csv': 'height\n1.8\n' }, 's.json': JSON.stringify({ fields: [{ name: 'height', type: 'number' }, { name: 'manual', type: 'string', source: 'image', extensions: ['pdf'] }] }) })
  t.match(await runMain(main, ['--lake', `file:${folder}`, '--schema', `${folder}/s.json`]), { code: 0, out: /^warning: The image field "manual" has objects with the extension pdf: /m })
})

t.test('a schema without a lake is an error: the sample data has other columns', async (t) => {
  const files = { 'trees.json': JSON.stringify({ fields: [{ name: 'height', type: 'number' }] }) }
  const { code, stderr, cwd } = await run(t, { files, env: { SCHEMA: 'trees.json' } })
  t.equal(code, 1)
  t.match(stderr, /^check: LAKE_URL: got ""; must be s3:\/\/<bucket> or file:<folder> if SCHEMA is set, because the sample data does not have the columns of trees\.json\n$/)
  t.notOk(existsSync(`${cwd}/lake`))
})

t.test('userlake check reports each invalid setting and a lake that cannot be read in one line, with exit code 1', async (t) => {
  t.match(await run(t, { env: { PORT: 'x' } }), { code: 1, stdout: '', stderr: /^check: PORT: got "x"; .*\n$/ })
  t.match(await run(t, { env: { LAKE_URL: 'file:./missing' } }), { code: 1, stderr: /^check: the lake cannot be read: file:.*\/missing: there is no such folder: check LAKE_URL, or create it with userlake seed\n$/ })
})

t.test('a reader of stdout that has enough, such as head, ends userlake check without an error', async (t) => {
  let err = ''
  t.equal(await main([], { env: {}, stdout: closedStdout(), stderr: { write: (text) => { err += text } } }), 1)
  t.equal(err, '')
})

t.test('userlake check writes nothing to a bucket that replicas share', async (t) => {
  const endpoint = await startS3Endpoint()
  t.teardown(() => endpoint.stop())
  endpoint.bucket('datalake').put('source_data/1.csv', INFO)
  t.match(await runMain(main, [], { LAKE_URL: 's3://datalake', AWS_ENDPOINT_URL_S3: endpoint.url }), { code: 0, out: /records: 1$/m })
  t.match(endpoint.counts, { PUT: 0, DELETE: 0 })
})

t.test('userlake check names the variables that the credentials of a bucket come from', async (t) => {
  const endpoint = await startS3Endpoint()
  t.teardown(() => endpoint.stop())
  endpoint.bucket('datalake').put('source_data/1.csv', INFO)
  const env = { LAKE_URL: 's3://datalake', AWS_ENDPOINT_URL_S3: endpoint.url, AWS_SECRET_ACCESS_KEY: 'secret' }
  const { stdout } = await run(t, { env, files: { '.env': 'AWS_ACCESS_KEY_ID=key' } })
  t.match(stdout, /^lake: s3:\/\/datalake\n {2}credentials: AWS_ACCESS_KEY_ID \(\.env\)$/m)
  t.match((await run(t, { env: { ...env, AWS_ACCESS_KEY_ID: 'key' } })).stdout, /^ {2}credentials: AWS_ACCESS_KEY_ID \(environment\)$/m)
})

t.test('userlake check and userlake export refuse an engine, which only the service uses', async (t) => {
  const cwd = testFolder(t, { lake: { source_data: { '1.csv': INFO } } })
  const settings = { LAKE_URL: `file:${cwd}/lake`, ENGINE_URL: 'http://127.0.0.1:1' }
  const { code, stderr } = await run(t, { cwd, env: settings })
  t.equal(code, 1)
  t.match(stderr, /^check: ENGINE_URL: got "http:\/\/127\.0\.0\.1:1"; must be empty for this command, which reads the whole lake into memory; /)
  const exported = await runMain(exportMain, [], settings)
  t.match(exported, { code: 1, out: '', err: /^export: ENGINE_URL: got / })
})
