import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { Writable } from 'node:stream'
import t, { type Test } from 'tap'
import { parseSchema } from '../../lib/schema/schema.js'
import { main } from '../../scripts/export.js'
import { writeFileAtomically } from '../../scripts/output-file.js'
import { queryParser } from '../../scripts/export/query-options.js'
import { CsvParameters } from '../../routes/http/csv-parameters.js'
import { listingParameters } from '../../routes/http/listing-parameters.js'
import { RESERVED_PARAMETERS } from '../../routes/http/parameters.js'
import { build, csv } from '../support/app.js'
import { readParquet } from '../support/parquet.js'
import { closedStdout, runMain } from '../support/run-main.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { testFolder } from '../support/test-folder.js'

const USERS = parseSchema(readFileSync('schemas/users.json', 'utf8'))
const FILES = {
  '1.csv': csv('Ann', 'Lee', 0),
  '1.png': 'x',
  '2.csv': 'first_name,last_name,birthts\nBo,"Øst, ""x""",777600000000\n',
  '3.csv': csv('annika', '=1+1', -5),
  '4.csv': 'first_name\nx\n',
  '5.csv': 'first_name,last_name,birthts,city\nCy,Roe,7,Oslo\n'
}
const AS_OF = ['--as-of', '2026-01-01T00:00:00Z']

const lakeOf = (t: Test, files: Readonly<Record<string, string>> = FILES) => `${testFolder(t, { source_data: files })}`

t.test('userlake export writes the bytes of GET /data', async (t) => {
  const { app } = await build(t, { files: FILES })
  const lake = lakeOf(t)
  const cases: [url: string, argv: string[]][] = [
    ['/data', []],
    ['/data.csv', ['--format', 'csv']],
    ['/data.ndjson', ['--format', 'ndjson']],
    ['/data?first_name=an*&sort=-last_name', ['--first_name', 'an*', '--sort=-last_name']],
    ['/data?first_name=ann&first_name=bo&columns=*', ['--first-name', 'ann', '--first_name=bo', '--columns', '*']],
    ['/data?where=city%3DOslo&where=birthts%3E0&format=ndjson', ['--where', 'city=Oslo', '--where', 'birthts>0', '--format', 'ndjson']],
    ['/data?min_age=30&max_age=60&age_basis=exact&as_of=2026-01-01T00:00:00Z&columns=user_id,age', ['--min-age', '30', '--max_age', '60', '--age-basis', 'exact', ...AS_OF, '--columns', 'user_id', '--columns', 'age']],
    ['/data?image_exists=true', ['--image-exists', 'true']],
    ['/data?q=lee&user_id=1', ['--q', 'lee', '--user_id', '1']],
    ['/data?limit=2', ['--limit', '2']],
    ['/data.csv?bom=true&delimiter=;&escape_formulas=true', ['--format', 'csv', '--bom', 'true', '--delimiter', ';', '--escape-formulas', 'true']],
    ['/data?user_id=nobody', ['--user_id', 'nobody']]
  ]
  for (const [url, argv] of cases) {
    const { statusCode, body } = await app.inject(url)
    t.equal(statusCode, 200, url)
    const { code, out, err } = await runMain(main, ['--lake', `file:${lake}`, ...argv])
    t.equal(code, 0, err)
    t.equal(out, body, argv.join(' '))
  }
  t.same(readdirSync(lake), ['source_data'], 'nothing is written to the lake')
})

t.test('a file is replaced as a whole, in the format of its extension, and keeps its mode', async (t) => {
  const folder = testFolder(t, { source_data: FILES, 'a.csv': 'before', real: { 'b.ndjson': '' } })
  chmodSync(`${folder}/a.csv`, 0o600)
  symlinkSync(`${folder}/real/b.ndjson`, `${folder}/link.ndjson`)
  const lake = ['--lake', `file:${folder}`]
  const { code, out, err } = await runMain(main, [...lake, '--output', `${folder}/a.csv`, '--columns', 'user_id'])
  t.match({ code, out }, { code: 0, out: `wrote 4 records to ${folder}/a.csv\n` })
  t.match(err, /^6 objects listed, .*\n5\/5 info files downloaded, .*\n1 info file is rejected; GET \/rejects and userlake check have the reasons\n$/)
  t.equal(readFileSync(`${folder}/a.csv`, 'utf8'), 'user_id\r\n1\r\n2\r\n3\r\n5\r\n')
  t.equal(statSync(`${folder}/a.csv`).mode & 0o777, 0o600)
  t.match(await runMain(main, [...lake, '-o', `${folder}/link.ndjson`, '--limit', '1', '--columns', 'user_id']), { code: 0, out: /^wrote 1 record to / })
  t.equal(readFileSync(`${folder}/real/b.ndjson`, 'utf8'), '{"user_id":"1"}\n', 'the target of a link is replaced')
  t.same(readdirSync(folder).sort(), ['a.csv', 'link.ndjson', 'real', 'source_data'], 'no temporary file remains')
})

