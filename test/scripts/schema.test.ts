import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { parseSchema } from '../../lib/schema/schema.js'
import { parseInfoFile } from '../../lib/source/info-file.js'
import { main } from '../../scripts/schema.js'
import { runMain } from '../support/run-main.js'
import { testFolder } from '../support/test-folder.js'

const fieldsOf = (json: string) => Object.fromEntries(parseSchema(json).fields.map(({ descriptor: { name, ...field } }) => [name, field]))

t.test('a schema file is inferred that accepts the sample, with settings and doubts', async (t) => {
  const latin1 = (text: string) => Buffer.from(text, 'latin1')
  const root = testFolder(t, {
    goods: {
      'a.csv': latin1('Artikel;Preis;lagernd;Artikel-Nr.;Einf\xfchrung\nStuhl;12,50;ja;a;31.01.2024\n'),
      'b.csv': latin1('artikel;Preis;lagernd;Artikel-Nr.;Einf\xfchrung\n"Tisch; gro\xdf";7;nein;b;01.02.2024\n'),
      'c.csv.gz': gzipSync(latin1('Artikel;Preis;lagernd;Artikel-Nr.;Einf\xfchrung\nBank;k.A.;nein;c;\n'.replace('k.A.', 'NA'))),
      'd.csv': 'Artikel;Preis\nx;1\ny;2\n',
      'a.jpg': '',
      'a.front.png': '',
      'b.FRONT.webp': '',
      'other.back.png': ''
    }
  })
  const output = `${root}/goods.json`
  const { code, out, err } = await runMain(main, ['--lake', `file:${root}`, '--prefix', 'goods/', '--output', output])
  t.equal(code, 0, err)
  t.equal(out, `wrote ${output}\n`)
  t.match(err, /^8 objects listed, .*\n4\/4, .*\n3 of 4 sampled files fit the schema\nTo be checked:\n/)
  t.match(err, /^- 1 file is not used, because it has more than one row: goods\/d\.csv$/m)
  t.match(err, /^- The column "Preis" has the values "NA": they are treated as missing values$/m)
  t.match(err, /^- No column looks like a birth date, /m)
  t.match(err, /^Start: SCHEMA=\S+goods\.json LAKE_URL=file:\S+ SOURCE_PREFIX=goods\/ INPUT_DELIMITER=';' INPUT_ENCODING=windows-1252 userlake start$/m)
  t.same(fieldsOf(readFileSync(output, 'utf8')), {
    artikel_nr: { header: 'Artikel-Nr.', type: 'string', source: 'key' },
    artikel: { header: ['Artikel', 'artikel'], type: 'string' },
    preis: { header: 'Preis', type: 'number', decimalChar: ',', missingValues: ['', 'NA'] },
    lagernd: { type: 'boolean', trueValues: ['ja'], falseValues: ['nein'] },
    einführung: { header: 'Einführung', type: 'date', format: '%d.%m.%Y' },
    image: { type: 'string', source: 'image', extensions: ['png', 'jpg', 'jpeg', 'webp', 'gif'] },
    front: { type: 'string', source: 'image', extensions: ['front.png', 'front.webp'] }
  })
  const kept = await runMain(main, ['--lake', `file:${root}`, '--prefix', 'goods/', '--output', output])
  t.match(kept, { code: 2, out: '', err: /^schema: --output: \S+ exists already, and may have been edited; name another file, or replace it with --force\n$/ }, 'before the lake is read')
  const before = readFileSync(output, 'utf8')
  writeFileSync(output, `${before}more`)
  t.match(await runMain(main, ['--lake', `file:${root}`, '--prefix', 'goods/', '--output', output, '--force']), { code: 0, out: `wrote ${output}\n` })
  t.equal(readFileSync(output, 'utf8'), before)
})

t.test('the settings are also printed as lines of a file .env', async (t) => {
  const root = testFolder(t, { "it's": { '1.csv': 'a;b\n1;2\n' } })
  const { err } = await runMain(main, ['--lake', `file:${root}`, '--prefix', "it's/", '--output', `${root}/a.json`])
  const [, lines] = /^userlake check and export need these settings, too\. .* \.env .*:\n([^]*)$/m.exec(err)!
  t.same(parseEnv(lines!), { SCHEMA: `${root}/a.json`, LAKE_URL: `file:${root}`, SOURCE_PREFIX: "it's/", INPUT_DELIMITER: ';' })
})

