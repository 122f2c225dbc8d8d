import t from 'tap'
import { hintSharedMemory, buffersOf, shared } from '../../../lib/base/shared-memory.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { TableReader } from '../../../lib/table/table.js'
import { tableOf } from '../../support/tables.js'

/** The objects that the tests have created. They are referenced here, because V8 stops counting a buffer when it collects it, at any time. */
const created: object[] = []

/** The increase of the bytes that V8 counts for array buffers during the work. */
function counted (work: () => object): number {
  const before = process.memoryUsage().arrayBuffers
  created.push(work())
  return process.memoryUsage().arrayBuffers - before
}

const BYTES = 256 * 1024 * 1024

t.test('the shared memory of an object is counted once, also if it is hinted twice', async (t) => {
  const array = shared(Uint8Array, BYTES)
  const owner = { array, part: array.subarray(1) }
  const hint = () => {
    hintSharedMemory(owner)
    return owner
  }
  t.ok(counted(hint) >= BYTES)
  t.ok(counted(hint) < BYTES)
})

t.test('the memory of a table is counted once, by its TableVersion, and not by each TableReader', async (t) => {
  const table = tableOf(Array.from({ length: 20_000 }, (_, i) => ({ user_id: String(i), first_name: `name ${i}` })))
  const bytes = [...buffersOf(table)].reduce((sum, { byteLength }) => sum + byteLength, 0)
  t.ok(counted(() => new TableReader(table)) < bytes)
  t.ok(counted(() => new TableVersion(table, 'UTC')) >= bytes)
  t.ok(counted(() => new TableVersion(table, 'UTC')) < bytes)
})
