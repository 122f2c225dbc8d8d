import { readdir, readFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fillEmbeddedLake } from '../../../lib/store/embedded-lake.js'
import { testFolder } from '../../support/test-folder.js'

const FROM = { '1001.csv': 'a', '1001.png': 'b', more: { '1002.csv': 'c' } }
const prefix = 'source_data/'

t.test('copies the files below the prefix', async t => {
  const dir = testFolder(t, { from: FROM })
  const lake = join(dir, 'not', 'there', 'lake')
  t.equal(await fillEmbeddedLake({ lake: lake + '/', from: join(dir, 'from'), prefix }), true)
  t.equal(await readFile(join(lake, 'source_data/1001.png'), 'utf8'), 'b')
  t.equal(await readFile(join(lake, 'source_data/more/1002.csv'), 'utf8'), 'c')
  t.same(await readdir(join(dir, 'not', 'there')), ['lake'])
})

t.test('creates the folder of the prefix if there is nothing to copy', async t => {
  const dir = testFolder(t, { from: {} })
  t.equal(await fillEmbeddedLake({ lake: join(dir, 'lake'), from: join(dir, 'from'), prefix }), true)
  t.same(await readdir(join(dir, 'lake')), ['source_data'])
})

t.test('does not change an existing lake, even an empty one', async t => {
  const dir = testFolder(t, { from: FROM, lake: {} })
  t.equal(await fillEmbeddedLake({ lake: join(dir, 'lake'), from: join(dir, 'from'), prefix }), false)
  t.same(await readdir(join(dir, 'lake')), [])
})

t.test('of several processes that start at once, one fills the lake and the others continue', async t => {
  const dir = testFolder(t, { from: FROM })
  const fill = () => fillEmbeddedLake({ lake: join(dir, 'lake'), from: join(dir, 'from'), prefix })
  const filled = await Promise.all(Array.from({ length: 8 }, fill))
  t.same(filled.filter(Boolean), [true])
  t.same((await readdir(dir)).sort(), ['from', 'lake'])
  t.same((await readdir(join(dir, 'lake/source_data'))).sort(), ['1001.csv', '1001.png', 'more'])
})

t.test('fails and leaves no lake if the files to copy do not exist', async t => {
  const dir = testFolder(t, {})
  const filling = fillEmbeddedLake({ lake: join(dir, 'lake'), from: join(dir, 'from'), prefix })
  await t.rejects(filling, { code: 'ENOENT', message: /from/ })
  t.same(await readdir(dir), [])
})

t.test('fails if the lake cannot be created', async t => {
  const dir = testFolder(t, { from: FROM, file: '' })
  const filling = fillEmbeddedLake({ lake: join(dir, 'file', 'lake'), from: join(dir, 'from'), prefix })
  await t.rejects(filling, { code: 'ENOTDIR' })
})

t.test('removes the unfinished copy of a dead process and nothing else', async t => {
  const old = 'lake.filling-3f0e4a52-5a0e-4c6c-9d6b-0f6f3f4b8a11'
  const others = ['lake.filling-station', old.replace('lake', 'other')]
  const recent = old.replace('3', '4')
  const tree = [old, ...others, recent].map(name => [name, { source_data: { '1001.csv': 'a' } }])
  const dir = testFolder(t, { lake: {}, ...Object.fromEntries(tree) })
  const now = Date.now()
  for (const name of [old, ...others]) await utimes(join(dir, name), now / 1000, now / 1000 - 601)
  await utimes(join(dir, recent), now / 1000, now / 1000 - 599)
  await fillEmbeddedLake({ lake: join(dir, 'lake'), from: join(dir, 'from'), prefix, clock: () => now })
  t.same((await readdir(dir)).sort(), ['lake', recent, ...others].sort())
})
