import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { main } from '../../scripts/openapi.js'
import { runMain } from '../support/run-main.js'
import { testFolder } from '../support/test-folder.js'
import '../support/file-timeout.js'

t.test('without arguments, the document is that of the default schema', async (t) => {
  const output = join(testFolder(t), 'openapi.json')
  t.match(await runMain(main, ['--output', output]), { code: 0, out: `wrote ${output}\n` })
  t.ok(readFileSync(output, 'utf8') === readFileSync('openapi.json', 'utf8'), 'openapi.json is stale: npm run openapi')
})

t.test('the document of another schema has its columns', async (t) => {
  const folder = testFolder(t, { 'devices.json': '{"fields":[{"name":"device","type":"string","source":"key"},{"name":"height","type":"number"}]}' })
  const output = join(folder, 'document.json')
  t.match(await runMain(main, ['--schema', join(folder, 'devices.json'), '--output', output]), { code: 0 })
  const { components, paths } = JSON.parse(readFileSync(output, 'utf8'))
  t.same(Object.keys(components.schemas.Record.properties), ['device', 'height'])
  t.ok('/data/{device}' in paths)
})

t.test('a mistake in the schema is named, and nothing is written', async (t) => {
  const folder = testFolder(t, { 'devices.json': '{"fields":[{"name":"height","type":"meter"}]}' })
  t.match(await runMain(main, ['--schema', join(folder, 'devices.json'), '--output', join(folder, 'out.json')]), { code: 1, err: /^openapi: --schema: .*devices\.json: field "height": type: got "meter"/ })
  t.throws(() => readFileSync(join(folder, 'out.json')), { code: 'ENOENT' })
  t.match(await runMain(main, ['--output', join(folder, 'no/out.json')]), { code: 2, err: `openapi: --output: got '${folder}/no/out.json'; the folder ${folder}/no does not exist\n` })
  t.match(await runMain(main, ['--schemas', 'x']), { code: 2, err: 'openapi: unknown option --schemas; did you mean --schema?\n' })
})
