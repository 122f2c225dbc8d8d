import Fastify from 'fastify'
import t from 'tap'
import config from '../../plugins/config.js'
import schema, { type SchemaOptions } from '../../plugins/schema.js'
import { build, csv, PNG, type LogLine } from '../support/app.js'

/** Texts that must appear nowhere: the values of hidden columns, and what is quoted from a rejected file, whose text may be such a value. */
const CANARIES = /Canary|987822000000|1938-09-12/

const files = {
  '1.csv': 'first_name,last_name,birthts,city,ssn\nAnn,CanaryA,-987822000000,Rome,CanaryB\n',
  '2.csv': 'first_name,last_name,birthts,ssn\nBob,CanaryC,-987822000000,CanaryD\n',
  '1.png': PNG,
  // Rejects whose excerpt, detail or hint would quote a text that may belong to a hidden column.
  'date.csv': 'first_name,last_name,birthts\nAnn,Lee,1938-09-12\n',
  'quote.csv': 'first_name,last_name,birthts\nAnn,Canary"E,0\n',
  'fields.csv': 'first_name,last_name,birthts\nAnn,CanaryF\n',
  'headless.csv': 'CanaryG,CanaryG,-987822000000\n',
  'missing.csv': 'first_name,CanaryH\nAnn,Lee\n',
  'json.json': '{"last_name": "CanaryI",',
  'text.json': '"CanaryJ"',
  'half.json': '{"first_name": "Ann", "CanaryK": "CanaryL\\ud83d"}'
}
const settings = { COLUMNS_HIDDEN: 'last_name,birthts,img_path,ssn' }

t.test('hidden columns are in no response, output, snapshot or line of the log', async (t) => {
  const log: LogLine[] = []
  const { app, bucket } = await build(t, { files, log, settings })
  t.equal((await app.inject({ method: 'POST', url: '/data' })).statusCode, 200)
  const texts: string[] = []
  const urls = ['/data', '/data?columns=*', '/data.csv?columns=*', '/data.ndjson', '/data/1?columns=*', '/stats', '/stats?group_by=city', '/schema', '/rejects', '/rejects.csv', '/changes', '/jobs', '/openapi.json', '/readyz']
  for (const url of urls) {
    const response = await app.inject(url)
    t.equal(response.statusCode, 200, url)
    texts.push(response.body)
  }
  t.same((await app.inject('/data?columns=*')).json(), [{ user_id: '1', first_name: 'Ann', city: 'Rome' }, { user_id: '2', first_name: 'Bob', city: null }])
  t.same((await app.inject('/stats')).json(), { count: 2 })
  t.match((await app.inject('/schema')).json(), { fields: [{ name: 'user_id' }, { name: 'first_name' }], undeclared_columns: [{ name: 'city' }] })
  t.notMatch((await app.inject('/openapi.json')).body, /last_name|birthts|min_age|with_image|\/image/)
  // Writes the snapshot.
  await app.close()
  const written = bucket.keys().filter((key) => key.startsWith('processed_data/'))
  t.same(written, ['processed_data/output.csv', 'processed_data/output.snapshot.arrow'])
  for (const text of [...texts, JSON.stringify(log), ...written.map((key) => bucket.get(key)!.body.toString())]) t.notMatch(text, CANARIES)
})

t.test('no parameter accepts a hidden column', async (t) => {
  const { app } = await build(t, { files, settings })
  for (const search of ['last_name=CanaryA', 'birthts=0', 'min_age=1', 'image_exists=true', 'where=last_name=CanaryA', 'where=ssn', 'where=!birthts', 'where=age>1', 'columns=ssn', 'columns=birthts', 'columns=age', 'sort=last_name']) {
    t.match((await app.inject(`/data?${search}`)).json(), { status: 400, code: 'invalid_parameter' }, search)
  }
  t.same((await app.inject('/data?q=canary')).json(), [])
  t.equal((await app.inject('/stats?group_by=ssn')).statusCode, 400)
  t.equal((await app.inject('/data/1/image')).statusCode, 404)
})

t.test('hidden columns are checked; rejects name them without their values, and have the values of other columns', async (t) => {
  const { app } = await build(t, {
    files: { ...files, 'height.csv': 'first_name,last_name,birthts,height\nAnn,Lee,0,tall\n' },
    settings: { COLUMNS_HIDDEN: 'last_name,birthts' },
    schema: {
      fields: [
        { name: 'user_id', type: 'string', source: 'key' }, { name: 'first_name', type: 'string' }, { name: 'last_name', type: 'string' }, { name: 'birthts', type: 'integer', role: 'birth' },
        { name: 'height', type: 'integer' }
      ],
      fieldsMatch: 'superset'
    }
  })
  const { entries } = (await app.inject('/rejects')).json() as { entries: { user_id: string, column: string, excerpt: string, hint: string, detail: string }[] }
  const entry = (id: string) => entries.find(({ user_id: found }) => found === id)
  t.match(entry('date'), { code: 'invalid_value', column: 'birthts', excerpt: null, hint: null, line: 2 })
  t.match(entry('height'), { code: 'invalid_value', column: 'height', excerpt: 'tall' })
  t.match(entry('quote'), { code: 'malformed_csv', detail: 'The file is not CSV', excerpt: null })
})

