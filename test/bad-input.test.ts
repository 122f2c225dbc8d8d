import t from 'tap'
import { build, csv, PNG } from './support/app.js'
import type { S3Endpoint } from './support/s3-endpoint.js'

/** The keys of the downloaded source objects. */
const sourceGets = ({ gets }: S3Endpoint) => gets.filter((key) => key.startsWith('source_data/'))

const HEADER = 'first_name, last_name, birthts\n'

/** Files and their expected outcomes: some fields of the record, or the code of the reject. */
const files: [name: string, file: string, body: string | Buffer, outcome: object | string][] = [
  ['the usual header', '1.csv', csv('Ann', 'Lee', 5), { first_name: 'Ann', last_name: 'Lee', birthts: 5 }],
  ['no space after a comma', '2.csv', 'first_name,last_name,birthts\nAnn,Lee,5\n', { last_name: 'Lee' }],
  ['a quoted comma', '3.csv', HEADER + 'Ann, "O, Neil", 5\n', { last_name: 'O, Neil' }],
  ['an empty last cell', '4.csv', HEADER + 'Ann, , 5\n', { last_name: '' }],
  ['a byte order mark and CRLF', '5.csv', '\ufefffirst_name, last_name, birthts\r\nAnn, Lee, 5\r\n', { first_name: 'Ann' }],
  ['tabs around the fields', '6.csv', 'first_name,\tlast_name,\tbirthts\nAnn,\tLee,\t5\n', { last_name: 'Lee' }],
  ['a semicolon for a comma', '7.csv', 'first_name;last_name;birthts\nAnn;Lee;5\n', 'missing_column'],
  ['two data rows', '8.csv', HEADER + 'Ann, Lee, 5\nBob, Ray, 6\n', 'several_rows'],
  ['an empty file', '9.csv', '', 'empty_file'],
  ['a header only', '10.csv', HEADER, 'no_row'],
  ['a text birth timestamp', '11.csv', csv('Ann', 'Lee', 'long ago'), 'invalid_value'],
  ['an ISO date', '12.csv', csv('Ann', 'Lee', '1990-01-01'), 'invalid_value'],
  ['seconds for milliseconds', '13.csv', csv('Ann', 'Lee', 631152000), { birthts: 631152000 }],
  ['a birth before 1970', '14.csv', csv('Ann', 'Lee', -86400000), { birthts: -86400000 }],
  ['a birth in the future', '15.csv', csv('Ann', 'Lee', 4102444800000), { birthts: 4102444800000 }],
  ['invalid UTF-8', '16.csv', Buffer.from([0xc3, 0x28]), 'invalid_utf8'],
  ['a column twice', '17.csv', 'first_name,last_name,birthts,a,a\nAnn,Lee,5,1,2\n', 'duplicate_header'],
  ['an extension in capitals', '18.CSV', csv(), { first_name: 'Ann' }],
  ['an id with leading zeros', '0012.csv', csv(), { user_id: '0012' }],
  ['an id with spaces', 'a b .csv', csv(), { user_id: 'a b ' }],
  ['an id with dots', '1.x.y.csv', csv(), { user_id: '1.x.y' }],
  ['an id with a percent sign', '100%25.csv', csv(), { user_id: '100%25' }],
  ['an id with a plus sign', 'a+b.csv', csv(), { user_id: 'a+b' }],
  ['an id with a question mark', 'who?.csv', csv(), { user_id: 'who?' }],
  ['an id with a hash', '#1.csv', csv(), { user_id: '#1' }],
  ['an id with quotes', '"it\'s".csv', csv(), { user_id: '"it\'s"' }],
  ['an id with an emoji', '😀.csv', csv(), { user_id: '😀' }],
  ['an id like a prototype', '__proto__.csv', csv(), { user_id: '__proto__' }],
  ['an id of 240 bytes', `${'ü'.repeat(120)}.csv`, csv(), { user_id: 'ü'.repeat(120) }],
  ['an id of 241 bytes', `${'ü'.repeat(120)}x.csv`, csv(), 'invalid_id'],
  ['no id', '.csv', csv(), 'invalid_id'],
  ['the id .', '..csv', csv(), 'invalid_id'],
  ['the id ..', '...csv', csv(), 'invalid_id'],
  ['an id of 240 percent signs', `${'%'.repeat(240)}.csv`, csv(), { user_id: '%'.repeat(240) }],
  ['an id of 240 hashes', `${'#'.repeat(240)}.csv`, csv(), { user_id: '#'.repeat(240) }],
  ['a control character in the id', 'a\tb.csv', csv(), 'invalid_id'],
  ['the last control character of ASCII in the id', 'a\u007fb.csv', csv(), 'invalid_id'],
  ['the first control character after ASCII in the id', 'a\u0080b.csv', csv(), 'invalid_id'],
  ['the last control character in the id', 'a\u009fb.csv', csv(), 'invalid_id'],
  ['an id with a space that does not break', 'a\u00a0b.csv', csv(), { user_id: 'a\u00a0b' }],
  ['a file of more than a mebibyte', 'huge.csv', HEADER + `${'x'.repeat(1024 * 1024)}, Lee, 5\n`, 'too_large']
]