t.test('of JSON files, a birth date gets its role, columns that some files lack are declared, and members that are objects or arrays are not', async (t) => {
  const root = testFolder(t, {
    source_data: {
      '1.json': '{"Name": "Rex", "birthDate": "2020-02-29", "weight": 12.5, "tags": ["x"], "chip": 5}',
      '2.json': '{"name": "Tom", "birthDate": "2021-03-01", "weight": null, "vet": "Dr. Lee"}',
      '1.png': ''
    }
  })
  const { code, out, err } = await runMain(main, ['--lake', `file:${root}`])
  t.equal(code, 0, err)
  t.same(fieldsOf(out), {
    id: { type: 'string', source: 'key' },
    name: { header: ['Name', 'name'], type: 'string' },
    birth_date: { header: 'birthDate', type: 'date', role: 'birth' },
    weight: { type: 'number' },
    chip: { type: 'integer' },
    vet: { type: 'string' },
    image: { type: 'string', source: 'image' }
  })
  t.equal(parseSchema(out).fieldsMatch, 'partial')
  t.match(err, /^To start with it, write it to a file \(--output FILE\): SCHEMA=FILE LAKE_URL=file:\S+ userlake start$/m)
  t.match(err, /2 of 2 sampled files fit/)
  t.match(err, /"tags" has objects or arrays: it is not declared/)
  t.match(err, /^- 2 of 2 files lack some columns, such as "chip" in source_data\/2\.json: fieldsMatch is partial, so that any column may be absent$/m)
})

t.test('the schema of the sample data is that of users, and its files fit', async (t) => {
  const { code, out, err } = await runMain(main, ['--lake', 'file:seed-data', '--prefix', '', '--sample', '40'])
  t.equal(code, 0, err)
  t.match(err, /^40 of 40 sampled files fit the schema$/m)
  t.match(err, /birthts is treated as the birth in milliseconds/)
  t.match(fieldsOf(out), { first_name: { type: 'string' }, last_name: { type: 'string' }, birthts: { type: 'integer', role: 'birth' }, image: { source: 'image' } })
})

t.test('the schemas of the example lakes are inferred: all of their files fit, and their columns have the types that are written there', async (t) => {
  for (const name of ['devices', 'pets', 'products']) {
    const { out, err } = await runMain(main, ['--lake', `file:examples/${name}/lake`])
    t.match(err, /^(\d+) of \1 sampled files fit the schema$/m, name)
    const typesOf = (json: string) => parseSchema(json).fileFields.map(({ headers, type, descriptor: { format, decimalChar, role } }) => [headers[0], type.name, format, decimalChar, role]).sort()
    const note = name === 'devices' ? [['note', 'string', undefined, undefined, undefined]] : []
    t.same(typesOf(out), [...typesOf(readFileSync(`examples/${name}/schema.json`, 'utf8')), ...note].sort(), name)
  }
})

t.test('the command that starts the service is the one that works where this command was run', async (t) => {
  const root = testFolder(t, { source_data: { '1.csv': 'a,b\n1,2\n' } })
  const cases: [env: Record<string, string>, start: string][] = [
    [{ npm_command: 'run-script', npm_package_name: 'userlake' }, 'npm start'],
    [{ npm_command: 'run', npm_package_name: 'userlake' }, 'npm start'],
    [{ npm_command: 'run', npm_package_name: 'other' }, 'npx userlake start'],
    [{ npm_command: 'exec', npm_package_name: 'userlake' }, 'npx userlake start'],
    [{}, 'userlake start']
  ]
  for (const [env, start] of cases) t.equal(/LAKE_URL=\S+ (.*)$/m.exec((await runMain(main, ['--lake', `file:${root}`], env)).err)?.[1], start)
})

t.test('values that are not of the type of the others are reported with their files', async (t) => {
  const row = (i: number) => `Höhe m;Tag;Nr\n${i === 7 ? 'hoch' : `${i},5`};${i === 8 ? '31.02.2026' : '28.02.2026'};${i < 3 ? `${i}a` : i}\n`
  const root = testFolder(t, { source_data: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`SN-${i}.csv`, row(i)])) })
  const { out, err } = await runMain(main, ['--lake', `file:${root}`])
  t.match(fieldsOf(out), { höhe_m: { type: 'number', decimalChar: ',' }, tag: { type: 'date', format: '%d.%m.%Y' }, nr: { type: 'string' } })
  t.match(err, /^28 of 30 sampled files fit the schema$/m)
  t.match(err, /^- The column "Höhe m" has 29 numbers among 30 values, and "hoch" in source_data\/SN-7\.csv: files with other values will be rejected; if one stands for a missing value, add it to missingValues$/m)
  t.match(err, /^- The column "Tag" has 29 dates among 30 values, and "31\.02\.2026" in source_data\/SN-8\.csv: files with other values/m)
  t.match(err, /^- The column "Nr" has 27 integers among 30 values, and "0a" in source_data\/SN-0\.csv, "1a" in source_data\/SN-1\.csv, "2a" in \S+: it is declared as string; if it is declared as \{"type":"integer"\}, files with other values will be rejected$/m)
})

