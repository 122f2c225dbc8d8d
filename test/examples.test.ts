import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import t from 'tap'
import type { InputEncoding } from '../lib/base/info-formats.js'
import { decodeText } from '../lib/source/decode-text.js'
import { EXAMPLE_LAKES } from '../scripts/sample-data/example-lakes.js'
import { buildOnExample, exampleSettings, toRequest } from './support/examples.js'

const NAMES = readdirSync('examples')

t.test('every example has a generator, and its files are what the generator makes', async (t) => {
  t.same(NAMES, Object.keys(EXAMPLE_LAKES))
  for (const name of NAMES) {
    const files = EXAMPLE_LAKES[name]!()
    const folder = `examples/${name}/lake/source_data`
    t.same(readdirSync(folder), files.map(({ name }) => name).sort(), name)
    t.ok(files.every(({ name, body }) => readFileSync(`${folder}/${name}`).equals(body)), name)
  }
})

for (const name of NAMES) {
  t.test(`the README of ${name} leads to a first filtered response`, async (t) => {
    const readme = readFileSync(`examples/${name}/README.md`, 'utf8')
    const { LAKE_URL: lake, ...settings } = exampleSettings(name)
    t.equal(lake, `file:examples/${name}/lake`)
    const app = await buildOnExample(t, name)
    t.match((await app.inject({ method: 'POST', url: '/data' })).json(), { state: 'succeeded', result: { rejected: 0, warnings: { length: 0 } } })
    const examples = [...readme.matchAll(/^\$ (curl .*)\n((?:(?!```).+\n)+)/gm)]
    t.equal(examples.length, 2)
    for (const [, command, output] of examples) {
      const { statusCode, body } = await app.inject(toRequest(command!))
      t.equal(statusCode, 200, command!)
      t.equal(body.replaceAll('\r\n', '\n').trim(), output!.trim(), command!)
    }
    const [, shown] = /```(?:csv|json)\n(.*?)```/s.exec(readme)!
    const files = EXAMPLE_LAKES[name]!().map(({ body }) => String(decodeText(body, (settings['INPUT_ENCODING'] ?? 'utf-8') as InputEncoding)).replaceAll('\r\n', '\n'))
    t.ok(files.includes(shown!), 'the file that it shows is one of the lake')
    t.equal(basename(settings['SCHEMA']!), 'schema.json')
  })
}
