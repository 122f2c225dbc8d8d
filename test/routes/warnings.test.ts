import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FolderStore } from '../../lib/store/folder/folder-store.js'
import { bearer, entryOf, keyOf } from '../support/api-keys.js'
import { build, buildOnFolder, csv, CLOCK_START, PNG, TestClock, type LogLine } from '../support/app.js'
import { testFolder } from '../support/test-folder.js'

const BAD = 'first_name,last_name\nAnn,Lee\n'
const post = { method: 'POST', url: '/data' } as const

t.test('a lake in which nothing is usable is reported in the log, in jobs and by /readyz', async (t) => {
  const log: LogLine[] = []
  const files = { '1.xml': '', '2.XML': '', '3.txt': '', '4.csv': BAD, '5.csv': BAD, '6.csv': '', '7.png': PNG, README: '' }
  const { app, bucket, fresh } = await build(t, { files, log })
  const { result } = (await app.inject(post)).json()
  t.match(result, { records: 0, warnings: [{ code: 'nothing_usable' }] })
  const [{ detail }] = result.warnings
  t.match(detail, /^None of the 8 objects with the prefix "source_data\/" becomes a record: 4 ignored \(2 \.xml, such as source_data\/1\.xml; 1 \.txt, such as source_data\/3\.txt; 1 without an extension, or with one beyond the first 100, such as source_data\/README\); /)
  t.match(detail, /; 3 rejected \(2 missing_column, such as source_data\/4\.csv: The header has no column birthts; 1 empty_file, such as source_data\/6\.csv: The file is empty\); 1 image without an info file\. If these files are correct, the schema does not fit them: edit the schema file that SCHEMA names, or set SCHEMA to a new one, which userlake schema writes$/)
  t.same((await app.inject('/readyz')).json(), { status: 'ready', details: [{ code: 'nothing_usable', detail }] })
  await app.inject(post)
  const lines = log.filter(({ warning }) => warning === 'nothing_usable')
  t.match(lines, [{ level: 40, msg: detail }])
  t.equal(lines.length, 1, 'it is logged once')
  bucket.put('source_data/4.csv', csv())
  await fresh('/data')
  t.same((await app.inject('/readyz')).json(), { status: 'ready', details: [] })
  t.match(log.filter(({ warning }) => warning === 'nothing_usable')[1], { level: 30, msg: 'The warning nothing_usable no longer applies' })
})

t.test('a schema that fits no file is reported with the most frequent reasons, an example of each, and the schema', async (t) => {
  const schema = { fields: [{ name: 'height', type: 'number' }, { name: 'sold', type: 'date' }] } as const
  const files = {
    '1.csv': 'height,sold\ntall,2024-01-26\n', '2.csv': 'height,sold\n1.5,26.01.2024\n', '3.csv': 'height,sold\n,yesterday\n', '4.csv': 'Height,sold\n1,2024-01-26\n', '5.csv': 'height\n1\n', '6.csv': 'height,user_id,sold\n1,7,2024-01-26\n', '7.csv': ''
  }
  const log: LogLine[] = []
  const { app, bucket, fresh } = await build(t, { files, schema, log })
  t.same((await fresh('/data')).json, [])
  const detail = 'None of the 7 objects with the prefix "source_data/" becomes a record: 7 rejected (3 invalid_value, such as source_data/1.csv: height is not a finite number such as 1234.5 (NaN and INF can be declared as missingValues); ' +
    '2 missing_column, such as source_data/4.csv: The header has no column height; 1 reserved_header, such as source_data/6.csv: A column has a reserved name, or the key column has another value than the file name; and others). ' +
    'If these files are correct, the schema does not fit them: edit the schema file that SCHEMA names, or set SCHEMA to a new one, which userlake schema writes'
  t.same((await app.inject('/readyz')).json(), { status: 'ready', details: [{ code: 'nothing_usable', detail }] })
  t.match(log.filter(({ warning }) => warning === 'nothing_usable'), [{ level: 40, msg: detail }])
  bucket.put('source_data/7.csv', 'height,sold\n1,2024-01-26\n')
  t.same((await fresh('/data')).json, [{ user_id: '7', height: 1, sold: '2024-01-26' }])
  t.same((await app.inject('/readyz')).json().details, [])
})