t.test('objects that are neither info files nor images, and have the names of info files, are reported by extension', async (t) => {
  const root = testFolder(t, { source_data: { a: { '1.csv': 'a,b\n1,2\n', '1.pdf': '', '1.front.pdf': '' }, '2.csv': 'a,b\n1,2\n', '2.PDF': '', 'other.pdf': '', 'notes.txt': '', '1.png': '' } })
  const { err } = await runMain(main, ['--lake', `file:${root}`])
  t.match(err, '\n- 2 .pdf objects have the names of info files, such as source_data/2.PDF, and are ignored: with the field {"name":"pdf","type":"string","source":"image","extensions":["pdf"]}, their keys are in the records. The service does not serve their content\n')
  t.match(err, '\n- 1 .front.pdf object has the name of an info file, such as source_data/a/1.front.pdf, and is ignored: with the field {"name":"front_pdf",')
  t.match(err, '\n- 2 objects are ignored, and neither info files (.csv, .csv.gz, .tsv, .json) nor images: 1 .txt, such as source_data/notes.txt; 1 .pdf, such as source_data/other.pdf\n')
  t.equal(err.match(/ignored/g)?.length, 3)
})

t.test('two sets of columns are reported, and how two fields become one; a file that lacks a column of its set is reported, too', async (t) => {
  const english = (i: number): [name: string, content: string] => [`${i}.json`, JSON.stringify({ status: 'on', height: i + 0.5, town: 'Ulm', ...i !== 2 && { built: '2020-01-01' } })]
  const german = (i: number): [name: string, content: string] => [`${i}.csv`, `Status;Ort;Höhe\non;Kiel;${i},5\n`]
  const files = Array.from({ length: 12 }, (_, i) => i < 7 ? english(i) : german(i))
  const { out, err } = await runMain(main, ['--lake', `file:${testFolder(t, { source_data: Object.fromEntries(files) })}`])
  t.match(err, '\n- The files have 2 sets of columns: "height", "town", "built" in 7 files, such as source_data/0.json; "Ort", "Höhe" in 5 files, such as source_data/10.csv. fieldsMatch is partial, so that a file may lack the columns of another set. ' +
    'If columns of two sets are the same, make one field of them: if "Höhe" is "height", give the field height "header": ["height","Höhe"] and remove the field höhe\n')
  t.match(err, '\n- 1 of 12 files lacks some columns that other files of its set have, such as "built" in source_data/2.json: ')
  // The advice of the message suits the files of both sets: JSON numbers have a decimal point, whatever the decimalChar is.
  const { fields } = JSON.parse(out)
  const height = { ...fields.find(({ name }: { name: string }) => name === 'höhe'), name: 'height', header: ['height', 'Höhe'] }
  const schema = parseSchema(JSON.stringify({ fields: [height] }))
  const read = (body: string, format: 'json' | 'csv') => parseInfoFile(Buffer.from(body), { format, delimiter: ';', encoding: 'utf-8', schema, id: '1' }).data?.values
  t.same([read('{"height": 1.5}', 'json'), read('Höhe\n1,5\n', 'csv')], [[1.5], [1.5]])
})

t.test('columns that only some files have are no sets of columns if files have none of them, or several', async (t) => {
  const rows = [['a,x', '1,2'], ['a,x', '1,2'], ['a,y', '1,2'], ['a,y', '1,2'], ['a', '1'], ['a', '1']]
  const files = (rows: readonly (readonly string[])[]) => Object.fromEntries(rows.map((lines, i) => [`${i}.csv`, lines.join('\n')]))
  for (const some of [rows, [...rows.slice(0, 4), ['a,x,y', '1,2,3'], ['a,x,y', '1,2,3']]]) {
    const { err } = await runMain(main, ['--lake', `file:${testFolder(t, { source_data: files(some) })}`])
    t.match(err, / of 6 files lack some columns, such as "\w" in /)
    t.notMatch(err, 'sets of columns')
  }
})