t.test('Parquet has the same records and columns, the age included', async (t) => {
  const folder = lakeOf(t)
  const { code, err } = await runMain(main, ['--lake', `file:${folder}`, '-o', `${folder}/a.parquet`, '--columns', 'user_id,age,city', '--sort=-age', '--where', 'birthts>=0', ...AS_OF])
  t.equal(code, 0, err)
  t.match(await readParquet(readFileSync(`${folder}/a.parquet`)), { names: ['user_id', 'age', 'city'], rows: [['5', 56n, 'Oslo'], ['1', 56n, null], ['2', 31n, null]] })
})

t.test('a write that fails leaves the file as it was', async (t) => {
  const folder = testFolder(t, { 'a.csv': 'before' })
  async function * failing () {
    yield 'part'
    throw new Error('full')
  }
  await t.rejects(writeFileAtomically(`${folder}/a.csv`, failing()), { message: 'full' })
  t.same(readdirSync(folder), ['a.csv'])
  t.equal(readFileSync(`${folder}/a.csv`, 'utf8'), 'before')
  const long = `${folder}/${'x'.repeat(300)}.csv`
  await t.rejects(writeFileAtomically(long, Buffer.from('')), { message: new RegExp(`^--output: '${long}' cannot be written: ENAMETOOLONG`) })
})

t.test('a reader of stdout that has enough, such as head, ends userlake export without an error', async (t) => {
  let err = ''
  t.equal(await main(['--lake', `file:${lakeOf(t)}`], { env: {}, stdout: closedStdout(), stderr: { write: (text) => { err += text } } }), 1)
  t.notMatch(err, /export:|wrote/)
})

t.test('on a terminal, the message after JSON is on a line of its own', async (t) => {
  let text = ''
  const stdout = Object.assign(new Writable({ write: (chunk, _encoding, done) => { text += chunk; done() } }), { isTTY: true })
  t.equal(await main(['--lake', `file:${lakeOf(t)}`, '--limit', '1', '--columns', 'user_id'], { env: {}, stdout, stderr: { write: (message) => { text += message } } }), 0)
  t.match(text, /\n\[\{"user_id":"1"\}\]\nwrote 1 record to stdout\n$/)
})

t.test('the extension of the file determines the format, in upper case, too; a file without one has JSON, and --format takes precedence', async (t) => {
  const folder = lakeOf(t)
  for (const [options, first] of [[['-o', `${folder}/a.CSV`], 'user_id,'], [['-o', `${folder}/a`], '[{'], [['-o', `${folder}/a.xlsx`, '--format', 'ndjson'], '{']] as const) {
    t.match(await runMain(main, ['--lake', `file:${folder}`, ...options]), { code: 0 }, options.join(' '))
    t.equal(readFileSync(options[1], 'utf8').slice(0, first.length), first)
  }
})