t.test('each malformed file has the documented outcome and does not affect the others', async (t) => {
  const { app } = await build(t, { files: Object.fromEntries(files.map(([, file, body]) => [file, body])) })
  const data: Record<string, unknown>[] = (await app.inject('/data')).json()
  const { entries, counts } = (await app.inject('/rejects')).json()
  for (const [name, file, , outcome] of files) {
    const key = `source_data/${file}`
    const reject = entries.find((reject: { key: string }) => reject.key === key)
    if (typeof outcome === 'string') {
      t.match(reject, { code: outcome, last_good: null }, `${name}: ${outcome}`)
      continue
    }
    t.equal(reject, undefined, `${name}: no reject`)
    const id = file.replace(/\.csv$/i, '')
    t.match(data.find((record) => record['user_id'] === id), outcome, name)
    t.match((await app.inject(`/data/${encodeURIComponent(id)}`)).json(), outcome, `${name}, by id`)
    t.equal((await app.inject(`/data?user_id=${encodeURIComponent(id)}`)).json().length, 1, `${name}, by filter`)
  }
  const good = files.filter(([, , , outcome]) => typeof outcome === 'object').length
  t.equal(data.length, good)
  t.match(counts, { rejects: files.length - good, orphans: 0, ignored: 0 })
  t.equal((await app.inject('/stats')).json().count, good, 'the statistics include all valid files')
})

t.test('of several files with the same id, only the one with the shortest key is downloaded and served; of keys of the same length, the smallest', async (t) => {
  const { app, endpoint } = await build(t, { files: { '1.csv': csv('Short'), 'source_data/a/1.csv': csv('Long'), 'source_data/a/b/1.csv': csv('Longer'), '2.csv': csv('small c'), '2.CSV': csv('CAPITALS') } })
  t.match((await app.inject('/data')).json(), [{ first_name: 'Short' }, { first_name: 'CAPITALS' }])
  t.match((await app.inject('/rejects')).json(), {
    entries: [
      { key: 'source_data/2.csv', user_id: '2', code: 'duplicate_id', detail: /^source_data\/2\.CSV has the same id and is served: its key is shorter, or / },
      { key: 'source_data/a/1.csv', user_id: '1', code: 'duplicate_id', detail: /^source_data\/1\.csv has the same id and is served: / },
      { key: 'source_data/a/b/1.csv', user_id: '1', code: 'duplicate_id', detail: /^source_data\/1\.csv has the same id and is served: / }
    ]
  })
  t.same(sourceGets(endpoint).sort(), ['source_data/1.csv', 'source_data/2.CSV'])
})

