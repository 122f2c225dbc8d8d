import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import '../support/file-timeout.js'

t.test('of 16 concurrent writers, exactly one wins in each round', async (t) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL('races.js', import.meta.url)), '--short'], { encoding: 'utf8' })
  t.equal(status, 0, stdout + stderr)
  t.match(stdout, /^folder: 200 rounds of 16 writers/m)
})