t.test('two possible birth dates have no role, and encodings that differ are reported', async (t) => {
  const root = testFolder(t, { source_data: { '1.csv': 'born;dob\n2020-01-01;2020-01-02\n', '2.csv': Buffer.from('born;dob;x\n2020-01-01;2020-01-02;\xe9\n', 'latin1'), '3.csv': 'born;dob;x\n2020-01-01;2020-01-02;é\n' } })
  const { out, err } = await runMain(main, ['--lake', `file:${root}`])
  t.match(err, /The columns born and dob may be birth dates: give one of them/)
  t.match(err, /^- 1 of 3 files is not UTF-8 text, such as source_data\/2\.csv, which is probably WINDOWS-1252: all files of a lake need the same encoding$/m)
  t.notMatch(out, '"role"')
})

t.test('a file of a hundred that lacks columns does not make them all optional', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}.csv`, i === 7 ? 'size\n1\n' : 'size,note\n1,x\n']))
  const { out, err } = await runMain(main, ['--lake', `file:${testFolder(t, { source_data: files })}`])
  t.equal(parseSchema(out).fieldsMatch, 'subset')
  t.match(err, /^- 1 of 100 files lacks some columns, such as "note" in source_data\/7\.csv: it is probably damaged and will be rejected; if columns may be absent, add "fieldsMatch": "partial" to the schema$/m)
})

t.test('a column that equals the file name in nearly all files, a column that one file lacks, and files that are not CSV are reported with a file', async (t) => {
  const file = (i: number): [name: string, content: string] => [`${i}.csv`, i === 6 ? 'sku,size,note,extra\n6,1,x,y\n' : i === 7 ? 'sku,size\n70,1\n' : i === 8 ? 'sku,size\n8,1\n' : `sku,size,note\n${i},1,${i < 5 ? `${i}` : 'x'}\n`]
  const files = Array.from({ length: 21 }, (_, i) => file(i))
  const bad = { 'empty.csv': '', 'inside.csv': 'sku,size,note\ninside,1,a"b\n', 'row.csv': 'sku,size,note\n', 'unclosed.csv': 'sku,size,note\nunclosed,1,"x\n' }
  const { err } = await runMain(main, ['--lake', `file:${testFolder(t, { source_data: { ...Object.fromEntries(files), ...bad } })}`])
  t.match(err, /^- The column "sku" equals the file name in 20 of 21 files: if it is the key, declare it with "source": "key" and correct the files that have another value, such as source_data\/7\.csv$/m)
  t.equal(err.match(/equals the file name/g)?.length, 1, 'not a column that equals it in some files')
  t.match(err, /^- 2 of 21 files lack some columns, such as "note" in source_data\/7\.csv: fieldsMatch is partial/m)
  t.match(err, /^- The column "extra" occurs in 1 of 21 files, such as source_data\/6\.csv: it is not declared$/m)
  t.match(err, /^- 1 file is not used, because it is empty: source_data\/empty\.csv$/m)
  t.match(err, /^- 1 file is not used, because it has a misplaced quote: source_data\/inside\.csv$/m)
  t.match(err, /^- 1 file is not used, because it has no row: source_data\/row\.csv$/m)
  t.match(err, /^- 1 file is not used, because it has a quote that is not closed: source_data\/unclosed\.csv$/m)
})

t.test('info files with the same id are reported, as only one of them is served', async (t) => {
  const folder = (...ids: string[]) => Object.fromEntries(ids.map((id) => [`${id}.csv`, 'size\n1\n']))
  const errorsOf = async (files: Record<string, string | Record<string, string>>) => (await runMain(main, ['--lake', `file:${testFolder(t, { source_data: files })}`])).err
  t.match(await errorsOf({ 'dev-1': folder('info'), 'dev-2': folder('info'), 'dev-3': folder('info'), ...folder('a') }),
    /^- 3 info files have the id "info": the id is the name of the file, without its folder, and only one file of each id is served\. If they are different records, rename the files; if they are the same record, DUPLICATES=newest serves the newest one$/m)
  t.match(await errorsOf({ a: folder('info', 'b'), b: folder('info', 'b'), c: folder('info') }), /^- 5 info files have an id that other files have, such as "info" \(3 files\): /m)
  t.notMatch(await errorsOf({ a: folder('info'), ...folder('b') }), /have the id/)
})

t.test('LAKE_URL and SOURCE_PREFIX are the defaults of --lake and --prefix', async (t) => {
  const root = testFolder(t, { goods: { 'a.csv': 'size\n1\n' }, other: { 'a.csv': 'weight\n1\n' } })
  const env = { LAKE_URL: `file:${root}`, SOURCE_PREFIX: 'goods/' }
  t.same(Object.keys(fieldsOf((await runMain(main, [], env)).out)), ['id', 'size'])
  const other = await runMain(main, ['--prefix', 'other/'], env)
  t.same(Object.keys(fieldsOf(other.out)), ['id', 'weight'])
  t.match(other.err, /^1 object listed, .*\n1\/1, .*\n1 of 1 sampled file fits the schema$/m)
  t.match(await runMain(main, ['--lake', `file:${root}/none`], env), { code: 1, err: /none/ }, 'an option takes precedence')
})

t.test('--help prints the usage, and every mistake is one line', async (t) => {
  const { code, out } = await runMain(main, ['--help'])
  t.equal(code, 0)
  for (const name of ['--lake', '--prefix', '--sample', '--output']) t.match(out, name)
  const root = testFolder(t, { source_data: { 'x.txt': '' }, bad: { '1.csv': 'a\n', '2.json': '[]' }, worse: { '1.csv': 'a\n' }, fine: { '1.csv': 'a\n1\n' } })
  const usage: [string[], RegExp][] = [
    [[], /^schema: --lake is missing, and LAKE_URL is not set; see --help\n$/],
    [['--lake', ''], /^schema: --lake: got ''; must be s3/],
    [['--lake', 'nowhere'], /^schema: --lake: got .nowhere.; must be s3/],
    [['--lake', `file:${root}`, '--sample', '0'], /^schema: --sample: got '0'; must be an integer from 1/],
    [['--lake', `file:${root}`, '--prefix', 'x'], /^schema: --prefix: got .x.; must be empty or end in \/; use x\/\n$/]
  ]
  const failures: [string[], RegExp][] = [
    [['--lake', `file:${root}`], /\nschema: file:\S+ has one object with the prefix 'source_data\/', and no info file \(\.csv, .*; see --prefix\n$/],
    [['--lake', `file:${root}`, '--prefix', 'worse/'], /The only sampled file cannot be read: 1 file is not used, because it has no row: worse\/1\.csv$/m],
    [['--lake', `file:${root}`, '--prefix', 'bad/'], /None of the 2 sampled files can be read: 1 file is not used, because it has no row: bad\/1\.csv; /],
    [['--lake', `file:${root}`, '--prefix', 'none/'], /\nschema: file:\S+ has no object with the prefix 'none\/'; there are info files without it, such as bad\/1\.csv: use --prefix 'bad\/'\n$/],
    [['--lake', `file:${root}/source_data`], /\nschema: file:\S+ has no object with the prefix 'source_data\/'; see --prefix\n$/],
    [['--lake', `file:${root}/none`], /^schema: /m]
  ]
  for (const [cases, exitCode] of [[usage, 2], [failures, 1]] as const) {
    for (const [argv, message] of cases) t.match(await runMain(main, argv), { code: exitCode, out: '', err: message }, argv.join(' '))
  }
  for (const [output, mistake] of [[`${root}/no/x.json`, `; the folder ${root}/no does not exist`], [root, ', which is not a regular file; without --output the schema is printed'], ['-', '; must be the path of a file; without --output the schema is printed']] as const) {
    t.same(await runMain(main, ['--lake', `file:${root}`, '--output', output]), { code: 2, out: '', err: `schema: --output: got '${output}'${mistake}\n` }, 'before the lake is read')
  }
  const long = `${root}/${'x'.repeat(300)}.json`
  t.match(await runMain(main, ['--lake', `file:${root}`, '--prefix', 'fine/', '--output', long]), { code: 1, out: '', err: /\nschema: --output: '\S+\.json' cannot be written: ENAMETOOLONG/ })
  const ofSettings: [Record<string, string>, RegExp][] = [
    [{ LAKE_URL: '' }, /^schema: --lake is missing, and LAKE_URL is not set; see --help\n$/],
    [{ LAKE_URL: 'nowhere' }, /^schema: LAKE_URL: got 'nowhere'; must be s3/],
    [{ LAKE_URL: `file:${root}`, SOURCE_PREFIX: 'x' }, /^schema: SOURCE_PREFIX: got 'x'; must be empty or end in \/; use x\/\n$/]
  ]
  for (const [env, err] of ofSettings) t.match(await runMain(main, [], env), { code: 2, out: '', err }, JSON.stringify(env))
  const published = { LAKE_URL: `file:${testFolder(t, { all: { 'out.csv': 'a\n' } })}`, OUTPUT_KEY: 'all/out.csv' }
  t.match(await runMain(main, [], published), { code: 1, err: /has no object with the prefix 'source_data\/'; see --prefix\n$/ }, 'the output is no info file')
  t.notOk(existsSync(`${root}/none`), 'a lake that does not exist is not created')
})
