import { join } from 'node:path'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import config from '../../plugins/config.js'
import schema, { describeSchema, schemaWarnings, type SchemaOptions } from '../../plugins/schema.js'
import { testFolder } from '../support/test-folder.js'

async function load (t: Test, file: string | undefined, options: SchemaOptions = {}) {
  const folder = testFolder(t, file === undefined ? {} : { 'devices.json': file })
  const fastify = Fastify()
  await fastify.register(config, { settings: { SCHEMA: join(folder, 'devices.json') } })
  await fastify.register(schema, options)
  return { schema: fastify.tableSchema, folder }
}

const DEVICES = { title: 'Devices', fields: [{ name: 'device', type: 'string', source: 'key' }, { name: 'height', type: 'number', constraints: { minimum: 0 } }] }

t.test('the schema is read from the file', async (t) => {
  const { schema } = await load(t, JSON.stringify(DEVICES))
  t.same(schema.fields.map(({ name }) => name), ['device', 'height'])
  t.equal(describeSchema(schema, 'devices.json'), 'Devices (devices.json), 2 columns: key device, no ages, no images')
})

t.test('the option schema is used instead of the file', async (t) => {
  const { schema } = await load(t, '{', { schema: { fields: [{ name: 'born', type: 'date', role: 'birth' }, { name: 'photo', type: 'string', source: 'image' }] } })
  t.equal(describeSchema(schema, ''), 'given, 3 columns: key user_id, ages from born, images photo')
})

t.test('image fields with extensions of objects that are not images are warned of, in the log of the start, too', async (t) => {
  const messages: string[] = []
  const fastify = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => { messages.push(JSON.parse(line).msg) } } } })
  await fastify.register(config, { settings: { IMAGE_EXTENSIONS: 'png,svg' } })
  const fields = [{ name: 'photo', type: 'string', source: 'image' }, { name: 'manual', type: 'string', source: 'image', extensions: ['pdf', 'de.pdf', 'manual.png'] }] as const
  await fastify.register(schema, { schema: { fields } })
  const rest = 'their keys are in the records, but the service serves the content of images only (png, jpg, jpeg, webp, gif)'
  const warnings = [`The image field "photo" has objects with the extension svg: ${rest}`, `The image field "manual" has objects with the extension pdf or de.pdf: ${rest}`]
  t.same(schemaWarnings(fastify.tableSchema, fastify.config), warnings)
  t.same(messages, warnings)
  t.same(schemaWarnings(fastify.tableSchema, { IMAGE_EXTENSIONS: 'png' }), warnings.slice(1))
})

t.test('each mistake is one line with the setting, the file, the field and the property', async (t) => {
  const fields = [DEVICES.fields[0], { name: 'height', type: 'number', constraints: { minimum: 'low', maximum: true } }, { name: 'on', type: 'bool' }]
  const { message } = await load(t, JSON.stringify({ fields })).then(() => ({ message: '' }), (error: Error) => error)
  t.match(message.split('\n'), [
    /^SCHEMA: .*devices\.json: field "height": constraints\.minimum: got "low"; must be a finite number/,
    /^SCHEMA: .*devices\.json: field "height": constraints\.maximum: got true; must be a finite number/,
    /^SCHEMA: .*devices\.json: field "on": type: got "bool"; must be one of string, integer/
  ])
  await t.rejects(load(t, undefined, { schema: { fields: [] } }), { name: 'SettingsError', message: 'SCHEMA: fields: got []; must be a list of at least one field' })
})

t.test('a file that cannot be read, or is not JSON, is one line', async (t) => {
  await t.rejects(load(t, undefined), { name: 'SettingsError', message: /^SCHEMA: .*devices\.json: there is no such file$/ })
  await t.rejects(load(t, '{'), { name: 'SettingsError', message: /^SCHEMA: .*devices\.json: the file is not JSON: .*$/ })
  const fastify = Fastify()
  await fastify.register(config, { settings: { SCHEMA: testFolder(t, {}) } })
  await t.rejects(async () => await fastify.register(schema), { name: 'SettingsError', message: /^SCHEMA: .*: got a folder; must be a file$/ })
})