t.test('wrong usage is exit code 2, and names the option', async (t) => {
  const folder = lakeOf(t)
  const lake = ['--lake', `file:${folder}`]
  const tty = { isTTY: true }
  const cases: [string[], string][] = [
    [['--lake', 'x'], "--lake: got 'x'; must be s3://<bucket> or file:<folder>"],
    [[...lake, '--prefix', 'x'], "--prefix: got 'x'; must be empty or end in /; use x/"],
    [[...lake, '--format', 'xml'], "--format: got 'xml'; must be one of json, ndjson, csv, parquet"],
    [[...lake, '--min-aeg', '3'], 'unknown option --min-aeg; did you mean --min-age?'],
    [[...lake, '--filter', 'x'], 'unknown option --filter; did you mean --where?'],
    [[...lake, '--cursor', 'x'], 'unknown option --cursor; see --help'],
    [[...lake, '--min-age', 'x', '--image_exists', 'y'], '--min-age: got "x"; must be a number from 0 to 10000\nexport: --image-exists: got "y"; must be true, false, 1 or 0'],
    [[...lake, '--limit', '10001'], '--limit: got "10001"; must be an integer from 1 to 10000'],
    [[...lake, '--birthts', 'x'], '--birthts: got "x"; must be an integer'],
    [[...lake, '--output', '-'], "--output: got '-'; must be the path of a file; without --output the records are written to stdout"],
    [[...lake, '--output', folder], `--output: got '${folder}', which is not a regular file; without --output the records are written to stdout`],
    [[...lake, '--output', `${folder}/no/a.csv`], `--output: got '${folder}/no/a.csv'; the folder ${folder}/no does not exist`],
    [[...lake, '--output', `${folder}/a.xlsx`], `--output: got '${folder}/a.xlsx'; its extension must be one of .json, .ndjson, .csv, .parquet, or --format must name the format`],
    [[...lake, '--output', `${folder}/a.csv.gz`], `--output: got '${folder}/a.csv.gz'; its extension must be one of`]
  ]
  for (const [argv, message] of cases) {
    const { code, out, err } = await runMain(main, argv)
    t.match({ code, out }, { code: 2, out: '' }, argv.join(' '))
    t.ok(err.startsWith(`export: ${message}`), err)
  }
  const late: [string[], RegExp][] = [
    [['--where', 'colour=red'], /^export: --where: got "colour=red"; unknown column colour; GET \/schema lists the columns$/m],
    [['--columns', 'user_ids'], /^export: --columns: unknown column user_ids; did you mean user_id\?$/m],
    [['--bom', 'true'], /^export: --bom: applies to CSV only; use --format=csv$/m],
    [['--columns', 'image_exists'], /; it is not a column: --image-exists=true selects the records that have an image$/m],
    [['--sort', 'city_exists'], /; it is not a column: --where=city selects the records that have a value, --where=!city the others$/m],
    [['--where', 'image_exists=true'], /^export: --where: got "image_exists=true"; unknown column image_exists; .* use --image-exists=true or --image-exists=false, without --where=$/m]
  ]
  for (const [argv, message] of late) t.match(await runMain(main, [...lake, ...argv, '-o', `${folder}/x.json`]), { code: 2, out: '', err: message })
  t.notOk(existsSync(`${folder}/x.json`))
  const stdout = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), tty)
  t.equal(await main([...lake, '--format', 'parquet'], { env: {}, stdout, stderr: { write: () => {} } }), 2, 'Parquet is not written to a terminal')
})

t.test('the schema, the prefix and other settings are those of the options and of the environment', async (t) => {
  const folder = testFolder(t, { in: { 'a.csv': 'height;ssn\n1,8;x\n' }, 'trees.json': JSON.stringify({ fields: [{ name: 'height', type: 'number', decimalChar: ',' }] }) })
  const env = { INPUT_DELIMITER: ';', COLUMNS_HIDDEN: 'ssn', LAKE_URL: `file:${folder}`, SCHEMA: 'overridden.json' }
  t.match(await runMain(main, ['--schema', `${folder}/trees.json`, '--prefix', 'in/', '--columns', '*', '--height', '1.8'], env), { code: 0, out: '[{"user_id":"a","height":1.8}]' })
  t.match(await runMain(main, ['--schema', `${folder}/none.json`], env), { code: 1, err: /^export: --schema: .*none\.json/ })
  t.match(await runMain(main, [`--schema=${folder}/SCHEMA`], env), { code: 1, err: /^export: --schema: .*\/SCHEMA\b/ }, 'a path that has the name of a setting stays')
  t.match(await runMain(main, [], { ...env, SCHEMA: `${folder}/none.json` }), { code: 1, err: /^export: SCHEMA: .*none\.json/ })
  t.match(await runMain(main, [], { ...env, SCHEMA: '', INPUT_DELIMITER: '' }), { code: 1, err: /^export: INPUT_DELIMITER: got ""/ })
})

t.test('a lake that cannot be read is exit code 1, and the file stays', async (t) => {
  const folder = testFolder(t, { 'a.csv': 'before' })
  t.match(await runMain(main, ['--lake', `file:${folder}/none`, '--output', `${folder}/a.csv`]), { code: 1, out: '', err: /^export: the lake cannot be read: file:.*none: there is no such folder: check --lake, /m })
  t.equal(readFileSync(`${folder}/a.csv`, 'utf8'), 'before')
})

