import t from 'tap'
import { renderOutput, streamOutput, type Output, type RenderedOutput } from '../../../lib/output/output.js'
import { Publisher, type Publication, type PublishReport } from '../../../lib/output/publisher.js'
import type { DataVersion } from '../../../lib/query/data-version.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { emptyState } from '../../../lib/source/source-state.js'
import { FolderStore } from '../../../lib/store/folder/folder-store.js'
import type { ObjectStore } from '../../../lib/store/object-store.js'
import { readPreconditions, type Precondition } from '../../../lib/store/precondition.js'
import type { Table } from '../../../lib/table/table.js'
import { wrapEngine } from '../../support/engines.js'
import { S3Bucket } from '../../support/s3-bucket.js'
import { setUpS3 } from '../../support/s3-setup.js'
import { MemoryStore, wrapStore } from '../../support/stores.js'
import { bytesOf } from '../../support/streamed-bodies.js'
import { tableOf, type TestRow } from '../../support/tables.js'
import { testFolder } from '../../support/test-folder.js'
import { USER_FIELDS } from '../../support/user-fields.js'

const KEY = 'out/output.csv'
const output: Output = { format: 'csv', key: KEY }
const NAMES = ['Ann', 'Bo "b"', ' Cyd', '=D,e\n', 'Eve;', '😀', '']

const rowsOf = (count: number, change: (row: number) => Partial<TestRow> = () => ({})): TestRow[] =>
  Array.from({ length: count }, (_, i) => ({ user_id: String(i), first_name: NAMES[i % NAMES.length]!, birthts: i * 86_400_000, undeclared: i % 3 === 0 ? { city: 'Łódź' } : {}, ...change(i) }))

/** A version whose records are read in batches, as those of an engine that runs elsewhere. */
const inBatches = (table: Table): DataVersion => wrapEngine((version) => ({
  select: async (query) => ({ ...await version.select(query), text: undefined })
}))({ ...emptyState(USER_FIELDS), table }, 'UTC', undefined) as DataVersion

const inMemory = async (table: Table) => await renderOutput(new TableVersion(table, 'UTC'), output)
const streamed = async (table: Table) => await streamOutput(inBatches(table), output)

t.test('a streamed output has the bytes of one in memory, each time that it is read', async (t) => {
  const table = tableOf(rowsOf(3000))
  const outputs: Array<Partial<Output>> = [{}, { delimiter: ';' }, { delimiter: '; ', bom: true }, { escapeFormulas: true, emptyValue: '-', columns: ['city', 'user_id', 'none'] }, { columns: ['city'] }, { filters: [{ column: 'first_name', op: 'equals', value: 'Ann' }] }]
  for (const options of outputs) {
    const { body, ...expected } = await renderOutput(new TableVersion(table, 'UTC'), { ...output, ...options })
    const { body: stream, ...found } = await streamOutput(inBatches(table), { ...output, ...options })
    t.match(found, { contentType: expected.contentType, records: expected.records })
    t.equal(stream.length, body.length)
    for (const time of [1, 2]) t.ok((body as Buffer).equals(await bytesOf(stream)), `${JSON.stringify(options)}, time ${time}`)
  }
})

t.test('a streamed output with more bytes than a PUT accepts is an error that names them', async (t) => {
  const version = inBatches(tableOf(rowsOf(3000)))
  const { body: { length } } = await streamOutput(version, output)
  t.equal((await streamOutput(version, output, length)).body.length, length)
  await t.rejects(streamOutput(version, output, length - 1), { name: 'StoreError', code: 'too_large', message: `${KEY}: the output would have more than ${length - 1} bytes` })
})