t.test('if no file becomes a record because of its format, the warning has the setting, and does not blame the schema', async (t) => {
  const semicolons = 'first_name;last_name;birthts\nAnn;Lee;0\n'
  const text = (prefix: string, code: string, key: string, detail: string) => `${prefix} becomes a record: 2 rejected (2 ${code}, such as source_data/${key}: ${detail})`
  const none = 'None of the 2 objects with the prefix "source_data/"'
  const cases: [Record<string, string | Buffer>, string][] = [
    [{ '1.csv': semicolons, '2.csv': semicolons }, text(none, 'missing_column', '1.csv', 'The header has no column first_name. The fields look separated by ";": set INPUT_DELIMITER=\';\', or use "," in the file')],
    [{ '1.tsv': semicolons, '2.tsv': semicolons }, text(none, 'missing_column', '1.tsv', 'The header has no column first_name. The fields look separated by ";": use a tab in the file, or a name that ends in .csv')],
    [{ '1.csv': Buffer.from(csv('Renée'), 'latin1'), '2.csv': Buffer.from(csv('Renée'), 'latin1') }, text(none, 'invalid_utf8', '1.csv', 'The file is not UTF-8 text. The file looks like Windows-1252 or another encoding of one byte a character: save it as UTF-8, or set INPUT_ENCODING=windows-1252 if all files are like this one')],
    [{ '1.csv': semicolons }, 'The only object with the prefix "source_data/" does not become a record: 1 rejected (1 missing_column, such as source_data/1.csv: The header has no column first_name. The fields look separated by ";": set INPUT_DELIMITER=\';\', or use "," in the file)']
  ]
  for (const [files, detail] of cases) {
    const { app } = await build(t, { files })
    t.same((await app.inject(post)).json().result.warnings, [{ code: 'nothing_usable', detail }])
  }
})

t.test('files that a folder lake skips are reported', async (t) => {
  const { app } = await buildOnFolder(t, { source_data: { '1.csv': csv(), 'link.csv': t.fixture('symlink', '1.csv') } }, {
    fill: (root) => {
      for (const byte of [0xfe, 0xff]) writeFileSync(Buffer.concat([Buffer.from(`${root}/source_data/bad`), Buffer.from([byte, 0x2e, 0x63, 0x73, 0x76])]), csv())
    }
  })
  t.match((await app.inject('/data')).json(), [{ user_id: '1' }])
  const detail = 'The folder has entries that are not part of the lake: names that are not UTF-8 (2, such as source_data/bad\\xfe.csv); ' +
    'symbolic links (1, such as source_data/link.csv)'
  const { details } = (await app.inject('/readyz')).json()
  t.match(details, [{ code: 'skipped_files', detail: /^The folder has entries that are not part of the lake: / }])
  for (const part of detail.split(/: |; /).slice(1)) t.ok(details[0].detail.replace('xff', 'xfe').includes(part), part)
})

