import { Readable } from 'node:stream'
import t from 'tap'
import { compareOutputs, MAX_UNSORTED_BYTES } from '../../../lib/output/diff.js'
import { until } from '../../support/until.js'

const compare = (before: string, after: string, delimiter = ',') => compareOutputs(Buffer.from(before), Buffer.from(after), { delimiter, key: 'user_id' })

t.test('counts added, changed and removed records', async (t) => {
  const output = 'user_id,name\r\n1,Ann\r\n2,Bob\r\n3,"C, D"\r\n'
  t.same(await compare('user_id,name\r\n', output), { added: 3, changed: 0, removed: 0 })
  t.same(await compare(output, output), { added: 0, changed: 0, removed: 0 })
  t.same(await compare(output, 'user_id,name\r\n1,Anna\r\n3,"C, D"\r\n4,Eve\r\n'), { added: 1, changed: 1, removed: 1 })
  t.same(await compare(output, 'user_id,name\r\n'), { added: 0, changed: 0, removed: 3 })
})

t.test('all records count as changed if the columns differ', async (t) => {
  t.same(await compare('name,user_id\r\nAnn,1\r\n', 'user_id,name\r\n1,Ann\r\n'), { added: 0, changed: 1, removed: 0 })
})

t.test('a previous output that cannot be parsed counts as empty', async (t) => {
  for (const foreign of ['', 'hello', 'a;b\n1;2\n', 'user_id,"x\n', '\xff\xfe']) {
    t.same(await compare(foreign, 'user_id\r\n1\r\n'), { added: 1, changed: 0, removed: 0 }, JSON.stringify(foreign))
  }
})

t.test('the previous output may be in any order and contain a record twice', async (t) => {
  const after = 'user_id,name\r\n1,Ann\r\n2,Bob\r\n4,Eve\r\n'
  t.same(await compare('user_id,name\r\n2,Bob\r\n1,Amy\r\n3,Cid\r\n', after), { added: 1, changed: 1, removed: 1 })
  t.same(await compare('user_id,name\r\n1,Amy\r\n1,Ann\r\n', after), { added: 2, changed: 0, removed: 0 }, 'of several rows with the same key, the last one counts')
  t.same(await compare('user_id,name\r\n1,Ann\r\n"2,Bob\r\n', after), { added: 3, changed: 0, removed: 0 }, 'a previous output that is malformed counts as empty')
})

t.test('outputs with another delimiter are compared', async (t) => {
  t.same(await compare('user_id, name\n1, Ann\n', 'user_id, name\n1, Anna\n', ', '), { added: 0, changed: 1, removed: 0 })
})

const layout = { delimiter: ',', key: 'user_id' }
const streamOf = (text: string, length = text.length) => ({ length, open: () => Readable.from([...text].map((char) => Buffer.from(char))) })

t.test('streams are compared as their bytes', async (t) => {
  const after = 'user_id,name\r\n1,Ann\r\n2,Bob\r\n4,Eve\r\n'
  for (const before of ['user_id,name\r\n1,Amy\r\n2,Bob\r\n3,Cid\r\n', after, '', 'user_id,"x\n', 'a,b\n1,2\n', 'user_id,name\r\n2,Bob\r\n1,Amy\r\n3,Cid\r\n']) {
    t.same(await compareOutputs(streamOf(before), streamOf(after), layout), await compare(before, after), JSON.stringify(before))
  }
})

t.test('a large stream that is not sorted counts as empty; a sorted one is compared', async (t) => {
  const after = streamOf('user_id,name\r\n1,Ann\r\n2,Bob\r\n')
  const [sorted, unsorted] = ['user_id,name\r\n1,Amy\r\n2,Bob\r\n', 'user_id,name\r\n2,Bob\r\n1,Amy\r\n']
  t.same(await compareOutputs(streamOf(unsorted, MAX_UNSORTED_BYTES), after, layout), { added: 0, changed: 1, removed: 0 })
  t.same(await compareOutputs(streamOf(unsorted, MAX_UNSORTED_BYTES + 1), after, layout), { added: 2, changed: 0, removed: 0 })
  t.same(await compareOutputs(streamOf(sorted, MAX_UNSORTED_BYTES + 1), after, layout), { added: 0, changed: 1, removed: 0 })
})

t.test('if a stream fails, the comparison fails with the same error, and both streams are closed', async (t) => {
  const failure = new Error('of the source')
  const rows = Array.from({ length: 2000 }, (_, i) => `${String(i).padStart(5, '0')},Ann\r\n`)
  let open = 0
  const failing = (after: number) => ({
    length: 1000,
    open: async function * () {
      open++
      try {
        yield Buffer.from('user_id,name\r\n')
        for (const row of rows.slice(0, after)) yield Buffer.from(row)
        if (after < rows.length) throw failure
      } finally {
        open--
      }
    }
  })
  for (const [before, after] of [[0, 2000], [1000, 2000], [2000, 0], [2000, 1000]] as const) {
    t.equal(await compareOutputs(failing(before), failing(after), layout).catch((error: unknown) => error), failure)
    await until(() => open === 0)
  }
})
