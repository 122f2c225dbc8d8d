import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import app, { serverOptions } from '../app.js'
import type { FieldDescriptor, SchemaDescriptor } from '../lib/schema/descriptor.js'
import { USERS_SCHEMA } from '../lib/schema/users-schema.js'
import { main } from '../scripts/schema.js'
import { LAKES, rowOf, type OtherLake } from './support/lakes.js'
import { runMain } from './support/run-main.js'
import { validateResponses } from './support/openapi-validator.js'
import { testFolder } from './support/test-folder.js'
import './support/file-timeout.js'

/** The schema of the sample data with the changes that a lake needs; `undefined` if it needs none. */
function schemaOf ({ fields, schema }: OtherLake): SchemaDescriptor | undefined {
  if (fields === undefined && schema === undefined) return undefined
  const changes = fields ?? {}
  const changed = USERS_SCHEMA.fields.flatMap((field) => changes[field.name] === null ? [] : { ...field, ...changes[field.name] })
  const added = Object.entries(changes).filter(([name, properties]) => properties !== null && USERS_SCHEMA.fields.every((field) => field.name !== name))
  return { ...USERS_SCHEMA, ...schema, fields: [...changed, ...added.map(([name, properties]) => ({ name, ...properties }) as FieldDescriptor)] }
}

async function open (t: Test, lake: OtherLake) {
  const fastify = Fastify(serverOptions)
  t.teardown(() => fastify.close())
  const root = testFolder(t, { lake: {} })
  Object.entries(lake.files).forEach(([key, body], i) => {
    const path = join(root, 'lake', key)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, body)
    utimesSync(path, 1e9 + i, 1e9 + i)
  })
  for (const [from, to] of Object.entries(lake.renames ?? {})) renameSync(join(root, 'lake', from), join(root, 'lake', to))
  const schema = schemaOf(lake)
  const path = join(root, 'schema.json')
  if (schema !== undefined) writeFileSync(path, JSON.stringify(schema))
  await fastify.register(app, { settings: { LAKE_URL: `file:${root}/lake`, REFRESH_WAIT: '30s', ...schema && { SCHEMA: path }, ...lake.settings } })
  validateResponses(fastify)
  return { fastify, url: `file:${root}/lake` }
}

t.test('docs/lakes.md has a row for each of 26 lakes', async (t) => {
  const text = readFileSync('docs/lakes.md', 'utf8')
  t.equal(LAKES.length, 26)
  t.same(text.split('\n').filter((line) => /^\| \d/.test(line)), LAKES.map(rowOf))
})

for (const lake of LAKES) {
  t.test(`a lake that has ${lake.has} is served after the steps of docs/lakes.md`, async (t) => {
    const { fastify, url } = await open(t, lake)
    const response = await fastify.inject({ url: lake.request, headers: { 'cache-control': 'no-cache' } })
    t.equal(response.body.trim(), lake.response)
    t.equal((await fastify.inject('/rejects')).json().entries.filter(({ code }: { code: string }) => code !== 'duplicate_id').length, 0)
    const { INPUT_DELIMITER, INPUT_ENCODING, SOURCE_PREFIX = 'source_data/' } = lake.settings ?? {}
    const { err } = await runMain(main, ['--lake', url, '--prefix', SOURCE_PREFIX])
    t.match(err, /^(\d) of \1 sampled files? fits? the schema$/m, 'a schema is inferred that accepts all files')
    t.equal(/INPUT_DELIMITER='(.)'/.exec(err)?.[1], INPUT_DELIMITER)
    t.equal(/INPUT_ENCODING=(\S+)/.exec(err)?.[1], INPUT_ENCODING)
  })
}

t.test('the commands of docs/lakes.md convert the files in Windows-1252, and leave those in UTF-8 alone', { skip: spawnSync('iconv', ['--version']).error !== undefined && 'there is no iconv' }, async (t) => {
  const [, commands] = /```sh\n(find .*?)```/s.exec(readFileSync('docs/lakes.md', 'utf8'))!
  const text = 'first_name,last_name,birthts\nRenée,Ashgrove,0\n'
  const latin1 = Buffer.from(text, 'latin1')
  const cutOff = gzipSync(latin1).subarray(0, 40)
  const root = testFolder(t, {
    temporary: {},
    source_data: { '1.csv': text, '2.csv': latin1, '3.csv.gz': gzipSync(latin1), '4.csv.gz': cutOff, '5.png': latin1, 'a folder': { "6 o'clock.CSV": latin1, '7.json': latin1, '8.tsv': latin1 } }
  })
  execFileSync('sh', ['-c', commands!], { cwd: root, env: { ...process.env, TMPDIR: join(root, 'temporary') }, stdio: 'ignore' })
  const read = (name: string) => readFileSync(join(root, 'source_data', name))
  for (const name of ['1.csv', '2.csv', "a folder/6 o'clock.CSV", 'a folder/7.json', 'a folder/8.tsv']) t.equal(String(read(name)), text, name)
  t.equal(String(gunzipSync(read('3.csv.gz'))), text)
  t.ok(read('4.csv.gz').equals(cutOff), 'a damaged file is left alone')
  t.ok(read('5.png').equals(latin1), 'a file that is not an info file is left alone')
  t.same(readdirSync(join(root, 'source_data')).length, 6)
  t.same(readdirSync(join(root, 'temporary')), [])
})
