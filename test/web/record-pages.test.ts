import t from 'tap'
import { toSearch, type Entry } from '../../web/query-state.js'
import { RecordPages } from '../../web/record-pages.js'
import { build, csv } from '../support/app.js'
import { MemoryStore } from '../support/stores.js'

const RECORDS = 12_150

const lake = await build(t, { store: (bucket) => new MemoryStore(bucket) })
for (let i = 0; i < RECORDS; i++) lake.bucket.put(`source_data/${idAt(i)}.csv`, csv('A', `B${i % 7}`, i))
await lake.fresh('/data?limit=1')

function idAt (record: number): string {
  return String(record).padStart(5, '0')
}

/** Opens a listing. `read` reads rows, and returns the requests that it has sent for them: their methods and limits. */
function open (...entries: readonly Entry[]) {
  const requests: string[] = []
  const send = async (path: string, { method }: { readonly method: string }) => {
    requests.push(`${method} ${new URLSearchParams(path.split('?')[1]).get('limit')}`)
    const { statusCode, headers, payload } = await lake.app.inject({ url: `/${path}`, method: method as 'GET' | 'HEAD' })
    t.equal(statusCode, 200, payload)
    return { headers: new Headers(headers as Record<string, string>), payload }
  }
  const getWithHeaders = async <T>(path: string) => {
    const { headers, payload } = await send(path, { method: 'GET' })
    return { headers, body: JSON.parse(payload) as T }
  }
  const get = async <T>(path: string) => (await getWithHeaders<T>(path)).body
  const pages = new RecordPages({ get, getWithHeaders, send }, [['columns', 'user_id'], ...entries], 'user_id')
  return {
    pages,
    async read (first: number, end: number) {
      const before = requests.length
      while (await pages.read(first, end) !== undefined);
      return requests.slice(before)
    }
  }
}

t.test('a distant row is reached by skipping the records before it, and its neighbours from there', async (t) => {
  const { pages, read } = open()
  t.same(await read(0, 30), ['GET 100'])
  t.equal(pages.total, RECORDS)
  t.same(await read(12_130, RECORDS), ['HEAD 10000', 'HEAD 2000', 'GET 100'])
  t.same([pages.row(12_149), pages.row(12_100)], [{ user_id: '12149' }, { user_id: '12100' }])
  t.same(await read(11_990, RECORDS), ['HEAD 1800', 'GET 100', 'GET 100'])
  t.same(pages.row(11_999), { user_id: '11999' })
  t.same(await read(10_150, 10_250), ['GET 100', 'GET 100'])
  t.same(await read(0, 100), [])
})

t.test('every row of a listing is the one that a download has there, whatever the order of reading', async (t) => {
  const listings: readonly (readonly Entry[])[] = [[], [['sort', '-last_name']], [['where', 'last_name!=B3'], ['sort', 'birthts']]]
  for (const entries of listings) {
    const { pages, read } = open(...entries)
    const ids = (await lake.app.inject(`/data${toSearch([['columns', 'user_id'], ...entries])}`)).json().map(({ user_id: id }: { user_id: string }) => id)
    await read(0, 1)
    for (const first of [ids.length - 40, 4321, 5, 4100, 10_100, 9999]) {
      const end = Math.min(first + 40, ids.length)
      await read(first, end)
      t.same(Array.from({ length: end - first }, (_, i) => pages.row(first + i)!['user_id']), ids.slice(first, end), `${entries.join(' ')} ${first}`)
    }
  }
})

t.test('a listing continues with the data version that it began with, also after a change, and its first page stays in memory', async (t) => {
  const { pages, read } = open()
  for (let first = 0; first < 7000; first += 100) await read(first, first + 100)
  t.same([pages.row(0), pages.row(100)], [{ user_id: '00000' }, undefined])
  lake.bucket.delete(`source_data/${idAt(0)}.csv`)
  await lake.fresh('/data?limit=1')
  t.same(await read(0, 100), [])
  t.same(await read(100, 101), ['GET 100'])
  t.same([pages.total, pages.row(100)], [RECORDS, { user_id: '00100' }])
})
