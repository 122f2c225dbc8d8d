import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import '../support/file-timeout.js'

t.test('a process that is killed while it publishes leaves the old or the new output, and the next process serves the records of the lake', async (t) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL('kills.js', import.meta.url)), '--short'], { encoding: 'utf8' })
  t.equal(status, 0, stdout + stderr)
  t.match(stdout, /^6 kills; \d of the interrupted publishes took effect$/m)
})