t.test('the length of a key is counted in bytes', async (t) => {
  const { app } = await build(t, { files: { 'source_data/ééé/1.csv': csv('six'), 'source_data/abcd/1.csv': csv('four'), 'source_data/😀/2.csv': csv('an emoji'), 'source_data/あ/2.csv': csv('a kana') } })
  t.match((await app.inject('/data')).json(), [{ first_name: 'four' }, { first_name: 'a kana' }])
})

t.test('a record has the latest of its images, or none', async (t) => {
  const { bucket, clock, fresh } = await build(t, {
    files: { '1.csv': csv(), '2.csv': csv(), '3.csv': csv(), '3.png': PNG, '4.csv': csv(), 'alone.png': PNG, '1.x.png': PNG, 'notes.txt': '', 'source_data/folder/': '', '5.png.csv': csv() }
  })
  bucket.put('source_data/2.JPG', PNG)
  bucket.put('source_data/z/4.gif', PNG)
  bucket.put('source_data/a/4.png', PNG)
  const paths = async () => Object.fromEntries((await fresh('/data')).json.map((r: any) => [r.user_id, r.img_path]))
  t.same(await paths(), { 1: null, 2: 'source_data/2.JPG', 3: 'source_data/3.png', 4: 'source_data/z/4.gif', '5.png': null }, 'of images of the same second, the one with the greatest key')
  clock.advance(1000)
  bucket.put('source_data/a/4.png', PNG)
  t.equal((await paths())[4], 'source_data/a/4.png', 'the newest image')
  bucket.delete('source_data/3.png')
  t.equal((await paths())[3], null, 'gone')
  t.match((await fresh('/rejects')).json, {
    counts: { rejects: 0, orphans: 2, ignored: 2 },
    entries: [
      { user_id: '1.x', key: 'source_data/1.x.png', etag: bucket.get('source_data/1.x.png')!.etag, code: 'orphan', last_good: null },
      { user_id: 'alone', key: 'source_data/alone.png', code: 'orphan' }
    ],
    ignored: [{ extension: null, count: 1, example: 'source_data/folder/' }, { extension: 'txt', count: 1, example: 'source_data/notes.txt' }]
  })
})

t.test('after an invalid upload the last valid record is served, the file is downloaded once, and a valid upload replaces it', async (t) => {
  const { app, endpoint, bucket, fresh } = await build(t, { files: { '1.csv': csv('Good') } })
  await app.inject('/data')
  const good = bucket.get('source_data/1.csv')!.etag
  bucket.put('source_data/1.csv', csv('Bad', 'Lee', 'x'))
  for (let i = 0; i < 3; i++) t.match((await fresh('/data')).json, [{ first_name: 'Good' }])
  t.equal(sourceGets(endpoint).length, 2)
  t.match((await fresh('/rejects')).json.entries, [{
    user_id: '1', key: 'source_data/1.csv', etag: bucket.get('source_data/1.csv')!.etag, code: 'invalid_value', line: 2, column: 'birthts', excerpt: 'x', last_good: { key: 'source_data/1.csv', etag: good }
  }])
  bucket.put('source_data/1.csv', csv('Better'))
  t.match((await fresh('/data')).json, [{ first_name: 'Better' }])
  t.same((await fresh('/rejects')).json.entries, [])
})

