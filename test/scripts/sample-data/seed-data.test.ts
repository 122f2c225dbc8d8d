import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { compileSchema } from '../../../lib/schema/schema.js'
import { USERS_SCHEMA } from '../../../lib/schema/users-schema.js'
import { parseInfoFile } from '../../../lib/source/info-file.js'
import { listFiles } from '../../../lib/store/upload-folder.js'
import { main } from '../../../scripts/generate.js'
import { decodePng } from '../../support/decode-png.js'
import { runMain } from '../../support/run-main.js'
import { testFolder } from '../../support/test-folder.js'

const seedData = 'seed-data'
const names = (await listFiles(seedData)).sort()
const withExtension = (extension: string) => names.filter(name => name.endsWith(extension))
const ids = (extension: string) => withExtension(extension).map(name => name.slice(0, -extension.length))

t.test('seed-data/ contains exactly what the generator writes', async t => {
  const again = testFolder(t, {})
  t.match(await runMain(main, ['--users', '100', '--lake', `file:${again}`, '--prefix', '']), { code: 0 })
  t.same((await listFiles(again)).sort(), names)
  const differing = []
  for (const name of names) {
    const [one, other] = await Promise.all([seedData, again].map(folder => readFile(join(folder, name))))
    if (!one!.equals(other!)) differing.push(name)
  }
  t.same(differing, [])
})

t.test('seed-data/ has 100 users, 92 images of them and one image without a user', async t => {
  t.equal(withExtension('.csv').length, 100)
  t.equal(names.length, 100 + 93)
  t.same(ids('.png').filter(id => !ids('.csv').includes(id)), ['no-info-file'])
})

t.test('the service reads every info file', async t => {
  const read = (body: Buffer) => parseInfoFile(body, { format: 'csv', delimiter: ',', encoding: 'utf-8', schema: compileSchema(USERS_SCHEMA), id: '' })
  for (const name of withExtension('.csv')) {
    const file = await readFile(join(seedData, name))
    t.match(String(file), /^first_name, last_name, birthts\n[^\n]+, -?\d+\n$/, name)
    t.equal(read(file).rejection, undefined, name)
  }
  const augustus = read(await readFile(join(seedData, '1004.csv')))
  t.match(augustus, { data: { values: ['Augustus "Gus"', 'Pell, Jr.'] } })
})

t.test('every image can be decoded', async t => {
  for (const name of withExtension('.png')) {
    const { width, height } = decodePng(await readFile(join(seedData, name)))
    t.same([width, height], [64, 64], name)
  }
})
