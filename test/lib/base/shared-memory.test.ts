import t from 'tap'
import { hintSharedMemory } from '../../../lib/base/shared-memory.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { byteLength, TableReader } from '../../../lib/table/table.js'
import { tableOf } from '../../support/tables.js'

/** The bytes that V8 counts for array buffers after the work, less those before. */
function counted (work: () => void): number {
  const before = process.memoryUsage().arrayBuffers
  work()
  return process.memoryUsage().arrayBuffers - before
}

const BYTES = 256 * 1024 * 1024

t.test('shared memory is counted once for each owner', async (t) => {
  const owner = {}
  t.ok(counted(() => hintSharedMemory(owner, BYTES)) >= BYTES)
  t.ok(counted(() => hintSharedMemory(owner, BYTES)) < BYTES)
})

t.test('a table is counted by its version, not by each reader', async (t) => {
  const table = tableOf(Array.from({ length: 20_000 }, (_, i) => ({ user_id: String(i), first_name: `name ${i}` })))
  const bytes = byteLength(table)
  t.ok(counted(() => new TableReader(table)) < bytes)
  t.ok(counted(() => new TableVersion(table, 'UTC')) >= bytes)
  t.ok(counted(() => new TableVersion(table, 'UTC')) < bytes)
})