/** Publishes these tables one after the other. */
async function publishAll (store: ObjectStore, render: (table: Table) => Promise<RenderedOutput>, steps: ReadonlyArray<Partial<Publication> & { readonly rows: TestRow[] }>): Promise<Array<Omit<PublishReport, 'etag'> & { readonly content: string | undefined }>> {
  const publisher = new Publisher(store)
  const reports = []
  for (const { rows, ...options } of steps) {
    const precondition = (await readPreconditions(store, [KEY])).get(KEY) as Precondition
    const { etag, ...report } = await publisher.publish({ key: KEY, precondition, dryRun: false, ...await render(tableOf(rows)), ...options })
    const found = await store.head(KEY)
    t.equal(etag, found?.etag ?? null)
    const content = await store.get(KEY)
    reports.push({ ...report, metadata: found?.metadata, content: typeof content === 'object' ? content.body.toString() : undefined })
  }
  return reports
}

t.test('streamed outputs are compared, skipped, held and written as those in memory, and never read into memory', async (t) => {
  const guard = { maxLoss: 0.2, before: undefined }
  const steps = [
    { rows: rowsOf(1000), dryRun: true },
    { rows: rowsOf(1000) },
    { rows: rowsOf(1000) },
    { rows: rowsOf(1000, (i) => i === 7 ? { birthts: 1 } : {}) },
    { rows: rowsOf(1200, (i) => i % 10 === 0 ? { last_name: 'New' } : {}), dryRun: true },
    { rows: rowsOf(500), guard },
    { rows: rowsOf(990), guard },
    { rows: [] },
    { rows: rowsOf(1, () => ({ first_name: 'Zoe' })) },
    { rows: rowsOf(1, () => ({ first_name: 'Amy' })) }
  ]
  const s3 = async () => (await setUpS3(t)).store
  const folder = async () => {
    const store = new FolderStore(testFolder(t), { clock: () => Date.now() + 10_000 })
    t.teardown(() => store.close())
    return store
  }
  const expected = await publishAll(new MemoryStore(new S3Bucket(Date.now)), inMemory, steps)
  t.same(expected.map(({ skipped, isHeld }) => isHeld ? 'held' : skipped ? 'skipped' : 'written'), ['skipped', 'written', 'skipped', 'written', 'skipped', 'held', 'written', 'written', 'written', 'written'])
  for (const open of [s3, folder]) {
    const store = await open()
    let reads = 0
    const counting = wrapStore(store, { get: async (...args) => { reads++; return await store.get(...args) } })
    t.same(await publishAll(counting, streamed, steps), expected)
    t.equal(reads, steps.length, 'only those of this test')
  }
})

t.test('a process that has not seen an unchanged output reads it, and writes nothing', async (t) => {
  const { store, endpoint } = await setUpS3(t)
  const steps = [{ rows: rowsOf(1000) }]
  await publishAll(store, streamed, steps)
  endpoint.reset()
  t.match(await publishAll(store, streamed, steps), [{ skipped: true, added: 0, changed: 0, removed: 0 }])
  t.equal(endpoint.counts.PUT, 0)
})

t.test('a streamed output fails with the error of the store if the previous one cannot be read to its end, or was replaced', async (t) => {
  const { store, endpoint, bucket } = await setUpS3(t)
  await publishAll(store, streamed, [{ rows: rowsOf(1000) }])
  const { body } = bucket.get(KEY)!
  endpoint.intercept = ({ operation }) => operation === 'GET' ? 'cut body' : undefined
  for (const rows of [rowsOf(1000), rowsOf(900)]) await t.rejects(publishAll(store, streamed, [{ rows }]), { name: 'StoreError', code: 'unreachable', message: `s3://lake/${KEY}: reading it failed in the middle` })
  endpoint.intercept = ({ operation }) => {
    if (operation === 'GET') bucket.put(KEY, 'of another process')
    return undefined
  }
  await t.rejects(publishAll(store, streamed, [{ rows: rowsOf(900) }]), { name: 'StoreError', code: 'precondition_failed' })
  endpoint.reset()
  bucket.put(KEY, body)
  endpoint.intercept = ({ operation }) => operation === 'PUT' ? bucket.put(KEY, 'of another process') && undefined : undefined
  await t.rejects(publishAll(store, streamed, [{ rows: rowsOf(900) }]), { name: 'StoreError', code: 'precondition_failed' })
  t.equal(bucket.get(KEY)!.body.toString(), 'of another process')
})
