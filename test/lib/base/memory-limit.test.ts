import t from 'tap'
import { memoryLimit, parseSizeOrAuto } from '../../../lib/base/memory-limit.js'

t.test('the size auto is the lesser of 256 MiB and an eighth of the memory of the container or machine', async (t) => {
  const MiB = 2 ** 20
  t.equal(parseSizeOrAuto('auto', 512 * MiB), 64 * MiB)
  t.equal(parseSizeOrAuto('auto', 64 * 1024 * MiB), 256 * MiB)
  t.equal(parseSizeOrAuto('1GiB', 512 * MiB), 1024 * MiB)
  t.equal(memoryLimit(512 * MiB, 1024 * MiB), 512 * MiB, 'the memory of the container')
  for (const unlimited of [undefined, 0, 2 ** 63 - 1, 2 ** 64]) t.equal(memoryLimit(unlimited, 1024 * MiB), 1024 * MiB, 'the memory of the machine')
  t.ok(memoryLimit() > 64 * MiB)
})