t.test('more than a tenth of the info files, and at least ten, are a warning if they are rejected, with the most frequent reasons', async (t) => {
  const many = (count: number, name: string, body: string) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}.csv`, body]))
  const log: LogLine[] = []
  const { app, bucket, fresh } = await build(t, { files: { ...many(91, 'good', csv()), ...many(7, 'short', BAD), ...many(3, 'empty', ''), '1.png': PNG, '2.png': PNG }, log })
  await app.inject('/data')
  const details = async () => (await app.inject('/readyz')).json().details
  t.same(await details(), [], '10 of 101, which is less than a tenth: orphans do not count')
  bucket.put('source_data/empty4.csv', '')
  await fresh('/data')
  const [{ code, detail }] = await details()
  t.equal(code, 'many_rejects')
  t.match(detail, /^11 of 102 info files are rejected: 7 missing_column, such as source_data\/short0\.csv: The header has no column birthts; 4 empty_file, such as source_data\/empty0\.csv: The file is empty\. If these files are correct, the schema/)
  t.match((await app.inject(post)).json().result.warnings, [{ code }])
  bucket.put('source_data/empty4.csv', csv())
  await fresh('/data')
  t.same(await details(), [])
  t.match(log.filter(({ warning }) => warning === code), [{ level: 40, msg: detail }, { level: 30 }])
})

t.test('few rejects are no warning, whatever their share', async (t) => {
  const { app } = await build(t, { files: { '0.csv': csv(), ...Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`bad${i}.csv`, BAD])) } })
  await app.inject('/data')
  t.same((await app.inject('/readyz')).json(), { status: 'ready', details: [] })
})

t.test('the warning about a lake in which nothing is usable has no text of the files', async (t) => {
  const files = {
    'quote.csv': 'first_name,last_name,birthts\nAnn,"Canary"A,0\n',
    'headless.csv': 'CanaryB,CanaryB,0\n',
    'id.csv': 'first_name,last_name,birthts,user_id\nAnn,Lee,0,CanaryC\n',
    'broken.json': '{"last_name": Canary}',
    'text.json': '"CanaryD"',
    'half.json': '{"first_name": "Ann", "CanaryE": "\\ud83d"}'
  }
  for (const [name, body] of Object.entries(files)) {
    const log: LogLine[] = []
    const { app } = await build(t, { files: { [name]: body }, log, settings: { LOG_LEVEL: 'trace' } })
    t.match((await app.inject(post)).json().result, { warnings: [{ code: 'nothing_usable' }] }, name)
    t.notMatch((await app.inject('/readyz')).body + (await app.inject('/jobs')).body + JSON.stringify(log), 'Canary', name)
  }
})

t.test('if clients need credentials, /readyz names no file and no column, as it is public; the log and jobs do', async (t) => {
  const files = { 'Ann.csv': BAD, 'Bea.xml': '' }
  const log: LogLine[] = []
  const settings = { API_KEYS: entryOf('write'), OUTPUT_COLUMNS: 'user_id,salry' }
  const { app, bucket } = await build(t, { files, log, settings })
  const publish = async () => (await app.inject({ ...post, headers: bearer(keyOf('write')) })).json().result.warnings
  t.match(await publish(), [{ code: 'nothing_usable', detail: /Ann\.csv/ }, { code: 'unknown_output_column' }])
  t.same((await app.inject('/readyz')).json().details, [
    { code: 'nothing_usable', detail: 'No object of the lake becomes a record; the log has the reasons' },
    { code: 'unknown_output_column', detail: 'OUTPUT_COLUMNS has a column that no record has; the log names it' }
  ])
  t.ok(log.some(({ warning, msg }) => warning === 'nothing_usable' && /Ann\.csv/.test(msg)))
  bucket.put('source_data/Ann.csv', 'first_name,last_name,birthts,salary\nAnn,Lee,0,1\n')
  t.match(await publish(), [{ code: 'unknown_output_column', detail: /did you mean salary/ }])
  t.notMatch((await app.inject('/readyz')).body, /salary/)
})

t.test('a wrong prefix is reported', async (t) => {
  const { app, fresh } = await build(t, { files: { 'users/1.csv': csv() } })
  await fresh('/data')
  t.match((await app.inject('/readyz')).json(), { details: [{ code: 'nothing_usable', detail: 'There is no object with the prefix "source_data/"; upload info files, or set LAKE_URL and SOURCE_PREFIX to where they are' }] })
})

t.test('/readyz lists the reasons why data is stale, before there is data as well', async (t) => {
  const { app, endpoint, clock } = await build(t, { files: { '1.csv': csv() } })
  endpoint.intercept = ({ operation }) => operation === 'LIST' ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined
  await app.inject('/data')
  const details = [{ code: 'access_denied', detail: 'The lake refuses access' }]
  t.match((await app.inject('/readyz')).json(), { status: 503, code: 'no_data', details })
  endpoint.intercept = () => undefined
  clock.advance(3000)
  await app.inject('/data')
  t.match((await app.inject('/readyz')).json(), { status: 'ready', details: { length: 0 } })
})

t.test('an output that cannot be written is reported by /readyz until it can', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv() } })
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined
  t.equal((await app.inject(post)).statusCode, 503)
  t.match((await app.inject('/readyz')).json(), { status: 'ready', details: [{ code: 'output_not_writable', detail: 'The last job failed: The lake refuses access; the log line "Job failed" has the cause. It is repeated' }] })
  endpoint.intercept = () => undefined
  await app.inject(post)
  t.same((await app.inject('/readyz')).json().details, [])
})

t.test('a damaged snapshot and a snapshot that cannot be written are reported by /readyz and in the log', async (t) => {
  const log: LogLine[] = []
  const files = { '1.csv': csv(), 'processed_data/output.snapshot.arrow': 'userlake sha256 and so on' }
  const { app, bucket, endpoint, fresh, clock } = await build(t, { files, log })
  await fresh('/data')
  t.match((await app.inject('/readyz')).json().details, [{ code: 'snapshot_damaged' }])
  endpoint.intercept = ({ operation, key }) => operation === 'PUT' && key.endsWith('.arrow') ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined
  for (let i = 0; i < 3; i++) {
    bucket.put('source_data/2.csv', csv('Bob', String(i)))
    clock.advance(61_000)
    await app.inject(post)
    await app.transformer.flush()
  }
  t.match((await app.inject('/readyz')).json().details, [{ code: 'snapshot_damaged' }, { code: 'snapshot_not_writable' }])
  const lines = () => log.filter(({ level, msg }) => level >= 30 && /^The snapshot (could not be written|is written again)/.test(msg))
  t.match(lines(), [{ level: 40, warning: 'snapshot_not_writable', error: 'access_denied', cause: /snapshot\.arrow/ }])
  t.equal(lines().length, 1, 'it is logged once')
  endpoint.intercept = () => undefined
  bucket.put('source_data/2.csv', csv('Eve'))
  clock.advance(61_000)
  await app.inject(post)
  await app.transformer.flush()
  t.same((await app.inject('/readyz')).json().details, [])
  t.equal(lines().length, 2)
})

t.test('an output column that no record has is a warning in job, log and /readyz', async (t) => {
  const log: LogLine[] = []
  const { app } = await build(t, { files: { '1.csv': 'first_name,last_name,birthts,height\nAnn,Lee,0,180\n' }, settings: { OUTPUT_COLUMNS: 'user_id,height,hieght' }, log })
  const warning = { code: 'unknown_output_column', detail: 'No record has the output column "hieght" (did you mean height?): it is empty' }
  for (let i = 0; i < 2; i++) t.same((await app.inject(post)).json().result.warnings, [warning])
  t.same((await app.inject('/readyz')).json().details, [warning])
  t.match(log.filter((line) => line['warning'] === warning.code), [{ level: 40, msg: warning.detail }])
  t.equal(log.filter((line) => line['warning'] === warning.code).length, 1)
})

t.test('rejected and ignored files are logged when they are new or changed, in one line for each code, with a number and an example', async (t) => {
  const log: LogLine[] = []
  const files = { '1.csv': csv(), 'x.xml': '', 'latin.csv': Buffer.from('first_name\n\xe9\n', 'latin1'), ...Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`bad${i + 10}.csv`, BAD])) }
  const { bucket, fresh } = await build(t, { files, log })
  const rejects = () => log.filter(({ msg }) => /^Info files rejected/.test(msg)).map(({ level, code, count, example, column }) => ({ level, code, count, example, column }))
  for (let i = 0; i < 2; i++) await fresh('/data')
  const missing = { level: 40, code: 'missing_column', column: 'birthts' }
  t.same(rejects(), [{ ...missing, count: 25, example: 'source_data/bad10.csv' }, { level: 40, code: 'invalid_utf8', count: 1, example: 'source_data/latin.csv', column: undefined }])
  t.match(log.filter(({ msg }) => /ignored/.test(msg)), [{ level: 30, extension: 'xml', count: 1, example: 'source_data/x.xml' }])
  bucket.put('source_data/bad10.csv', 'first_name\nAnn\n')
  bucket.put('source_data/bad99.csv', BAD)
  bucket.delete('source_data/bad11.csv')
  for (let i = 0; i < 2; i++) await fresh('/data')
  t.same(rejects().slice(2), [{ ...missing, column: 'last_name', count: 2, example: 'source_data/bad10.csv' }])
})

t.test('a file that is being written is not logged, and is logged if it is rejected in the end', async (t) => {
  const root = testFolder(t, { source_data: { 'late.csv': 'first_name', '2.csv': csv() } })
  const late = join(root, 'source_data', 'late.csv')
  const clock = new TestClock()
  const log: LogLine[] = []
  const { fresh } = await build(t, { log, clock, store: () => new FolderStore(root, { clock: clock.read }) })
  const rejects = () => log.filter(({ msg }) => /^Info files rejected/.test(msg))
  for (const text of ['first_name', 'first_name,last', 'first_name,last_name']) {
    writeFileSync(late, text)
    utimesSync(late, clock.read() / 1000, clock.read() / 1000)
    t.match((await fresh('/rejects')).json.entries, [{ code: 'incomplete' }])
    clock.advance(1000)
  }
  t.same(rejects(), [])
  clock.advance(2000)
  for (let i = 0; i < 2; i++) t.match((await fresh('/rejects')).json.entries, [{ code: 'missing_column' }])
  t.match(rejects(), [{ example: 'source_data/late.csv', code: 'missing_column' }])
  t.equal(rejects().length, 1)
})

t.test('a 404 for a record whose file is in quarantine contains the reject', async (t) => {
  const { app, endpoint, bucket, fresh } = await build(t, { files: { '1.csv': csv(), 'bad.csv': BAD, 'alone.png': PNG } })
  await app.inject('/data')
  bucket.put('source_data/late.csv', csv())
  endpoint.intercept = ({ operation, key }) => operation === 'GET' && key === 'source_data/late.csv' ? { status: 500, body: '' } : undefined
  await fresh('/data')
  t.match((await app.inject('/data/bad')).json(), {
    status: 404,
    code: 'record_not_found',
    detail: /^There is no record "bad": source_data\/bad\.csv is rejected \(missing_column\): .*birthts/,
    reject: { key: 'source_data/bad.csv', code: 'missing_column', detail: /birthts/ }
  })
  t.match((await app.inject('/data/alone')).json(), { status: 404, detail: 'There is no record "alone": source_data/alone.png is an image without an info file', reject: { code: 'orphan' } })
  t.match((await app.inject('/data/unknown')).json(), { status: 404, detail: 'There is no record "unknown"', reject: undefined })
  t.match((await app.inject('/data/late')).json(), { status: 503, code: 'record_not_read', detail: /^source_data\/late.csv is in the lake and could not be read yet. .*HTTP 500/ })
  t.match((await app.inject('/data/late/image')).json(), { status: 503, code: 'record_not_read' })
  t.match((await app.inject('/data/bad/image')).json(), { status: 404, code: 'image_not_found' })
})

t.test('a file of a folder that may be incomplete is read as soon as it is two seconds old, however old the data may be', async (t) => {
  const root = testFolder(t, { source_data: { 'late.csv': csv('Ann').trimEnd() } })
  utimesSync(join(root, 'source_data', 'late.csv'), CLOCK_START / 1000, CLOCK_START / 1000)
  const clock = new TestClock(CLOCK_START + 500)
  const { app } = await build(t, { settings: { MAX_STALENESS: '1h' }, clock, store: () => new FolderStore(root, { clock: clock.read }) })
  t.match(await app.inject('/data/late'), { statusCode: 503, headers: { 'retry-after': '1' } })
  t.match((await app.inject('/data/late')).json(), { code: 'record_not_read', detail: /^source_data\/late.csv is in the lake and could not be read yet. The file has no line end/ })
  t.match(await app.inject('/data'), { statusCode: 200, body: '[]', headers: { 'cache-control': 'private, max-age=1', 'data-stale': undefined } })
  t.match((await app.inject('/rejects?code=incomplete')).json().entries, [{ user_id: 'late', last_good: null }])
  clock.advance(1501)
  t.match((await app.inject('/data/late')).json(), { first_name: 'Ann' })
})

t.test('Data-Last-Good is the number of last good records of a response', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`${i + 1}.csv`, csv(i % 2 === 0 ? 'Ann' : 'Bob', 'Lee', i)]))
  const { app, bucket, fresh } = await build(t, { files })
  const lastGood = async (url: string, headers = {}) => (await app.inject({ url, headers })).headers['data-last-good']
  t.equal(await lastGood('/data'), undefined)
  const { headers: { etag } } = await app.inject('/data')
  const page = (await app.inject('/data?limit=4')).headers['next-cursor']
  for (const id of [2, 3, 7]) bucket.put(`source_data/${id}.csv`, BAD)
  bucket.put('source_data/new.csv', BAD)
  t.equal((await fresh('/data')).json.length, 9)
  const table: [string, string | undefined][] = [
    ['/data', '3'], ['/data.csv', '3'], ['/data?first_name=ann', '2'], ['/data?first_name=bob', '1'], ['/data?user_id=1', undefined], ['/data?limit=2', '1'],
    ['/data?limit=3&sort=-user_id', '1'], ['/data?limit=1', undefined], [`/data?cursor=${page}`, '1'], ['/data/2', '1'], ['/data/1', undefined], ['/stats', '3'], ['/stats?first_name=ann', '2']
  ]
  for (const [url, expected] of table) for (let i = 0; i < 2; i++) t.equal(await lastGood(url), expected, url)
  t.match(await app.inject({ url: '/data', headers: { 'if-none-match': etag } }), { statusCode: 304, headers: { 'data-last-good': '3' } })
  t.equal((await app.inject({ method: 'HEAD', url: '/data' })).headers['data-last-good'], '3')
  for (const id of [2, 3, 7]) bucket.put(`source_data/${id}.csv`, csv())
  await fresh('/data')
  t.equal(await lastGood('/data'), undefined)
})
