import t from 'tap'
import { checkKeyOrder, isKey } from '../../../lib/store/key.js'
import { ObjectList } from '../../../lib/store/object-list.js'

async function check (pages: string[][], prefix: string): Promise<string[]> {
  async function * infos (): AsyncGenerator<ObjectList> {
    for (const page of pages) yield new ObjectList(page.map(key => ({ key, etag: 'etag', size: 0, lastModified: 0 })))
  }
  const keys: string[] = []
  for await (const page of checkKeyOrder(infos(), prefix, 's3://lake')) for (const { key } of page) keys.push(key)
  return keys
}

t.test('returns ordered listings unchanged', async t => {
  t.same(await check([], ''), [])
  t.same(await check([['a', 'a/b'], [], ['a0', '\uffee', '😀']], ''), ['a', 'a/b', 'a0', '\uffee', '😀'])
})

t.test('refuses listings that are not in order', async t => {
  const cases: Array<[string[][], string]> = [
    [[['b', 'a']], ''], [[['b'], ['a']], ''], [[['a', 'a']], ''], [[['a'], ['a']], ''], [[['😀', '\uffee']], ''], [[['']], ''],
    [[['in/a', 'out']], 'in/']
  ]
  for (const [pages, prefix] of cases) {
    await t.rejects(check(pages, prefix), { code: 'invalid_listing', message: /^s3:\/\/lake: / }, JSON.stringify(pages))
  }
})

t.test('recognizes valid keys', async t => {
  for (const key of ['a', '😀', ' ', '..', '\n']) t.ok(isKey(key), JSON.stringify(key))
  for (const key of ['', '\ud800', 'a\udc00', 'a\0']) t.notOk(isKey(key), JSON.stringify(key))
})
