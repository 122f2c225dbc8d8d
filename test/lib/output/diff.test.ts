import t from 'tap'
import { compareOutputs } from '../../../lib/output/diff.js'

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

t.test('another delimiter', async (t) => {
  t.same(await compare('user_id, name\n1, Ann\n', 'user_id, name\n1, Anna\n', ', '), { added: 0, changed: 1, removed: 0 })
})