/** Invalid conditions of `where`, and patterns of the error messages. */
const whereMistakes: readonly (readonly [condition: string, detail: RegExp])[] = [
  ['first_name==Ann', /== is not an operator: use =/], ['first_name<>Ann', /<> is not an operator: use !=/], ['birthts=>0', /=> is not an operator: use >=/], ['birthts=<0', /use <=/],
  ['first_name!~Ann', /!~ is not an operator/], ['first_name=~^A', /no regular expressions/], ['first_name~^A.*', /no regular expressions/], ['first_name~/ann/i', /no regular expressions/],
  ['first_name~%ann%', /% is not a wildcard/], ['first_name^Ann', /must be <column><operator><value>/], ['first_name!Ann', /must be <column>/], ['=Ann', /must be <column>/], ['!', /must be <column>/],
  ['!first_name=Ann', /takes no operator; use first_name!=/], ['first_name = Ann', /no space around the operator: first_name=Ann$/], ["first_name='Ann'", /without quotes/],
  ["first_name=Ann OR last_name='Lee'", /repeat where=/], ["1=1 OR '1'='1'", /repeat where=/], ['birthts>=0 AND birthts<9', /repeat where=/], ["first_name like 'A%'", /; LIKE is not an operator: use where=first_name\^=A$/], ["first_name ILIKE '%a%'", /use where=first_name~a$/],
  ["first_name ILIKE 'a%'", /ILIKE is not an operator: use first_name=a\*$/], ["first_name ilike 'ann'", /: use first_name=ann$/], ["first_name ILIKE 'a%,b'", /use where=first_name\^=a&where=first_name~,b; = and \^= are case-sensitive$/], ["user_id ILIKE 'a%'", /use where=user_id\^=a; = and/],
  ["first_name LIKE 'a%n'", /use where=first_name\^=a&where=first_name~n$/], ["first_name LIKE '%n'", /use where=first_name~n$/], ["first_name LIKE '%'", /use where=first_name$/], ["first_name NOT LIKE 'a%'", /NOT LIKE is not an operator: there is no operator for text that is not contained$/],
  ['birthts NOT IN (1, 2)', /NOT IN is not an operator: use where=birthts!=1&where=birthts!=2$/], ['NOT first_name', /"; NOT is not an operator: use where=!first_name for records without a value, where=first_name!=<value> for other values$/], ['not first_name=Ann', /NOT is not an operator/],
  ["first_name = 'Ann' AND birthts > 0", /"; a condition compares one column with one value; repeat where=/], ['birthts>0&&birthts<9', /UTC\); a condition compares one column/], ['birthts>0||birthts<-9', /a condition compares one column/],
  ['age BETWEEN 60 AND 65', /; BETWEEN is not an operator: use where=age>=60&where=age<=65$/], ["first_name in ('A', 'B')", /use where=first_name=A&where=first_name=B$/], ['city is null', /IS NULL is not an operator: use where=!city$/],
  ['city is not null', /use where=city$/], ['age>65 AND image_exists', /repeat where=.*; image_exists is a parameter of its own$/], ['age>65 and age<70', /any of several values$/], ['first name like', /unknown column first name like/],
  ['birthts=x', /the value of birthts must be an integer from .* \(milliseconds since 1970-01-01 UTC\)$/], ['birthts<1950-01-01', /\(milliseconds since 1970-01-01 UTC\); 1950-01-01 is -631152000000$/], ['birthts=1950-01-01T00:00:00Z', /; 1950-01-01T00:00:00Z is -631152000000$/], ['birthts>=1.5', /an integer/], ['birthts=', /use !birthts for records without a value/], ['birthts!=null', /use !birthts/], ['birthts<1e400', /an integer/],
  ['birthts~1', /~ is for text, and birthts has values of the type integer/], ['birthts^=1', /\^= is for text/], ['age=old', /the value of age must be an integer from \S+ to \d+$/], ['age=30-40', /; use where=age>=30&where=age<=40$/], ['age=30..40', /; use where=age>=30&where=age<=40$/], ['birthts>2024-05', /since 1970-01-01 UTC\)$/], ['age>=30,age<=40', /; a condition compares one column with one value; repeat where=/], ['age>=30;age<=40', /; repeat where=/], ['agee>3', /unknown column agee; did you mean age\?/], ['!fist_name', /did you mean first_name/]
]

/** Query strings, the invalid parameter that the response must name, and a pattern of the error message. */
const queries: [search: string, parameter: string, detail?: RegExp][] = [
  ['min_agee=30', 'min_agee', /did you mean min_age\?/],
  ['limitt=3', 'limitt'],
  ['min_age=', 'min_age'], ['min_age=-1', 'min_age'], ['min_age=NaN', 'min_age'], ['min_age=Infinity', 'min_age'],
  ['min_age=1e5', 'min_age', /got "1e5"; must be a number from 0 to 10000/], ['min_age=12345', 'min_age'], ['min_age=1e999', 'min_age'], ['min_age=30,5', 'min_age', /^got "30,5"; must be a number from 0 to 10000; use 30\.5$/], ['min_age=30,50,5', 'min_age', /10000$/], ['min_age=99999,5', 'min_age', /10000$/], ['min_age=.5', 'min_age'], ['min_age=5.', 'min_age'], ['min_age=0x10', 'min_age'], ['min_age=1_0', 'min_age'],
  ['max_age=abc', 'max_age', /got "abc"/], ['min_age=%2030', 'min_age'],
  ['min_age=40&max_age=30', 'min_age', /more than max_age=30/],
  ['min_age=30&min_age=30', 'min_age', /must be given at most once/],
  ['age_basis=whole', 'age_basis'],
  ['image_exists=yes', 'image_exists', /true, false, 1 or 0/], ['image_exists=', 'image_exists'], ['is_image_exists=2', 'is_image_exists'],
  ['image_exists=true&is_image_exists=False', 'is_image_exists', /contradicts/],
  ['image_exists=true&image_exists=true', 'image_exists', /must be given at most once/],
  ['as_of=yesterday', 'as_of', /an RFC 3339 time such as .*, or a date such as 2025-06-01, which means 00:00 UTC$/], ['as_of=2025-02-30T00:00:00Z', 'as_of'], ['as_of=2025-02-30', 'as_of', /, which means 00:00 UTC; there is no such day$/], ['as_of=2025-06', 'as_of'], ['as_of=2025-06-01T10:00', 'as_of'],
  ['user_id=', 'user_id', /must be non-empty text$/], ['img_path=', 'img_path', /^got ""; must be the key of an object, which has an extension: use where=img_path for records that have one/], ['first_name=', 'first_name'], ['birthts=1950-01-01', 'birthts', /\(milliseconds since 1970-01-01 UTC\); 1950-01-01 is -631152000000$/],
  ['first_name=*ren', 'first_name', /wildcard at the end only: use where=first_name~ren for values that contain ren, or use where=first_name=\*ren/],
  ['last_name=W*r', 'last_name', /use where=last_name~W&where=last_name~r for values that contain W and r, or/], ['first_name=a**', 'first_name', /at the end only: use first_name=a\* for values that begin with a, or use where=first_name=a\*\* for this exact value$/],
  ['last_name=A,B', 'last_name', /a comma does not separate values here: repeat the parameter, or use where=last_name=A,B/], ['first_name=a,*', 'first_name', /comma/], ['last_name=A*,B*', 'last_name', /a comma does not separate values here: repeat the parameter, or use where=last_name=A\*,B\*/], ['user_id=1*,2*', 'user_id', /\* is not a wildcard here: use where=user_id=1\*,2\* for this exact value$/],
  ...['A*|B*', 'A* | B', 'A*; B*', 'A* or B*'].map((value): [string, string, RegExp] => [`last_name=${value}`, 'last_name', /"; (\||;|or) does not separate values here: repeat the parameter, or use where=last_name=A/]), ['user_id=1*|2*', 'user_id', /\* is not a wildcard here: use where=user_id=1\*\|2\* for/],
  ['last_name=A%25', 'last_name', /^got "A%"; % is not a wildcard: use last_name=A\* for values that begin with A, or use where=last_name=A% for this exact value \(in a URL, % is written %25\)$/],
  ['last_name=%25ren', 'last_name', /use where=last_name~ren for values that contain ren, or/], ['last_name=%25a%25', 'last_name', /use where=last_name~a for/],
  ['last_name=[AB]*', 'last_name', /^got "\[AB\]\*"; \[ and \] do not enclose alternatives here: repeat the parameter, as in last_name=A\*&last_name=B\*, or use where=last_name\^=\[AB\] for values that begin with this exact text$/],
  ['user_id=1,2', 'user_id', /repeat the parameter, or use where=user_id=1,2/], ['user_id=1*', 'user_id', /\* is not a wildcard here: use where=user_id\^=1 for values that begin with 1, or use where=user_id=1\*/], ['user_id=1&user_id=2,3', 'user_id', /got "2,3"/],
  ['where=city', 'where'], ['where==x', 'where'],
  ...whereMistakes.map(([condition, detail]): [string, string, RegExp] => [`where=${encodeURIComponent(condition)}`, 'where', detail]),
  ['where=fist_name=Ann', 'where', /did you mean first_name\?/], ['where=image_exists=true', 'where', /unknown column image_exists; it is a parameter of its own: use image_exists=true or image_exists=false, without where=$/], ['where=!is_image_exists', 'where', /: use image_exists=true or/], ['where=town_exists', 'where', /where=!town the others$/],
  ['where=last_name^=A&where=last_name^=Be&where=last_name^=Bo', 'where', /^got "last_name\^=Be"; no record meets this and where=last_name\^=A, as a record must meet all conditions; for the records that meet any of them, use last_name=A\*&last_name=Be\*&last_name=Bo\*$/],
  ['where=user_id^=1&where=user_id^=2', 'where', /; for the records that meet any of them, send a request for each$/], ['where=zone^=1&where=zone^=2', 'where', /send a request for each$/], ['where=last_name^=A,&where=last_name^=B', 'where', /send a request for each$/],
  ['where=birthts>5&where=birthts<4.5', 'where', /an integer/],
  [`where=${encodeURIComponent("last_name like 'A%' OR last_name like 'B%'")}`, 'where', /; a condition compares one column with one value; repeat where=/],
  ['where=birth_date=0', 'where', /unknown column birth_date/], ['where=a,b=1', 'where', /cannot be used here/],
  ['user_id=%zz', 'user_id', /percent-encoded/], ['first_name=%E0%A4%A', 'first_name'], ['last_name=a%ff', 'last_name'], ['%ff=1', '%ff'],
  ['__proto__=1', '__proto__'], ['constructor=1', 'constructor']
]
/** The same for the columns, the order and the format of /data. */
const shapes: typeof queries = [
  ['columns=', 'columns'], ['columns=user_id,', 'columns'], ['columns=user_id,user_id', 'columns', /twice/],
  ['columns=user_id,birthday', 'columns', /unknown column birthday/], ['columns=c=d', 'columns', /cannot be used here/], ['columns=birth_date', 'columns'], ['columns=*,*', 'columns', /twice/],
  ['sort=agee', 'sort', /^unknown column agee; did you mean age\?$/], ['sort=last_name:desc', 'sort', /^unknown column last_name:desc; use -last_name$/], ['sort=last_name+ASC', 'sort', /; use last_name$/], ['sort=last_name,desc', 'sort', /^unknown column desc; use -last_name in place of last_name,desc$/], ['sort=desc', 'sort', /^unknown column desc; use -<column>$/], ['sort=', 'sort'], ['sort=last_name,-last_name', 'sort', /twice/], ['sort=c=d', 'sort', /cannot be used here/], ['sort=+user_id', 'sort'], ['sort=-', 'sort', /got "-"; the name of a column must follow/], ['format=xml', 'format', /must be one of json, ndjson, csv$/], ['columns=image_exists', 'columns', /^unknown column image_exists; it is not a column: image_exists=true selects/], ['sort=city_exists', 'sort', /where=!city the others$/]
]

t.test('an unknown or malformed parameter is a 400 that names it', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv(), '2.csv': 'first_name,last_name,birthts,"a,b",c=d,zone\nAnn,Lee,0,1,2,3\n' } })
  const cases = [...queries.flatMap((query) => [['/data', ...query], ['/stats', ...query]] as const), ...shapes.map((query) => ['/data', ...query] as const)]
  for (const [route, search, parameter, detail] of cases) {
    const response = await app.inject(`${route}?${search}`)
    const problem = response.json()
    t.match(problem, { status: 400, code: 'invalid_parameter', title: 'Bad Request', type: 'urn:userlake:problem:invalid_parameter' }, `${route}?${search}`)
    t.same(problem.errors.map((error: { parameter: string }) => error.parameter), [parameter])
    t.match(problem.errors[0].detail, detail ?? /./)
    t.equal(response.headers['content-type'], 'application/problem+json')
  }
  for (const search of ['where=last_name^=A&where=last_name^=Ab', 'where=last_name~A&where=last_name~B', 'where=!zone&where=!zone', 'where=birthts>=5&where=birthts<5', 'where=last_name>M&where=last_name<B', 'last_name=5%25', 'last_name=100 %25', 'last_name=a;b|c or d*', 'last_name=[AB]', 'user_id=a%25', 'where=last_name^=[AB]', 'where=last_name=A%25']) t.equal((await app.inject(`/data?${search}`)).statusCode, 200, search)
})