t.test('a lake in which nothing becomes a record is exit code 1 with the reasons and hints, and the file stays; a filter that selects nothing is no failure', async (t) => {
  const latin = Buffer.from(csv('Zo\xeb', 'Lee', 0), 'latin1')
  const folder = testFolder(t, { source_data: { '1.csv': latin }, good: { '1.csv': csv() }, 'a.csv': 'before' })
  const run = async (...options: string[]) => await runMain(main, ['--lake', `file:${folder}`, '--output', `${folder}/a.csv`, ...options])
  const wrong = await run('--prefix', 'wrong/')
  t.match(wrong, { code: 1, out: '', err: /^export: nothing was written: There is no object with the prefix "wrong\/"; upload info files, or set --lake and --prefix to where they are\. There are info files without this prefix, such as a\.csv: set --prefix=''$/m })
  const empty = ['--lake', `file:${folder}`, '-o', `${folder}/a.csv`]
  t.match(await runMain(main, empty, { SOURCE_PREFIX: 'wrong/' }), { code: 1, err: /, or set --lake and --prefix to where they are\. .*: set --prefix=''$/m }, 'the command has --prefix, too')
  t.match(await runMain(main, empty, { SOURCE_PREFIX: '//' }), { code: 1, err: /^export: SOURCE_PREFIX: got "\/\/"; /m }, 'the setting is wrong, not an option')
  const rejected = await run()
  t.match(rejected, { code: 1, out: '', err: /^export: nothing was written: The only object .*\nexport: invalid_utf8: 1\nexport: {3}.*INPUT_ENCODING=windows-1252.*\nexport: {5}source_data\/1\.csv\n/m })
  t.notMatch(rejected.err, /^warning: None/m, 'the reason is given once')
  t.match(await runMain(main, ['--lake', `file:${folder}`]), { code: 1, out: '' })
  t.equal(readFileSync(`${folder}/a.csv`, 'utf8'), 'before')
  t.match(await run('--prefix', 'good/', '--user_id', 'none', '--columns', 'user_id'), { code: 0 })
  t.equal(readFileSync(`${folder}/a.csv`, 'utf8'), 'user_id\r\n')
})

t.test('records that may differ from the lake are written, with exit code 3', async (t) => {
  const endpoint = await startS3Endpoint()
  t.teardown(() => endpoint.stop())
  const bucket = endpoint.bucket('datalake')
  for (let i = 100; i < 300; i++) bucket.put(`source_data/${i}.csv`, csv('Ann', `L${i}`, i))
  endpoint.intercept = ({ operation, key }) => operation === 'GET' && key === 'source_data/123.csv' ? { status: 500, body: '' } : undefined
  const env = { AWS_ENDPOINT_URL_S3: endpoint.url }
  const folder = testFolder(t)
  const { code, out, err } = await runMain(main, ['--lake', 's3://datalake', '--output', `${folder}/a.csv`], env)
  t.match({ code, out }, { code: 3, out: '' })
  t.match(err, new RegExp(`^export: wrote 199 records to ${folder}/a.csv, which may differ from the lake:\nexport: Some info files could not be downloaded$`, 'm'))
  t.equal(readFileSync(`${folder}/a.csv`, 'utf8').split('\r\n').length, 201)
  t.match(endpoint.counts, { PUT: 0, DELETE: 0 }, 'nothing is written to the bucket')
})

t.test('last good records are written, with exit code 3', async (t) => {
  const { app, bucket, endpoint } = await build(t, { files: FILES })
  t.equal((await app.inject({ method: 'POST', url: '/data' })).statusCode, 200)
  await app.close()
  bucket.put('source_data/1.csv', 'damaged')
  const lake = ['--lake', 's3://datalake']
  const env = { AWS_ENDPOINT_URL_S3: endpoint.url }
  t.match(await runMain(main, lake, env), { code: 3, out: /"user_id":"1"/, err: /which may differ from the lake:\nexport: 1 of the records is that of an earlier version of an info file that is rejected now;/ })
  t.match(await runMain(main, [...lake, '--user_id', '2'], env), { code: 0 }, 'other records are those of the lake')
})

t.test('--help names every parameter of a listing that is not a column', async (t) => {
  const { out } = await runMain(main, ['--help'])
  const parameters = Object.keys({ ...listingParameters(USERS), ...CsvParameters }).filter((name) => RESERVED_PARAMETERS.includes(name))
  t.ok(parameters.length > 10)
  for (const name of parameters) t.match(out, `--${name.replaceAll('_', '-')}`)
})

t.test('columns with - and _ have separate options', async (t) => {
  const schema = parseSchema(JSON.stringify({ fields: [{ name: 'a-b', type: 'string' }, { name: 'a_b', type: 'string' }, { name: 'c_d', type: 'string' }] }))
  const { parse } = queryParser(schema)
  t.match(parse({ 'a-b': ['1'], a_b: ['2'], 'c-d': ['3'], c_d: ['4'] }), { 'a-b': ['1'], a_b: ['2'], c_d: ['3', '4'] })
})
