import t from 'tap'
import type { LakeBackend, PublishRequest } from '../../../lib/worker/lake-backend.js'
import type { PublishGuard } from '../../../lib/output/publisher.js'
import { updateOutputs } from '../../../lib/worker/update-outputs.js'
import type { Output } from '../../../lib/output/output.js'
import { StoreError } from '../../../lib/store/object-store.js'
import type { Precondition, PreconditionFailure } from '../../../lib/store/precondition.js'
import { EMPTY_STATE, type SourceState } from '../../../lib/source/source-state.js'

const outputs: Output[] = [{ format: 'csv', key: 'a.csv' }, { format: 'parquet', key: 'a.parquet' }]
const conflict = () => new StoreError('precondition_failed', 'another writer has replaced the output')

/**
 * A backend that records its calls. `failures` holds the errors of the publishes of each key, in order. Listing n has the
 * precondition n for each output.
 */
function setUp ({ failures = {}, reports = {}, unreadable = {}, failsAt = Infinity }: { reports?: Record<string, object[]>, failures?: Record<string, Error[]>, unreadable?: Record<string, PreconditionFailure>, failsAt?: number } = {}) {
  const calls: string[] = []
  const guards: unknown[] = []
  let listings = 0
  const backend = {
    publish: async ({ name }: SourceState, { output: { key }, precondition: { expectedEtag }, dryRun, guard }: PublishRequest) => {
      calls.push(`publish ${key} of ${name} over ${expectedEtag}${dryRun ? ', dry' : ''}`)
      const failure = failures[key]?.shift()
      if (failure !== undefined) throw failure
      guards.push(guard)
      return { key, skipped: true, ...reports[key]?.shift() }
    }
  } as unknown as LakeBackend
  const refresh = async () => {
    calls.push('list')
    if (++listings >= failsAt) throw new Error('no listing')
    const preconditions = new Map<string, Precondition | PreconditionFailure>(outputs.map(({ key }) => [key, unreadable[key] ?? { expectedEtag: String(listings), racy: false }]))
    return { state: { ...EMPTY_STATE, name: `listing ${listings}` }, preconditions }
  }
  const update = (dryRun = false, guard?: PublishGuard) => updateOutputs(backend, { outputs, dryRun, refresh, ...guard && { guard: () => guard } })
  return { calls, guards, update }
}

t.test('all outputs are published from one listing, each with its own precondition', async (t) => {
  for (const dryRun of [false, true]) {
    const { calls, update } = setUp()
    t.match(await update(dryRun), [{ key: 'a.csv' }, { key: 'a.parquet' }])
    const dry = dryRun ? ', dry' : ''
    t.same(calls, ['list', `publish a.csv of listing 1 over 1${dry}`, `publish a.parquet of listing 1 over 1${dry}`])
  }
})

t.test('after a conflict, the job lists again and publishes all outputs from the new listing with its preconditions', async (t) => {
  const { calls, update } = setUp({ failures: { 'a.csv': [conflict()] } })
  await update()
  t.same(calls, ['list', 'publish a.csv of listing 1 over 1', 'list', 'publish a.csv of listing 2 over 2', 'publish a.parquet of listing 2 over 2'])
  const late = setUp({ failures: { 'a.parquet': [conflict()] } })
  await late.update()
  t.same(late.calls, ['list', 'publish a.csv of listing 1 over 1', 'publish a.parquet of listing 1 over 1', 'list', 'publish a.csv of listing 2 over 2', 'publish a.parquet of listing 2 over 2'])
})

t.test('an output that was written before a conflict, and is current after it, counts as written', async (t) => {
  const { update } = setUp({ failures: { 'a.parquet': [conflict()] }, reports: { 'a.csv': [{ skipped: false, added: 2 }, { skipped: true, added: 0 }], 'a.parquet': [{ skipped: false }] } })
  t.match(await update(), [{ key: 'a.csv', skipped: false, added: 2 }, { key: 'a.parquet', skipped: false }])
})

t.test('only the first output is guarded; if it is held, the others are not published', async (t) => {
  const guard = { maxLoss: 0.2, before: 7 }
  const { calls, guards, update } = setUp({ reports: { 'a.csv': [{ isHeld: true }, { isHeld: true }, { isHeld: false }] } })
  t.match(await update(false, guard), [{ key: 'a.csv', isHeld: true }])
  t.equal(calls.length, 2)
  t.match(await update(true, guard), [{ isHeld: true }, { key: 'a.parquet' }])
  t.equal((await update(false, guard)).length, 2)
  t.same(guards, [guard, guard, undefined, guard, undefined])
})

t.test('the outputs are attempted at most five times', async (t) => {
  const { calls, update } = setUp({ failures: { 'a.csv': Array.from({ length: 2 }, conflict), 'a.parquet': Array.from({ length: 2 }, conflict) } })
  t.equal((await update()).length, 2)
  t.equal(calls.filter((call) => call === 'list').length, 5)
  const hopeless = setUp({ failures: { 'a.csv': Array.from({ length: 5 }, conflict) } })
  await t.rejects(hopeless.update(), { code: 'precondition_failed' })
  t.equal(hopeless.calls.filter((call) => call.startsWith('publish')).length, 5)
  t.notOk(hopeless.calls.some((call) => call.startsWith('publish a.parquet')), 'the Parquet file is not published without the CSV')
})

t.test('any other failure ends the update', async (t) => {
  for (const failure of [new StoreError('unreachable', 'down'), new Error('a bug')]) {
    const { calls, update } = setUp({ failures: { 'a.csv': [failure] } })
    await t.rejects(update(), failure)
    t.equal(calls.length, 2)
  }
  const { calls, update } = setUp({ failures: { 'a.csv': [conflict()] }, failsAt: 2 })
  await t.rejects(update(), { message: 'no listing' })
  t.equal(calls.at(-1), 'list', 'nothing is written without a listing')
})

t.test('an output whose precondition could not be read is not published', async (t) => {
  const { calls, update } = setUp({ unreadable: { 'a.parquet': { code: 'access_denied', message: 'HEAD a.parquet: 403' } } })
  await t.rejects(update(), { name: 'StoreError', code: 'access_denied', message: 'HEAD a.parquet: 403' })
  t.same(calls, ['list', 'publish a.csv of listing 1 over 1'])
})