/** The parameters of filters, in the order in which messages list them. */
const NAMES = 'image_exists, is_image_exists, min_age, max_age, age_basis, as_of, user_id, first_name, last_name, birthts, img_path, where, q'

t.test('the hint about an unknown parameter names a column, route or condition that exists', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv(), '2.csv': 'first_name,last_name,birthts,city,height,measured,format,"a,b",fällig_am\nAnn,Lee,0,Rome,180,2026-11-02,x,1,2\n' } })
  t.match((await app.inject('/data?city=Rome')).json().errors[0].detail, /^unknown parameter; this URL accepts /, 'no columns are known before the lake has been read')
  await app.inject('/data')
  const table: [url: string, hint: string][] = [
    ['/data?city=Rome', 'use where=city=Rome'], ['/stats?age=30', 'use where=age=30'], ['/data?age=30-40', 'use where=age>=30&where=age<=40'], ['/data?age=>30', 'use where=age>30'], ['/data?city=>30', 'use where=city>30'], ['/data?city==Rome', 'use where=city=Rome'], ['/data?city=30-40', 'use where=city=30-40'], ['/stats?age=40-30', 'use where=age=40-30'], ['/data?age=2024-05', 'use where=age=2024-05'], ['/data?city=', 'use where=city=<value>'],
    ['/stats?format=x', 'use where=format=x'], ['/data?citty=Rome', 'did you mean where=city=<value>?'],
    ['/data?height>100', 'use where=height>100'], ['/stats?measured>=2026-11-01', 'use where=measured>=2026-11-01'], ['/data?city!=Rome', 'use where=city!=Rome'], ['/data?age>=30&age>=40', 'use where=age>=30'],
    ['/data?unheard>9', 'a condition is written where=unheard>9'], ['/data?min_age>=30', 'did you mean min_age?'],
    ['/data?offset=3', 'use limit and cursor'], ['/data?page=2', 'use limit and cursor'], ['/rejects?per_page=2', 'use limit and cursor'],
    ['/data?group_by=city', 'group_by is a parameter of GET /stats'], ['/stats?sort=age', 'sort is a parameter of GET /data'], ['/data.ndjson?bom=true', 'bom is a parameter of GET /data.csv'],
    ['/data?min_height=100', 'use where=height>=100'], ['/data?height_max=9.5', 'use where=height<=9.5'], ['/stats?height__gte=1', 'use where=height>=1'], ['/stats?height[lt]=1', 'use where=height<1'],
    ['/data?city_ne=R%26B%20%2B%C3%BC', 'use where=city!=R%26B%20%2B%C3%BC'], ['/data?max_birthts=', 'use where=birthts<=<value>'], ['/data?to_f%C3%A4llig_am=1', 'use where=f%C3%A4llig_am<=1'],
    ['/data?constructor_height=1', 'this URL accepts ' + NAMES + ', columns, sort, bom, delimiter, escape_formulas, format, limit, cursor'],
    ['/data?search=a', 'use q'], ['/stats?query=a', 'use q'], ['/data/1?fields=city', 'use columns'], ['/data.csv?select=city', 'use columns'], ...['has_image', 'with_image', 'image', 'photo'].map((name): [string, string] => [`/data?${name}=true`, 'use image_exists']),
    ...['order', 'order_by', 'sort_by', 'sortBy'].map((name): [string, string] => [`/data?${name}=city`, 'use sort; a minus before a column reverses its order']),
    ['/data?age_min=30', 'use min_age'], ['/stats?age_max=30', 'use max_age'], ['/data?distinct=city', 'use GET /stats?group_by=<column>'], ['/data?id=1', 'use user_id'], ['/rejects?id=1', 'use user_id'],
    ['/data.csv?separator=;', 'use delimiter'], ['/data.csv?decimal=,', 'numbers are written with a decimal point'], ['/data?count=true', 'the header X-Total-Count, and count in GET /stats, have the number of records that match'],
    ['/data.csv?locale=de', 'numbers are written with a decimal point'], ['/data?encoding=latin1', 'CSV is UTF-8; bom=true adds a byte order mark, by which spreadsheets recognize it'],
    ['/stats?top=5', 'use limit'], ['/stats?interval=10', 'use bin_width for age_histogram, and bins for the histograms of columns'],
    ...['/stats?agg=avg(age)', '/stats?avg=age', '/stats?metric=mean', '/data?aggregate=', '/data.csv?mean=age'].map((url): [string, string] => [url, 'use GET /stats?columns=<column>: the response has its count, sum, mean, median, min and max']),
    ['/data?since=x', 'since is a parameter of GET /changes'], ['/data?dry_run=true', 'dry_run is a parameter of POST /data'], ['/jobs?limit=3', 'limit is a parameter of GET /data'],
    ['/jobs?page=3', 'this URL accepts no parameters'], ['/data/1?city=Rome', 'this URL accepts columns, as_of']
  ]
  for (const [url, hint] of table) t.equal((await app.inject(url)).json().errors[0].detail, `unknown parameter; ${hint}`, url)
  for (const name of ['unheard', 'a,b', '']) t.ok((await app.inject(`/data?${encodeURIComponent(name)}=1`)).json().errors[0].detail.startsWith(`unknown parameter; this URL accepts ${NAMES}, `), name)
  // Each hint is a request that succeeds.
  for (const url of ['/data?where=first_name=', '/data?where=!first_name', '/data?where=f%C3%A4llig_am<=1', '/data?where=city!=R%26B%20%2B%C3%BC', '/data?where=city=Rome', '/stats?where=age=30', '/data?where=height>100', '/stats?where=measured>=2026-11-01']) t.equal((await app.inject(url)).statusCode, 200, url)
})

t.test('one response names all invalid parameters', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const { errors } = (await app.inject('/data?min_age=x&max_age=y&colour=red')).json()
  t.same(errors.map((error: { parameter: string }) => error.parameter).sort(), ['colour', 'max_age', 'min_age'])
})

t.test('routes without parameters reject unknown ones, too', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  for (const url of ['/data/1?x=1', '/data/1/image?x=1', '/rejects?x=1', '/jobs?x=1', '/jobs/1?x=1', '/livez?x=1']) {
    t.match((await app.inject(url)).json(), { status: 400, errors: [{ parameter: 'x' }] }, url)
  }
  t.match((await app.inject({ method: 'POST', url: '/data?dryrun=true' })).json(), { status: 400, errors: [{ parameter: 'dryrun', detail: /dry_run/ }] })
  t.match((await app.inject({ method: 'POST', url: '/data?dry_run=maybe' })).json(), { status: 400, errors: [{ parameter: 'dry_run' }] })
})
