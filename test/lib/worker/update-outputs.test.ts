import t from 'tap'
import type { LakeBackend } from '../../../lib/worker/lake-backend.js'
import { updateOutputs } from '../../../lib/worker/update-outputs.js'
import type { Output } from '../../../lib/output/output.js'
import type { Precondition } from '../../../lib/output/publisher.js'
import { StoreError } from '../../../lib/store/object-store.js'
import type { Table } from '../../../lib/table/table.js'

const outputs: Output[] = [{ format: 'csv', key: 'a.csv' }, { format: 'parquet', key: 'a.parquet' }]
const lost = () => new StoreError('precondition_failed', 'another one has written')

/** A bucket backend that writes down what it is asked for, and fails with the errors that wait for a key. */
function setUp (failures: Record<string, Error[]> = {}, isFullRefresh = () => true) {
  const calls: string[] = []
  let [preconditions, listings] = [0, 0]
  const backend = {
    readPrecondition: async (key: string) => {
      calls.push(`precondition ${key}`)
      return { expectedEtag: String(++preconditions), racy: false }
    },
    publish: async (table: Table, { key }: Output, { expectedEtag }: Precondition, dryRun: boolean) => {
      calls.push(`publish ${key} of ${table.version} over ${expectedEtag}${dryRun ? ', dry' : ''}`)
      const failure = failures[key]?.shift()
      if (failure !== undefined) throw failure
      return { key }
    }
  } as unknown as LakeBackend
  const refresh = async () => {
    calls.push('list')
    if (!isFullRefresh()) throw new Error('no listing')
    return { version: `listing ${++listings}` } as Table
  }
  const update = (dryRun = false) => updateOutputs(backend, { outputs, dryRun, refresh })
  return { calls, update }
}

t.test('every precondition is read before the one listing, and each output is written over its own', async (t) => {
  for (const dryRun of [false, true]) {
    const { calls, update } = setUp()
    t.match(await update(dryRun), [{ key: 'a.csv' }, { key: 'a.parquet' }])
    const dry = dryRun ? ', dry' : ''
    t.same(calls, ['precondition a.csv', 'precondition a.parquet', 'list', `publish a.csv of listing 1 over 1${dry}`, `publish a.parquet of listing 1 over 2${dry}`])
  }
})

t.test('who loses reads the precondition anew, lists again, and goes on with what that has told', async (t) => {
  const { calls, update } = setUp({ 'a.csv': [lost()] })
  await update()
  t.same(calls.slice(3), [
    'publish a.csv of listing 1 over 1', 'precondition a.csv', 'list', 'publish a.csv of listing 2 over 3', 'publish a.parquet of listing 2 over 2'
  ])
})

t.test('each output has five attempts', async (t) => {
  const { calls, update } = setUp({ 'a.csv': Array.from({ length: 4 }, lost), 'a.parquet': Array.from({ length: 4 }, lost) })
  t.equal((await update()).length, 2)
  t.equal(calls.filter((call) => call === 'list').length, 9)
  const hopeless = setUp({ 'a.csv': Array.from({ length: 5 }, lost) })
  await t.rejects(hopeless.update(), { code: 'precondition_failed' })
  t.equal(hopeless.calls.filter((call) => call.startsWith('publish')).length, 5)
  t.notOk(hopeless.calls.some((call) => call.startsWith('publish a.parquet')), 'and the Parquet file stays as it is beside the CSV')
})

t.test('any other failure ends it', async (t) => {
  for (const failure of [new StoreError('unreachable', 'down'), new Error('a bug')]) {
    const { calls, update } = setUp({ 'a.csv': [failure] })
    await t.rejects(update(), failure)
    t.equal(calls.length, 4)
  }
  let listings = 0
  const { calls, update } = setUp({ 'a.csv': [lost()] }, () => ++listings < 2)
  await t.rejects(update(), { message: 'no listing' })
  t.equal(calls.at(-1), 'list', 'nothing is written without a listing')
})
