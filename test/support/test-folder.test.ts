import { existsSync } from 'node:fs'
import t from 'tap'
import { testFolder } from './test-folder.js'

t.test('the folder of a test is there until everything has been closed, and is then removed', async (t) => {
  const seen: string[] = []
  await t.test('a test with a folder', async (t) => {
    const folder = testFolder(t, { file: 'x' })
    t.teardown(() => { if (existsSync(folder)) seen.push(folder) })
  })
  t.match(seen, { length: 1 })
  t.notOk(existsSync(seen[0]!))
})