t.test('images of a hidden field are not reported, and do not become those of another field', async (t) => {
  const schema = {
    fields: [
      { name: 'user_id', type: 'string', source: 'key' }, { name: 'first_name', type: 'string' },
      { name: 'front', type: 'string', source: 'image', extensions: ['front.jpg', 'gif'] }, { name: 'photo', type: 'string', source: 'image' }
    ]
  } as const
  const files = { '1.csv': 'first_name\nAnn\n', '1.jpg': PNG, '1.front.jpg': PNG, '1.gif': PNG, '2.gif': PNG, '1.front.csv': 'first_name\nBob\n', '1.txt': '' }
  const log: LogLine[] = []
  const { app } = await build(t, { files, log, settings: { COLUMNS_HIDDEN: 'front' }, schema })
  t.same((await app.inject('/data')).json(), [{ user_id: '1', first_name: 'Ann', photo: 'source_data/1.jpg' }, { user_id: '1.front', first_name: 'Bob', photo: null }])
  t.same((await app.inject('/rejects')).json(), { counts: { rejects: 0, orphans: 0, ignored: 1 }, entries: [], ignored: [{ extension: 'txt', count: 1, example: 'source_data/1.txt' }] })
  t.equal((await app.inject('/data/1/attachments/front')).statusCode, 404)
  t.notMatch(JSON.stringify(log), /front.jpg|gif/)
  const { app: other } = await build(t, { files, settings: { COLUMNS_HIDDEN: 'photo' }, schema })
  t.same((await other.inject('/data/1')).json(), { user_id: '1', first_name: 'Ann', front: 'source_data/1.gif' })
})

t.test('a snapshot that was written with other hidden columns is not used', async (t) => {
  const first = await build(t, { files: { '1.csv': csv() } })
  await first.app.inject({ method: 'POST', url: '/data' })
  await first.app.close()
  const log: LogLine[] = []
  const { app } = await build(t, { beside: first, log, settings: { COLUMNS_HIDDEN: 'city' } })
  t.equal((await app.inject('/data')).statusCode, 200)
  t.match(log.filter(({ msg }) => /snapshot/.test(msg)), [{ reason: 'foreign' }])
})

t.test('a name that is similar to an undeclared column of the records is a warning once they are read; columns of this name are hidden', async (t) => {
  const log: LogLine[] = []
  const { bucket, fresh } = await build(t, { files: { '1.csv': 'first_name,last_name,birthts,salary\nAnn,Lee,0,CanaryA\n' }, log, settings: { COLUMNS_HIDDEN: 'salry' } })
  await fresh('/data')
  const warning = { level: 40, msg: 'COLUMNS_HIDDEN: "salry" is not a declared column; undeclared columns of this name are hidden; did you mean salary?' }
  t.match(log.filter(({ msg }) => /COLUMNS_HIDDEN/.test(msg)), [warning])
  bucket.put('source_data/2.csv', 'first_name,last_name,birthts,salry\nBob,Ray,0,CanaryB\n')
  t.same((await fresh('/data?columns=user_id,*')).json.map(Object.keys), Array(2).fill(['user_id', 'first_name', 'last_name', 'birthts', 'img_path', 'salary']))
  t.equal(log.filter(({ msg }) => /COLUMNS_HIDDEN/.test(msg)).length, 1, 'it is logged once')
})

t.test('the key cannot be hidden, and a name similar to a declared column is a warning', async (t) => {
  const start = async (COLUMNS_HIDDEN: string, options: SchemaOptions = {}) => {
    const lines: string[] = []
    const fastify = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => { lines.push(line) } } } })
    await fastify.register(config, { settings: { COLUMNS_HIDDEN } })
    return await fastify.register(schema, options).then(() => lines.join(''), ({ name, message }: Error) => `${name}: ${message}`)
  }
  t.equal(await start('last_name,user_id'), 'SettingsError: COLUMNS_HIDDEN: got "last_name,user_id"; must not contain user_id, which is the key of the records')
  t.match(await start('last_nam'), /COLUMNS_HIDDEN: \\"last_nam\\" is not a declared column; undeclared columns of this name are hidden; did you mean last_name\?/)
  t.equal(await start('last_name,ssn'), '')
  const german = { fields: [{ name: 'first_name', type: 'string', header: ['Vorname', 'ssn'] }, { name: 'ssn', type: 'string', header: 'SSN' }] } as const
  t.equal(await start('Vorname', { schema: german }), 'SettingsError: COLUMNS_HIDDEN: got "Vorname"; must not contain Vorname, which is the name of first_name in files; its name here is first_name')
  t.equal(await start('ssn', { schema: german }), '', 'the name of a declared column takes precedence over a header of another one')
})
