import type { LightMyRequestResponse } from 'fastify'
import t from 'tap'
import { build, csv, CLOCK_START } from '../support/app.js'

const infoFile = (first: string, last: string, born: string, city?: string) =>
  `first_name,last_name,birthts${city === undefined ? '' : ',city'}\n${first},${last},${Date.parse(born)}${city === undefined ? '' : `,${city}`}\n`
const files = {
  '1.csv': infoFile('Ann', 'Lee', '1990-06-15', 'Rome'),
  '2.csv': infoFile('anna', 'Lee', '1990-06-16'),
  '3.csv': infoFile('Bob', 'Łukasz', '2000-01-01', 'New Rome'),
  '4.csv': infoFile('Émile', 'lee', '1955-01-01', ''),
  '5.csv': infoFile('', 'O\'Neil', '2030-01-01', 'x=y')
}
const AT = 'as_of=2025-06-15T12:00:00Z'

t.test('where compares the values of any column', async (t) => {
  const { app } = await build(t, { files: { ...files, '1.png': 'x' } })
  const table: [conditions: string[], ids: string[]][] = [
    [['first_name=Ann'], ['1']], [['first_name=ann'], []], [['first_name='], ['5']], [['first_name=Ann', 'first_name=Bob'], ['1', '3']],
    [['first_name!=Ann'], ['2', '3', '4', '5']], [['first_name!=Ann', 'first_name!=Bob'], ['2', '4', '5']],
    [['first_name<B'], ['1', '5']], [['first_name<=Bob'], ['1', '3', '5']], [['first_name>Bob'], ['2', '4']], [['first_name>=Bob', 'first_name<b'], ['2', '3']],
    [['first_name~AN'], ['1', '2']], [['first_name~é'], ['4']], [['first_name~'], ['1', '2', '3', '4', '5']], [['first_name^=An'], ['1']], [['first_name^='], ['1', '2', '3', '4', '5']],
    [['birthts>0'], ['1', '2', '3', '5']], [[`birthts=${Date.parse('2000-01-01')}`, 'birthts=1'], ['3']], [['birthts<6.5e11'], ['1', '2', '4']], [['birthts>=-1e12', `birthts<${Date.parse('1990-06-15')}`], ['4']],
    [['city'], ['1', '3', '4', '5']], [['!city'], ['2']], [['city='], ['4']], [['city!=Rome'], ['3', '4', '5']], [['city~rome'], ['1', '3']], [['city=x=y'], ['5']],
    [['user_id=1', 'user_id=4', 'user_id=9'], ['1', '4']], [['user_id>3'], ['4', '5']], [['user_id!=2'], ['1', '3', '4', '5']], [['user_id~1'], ['1']], [['user_id^=2'], ['2']],
    [['img_path'], ['1']], [['!img_path'], ['2', '3', '4', '5']], [['img_path=source_data/1.png'], ['1']], [['img_path~PNG'], ['1']], [['img_path^=source'], ['1']], [['img_path>=z'], []],
    [['last_name=Lee', 'city'], ['1']]
  ]
  for (const [conditions, ids] of table) {
    const search = new URLSearchParams(conditions.map((condition): [string, string] => ['where', condition])).toString()
    t.same((await app.inject(`/data?${search}`)).json().map((record: { user_id: string }) => record.user_id), ids, conditions.join(' '))
    t.equal((await app.inject(`/stats?${search}`)).json().count, ids.length, `${conditions.join(' ')}: the same in /stats`)
  }
})

t.test('q finds words in every text column', async (t) => {
  const { app } = await build(t, { files: { ...files, '1.png': 'x' } })
  const ids = async (q: string) => (await app.inject(`/data?${new URLSearchParams({ q })}`)).json().map((record: { user_id: string }) => record.user_id).join('')
  t.equal(await ids('rome'), '13')
  t.equal(await ids(' BOB  rome '), '3')
  t.equal(await ids('lee 4'), '4', 'the key is searched as well')
  t.equal(await ids('source'), '', 'the keys of images are not searched')
  t.equal(await ids('0'), '', 'numbers are not searched')
  for (const q of [' ', 'a '.repeat(17)]) t.match((await app.inject(`/data?${new URLSearchParams({ q })}`)).json(), { errors: [{ parameter: 'q', detail: /1 to 16 words/ }] })
})

t.test('columns=* is every column, and sort takes several', async (t) => {
  const { app } = await build(t, { files })
  const header = async (columns: string) => (await app.inject(`/data.csv?columns=${columns}&limit=1`)).body.split('\r\n')[0]
  t.equal(await header('*'), 'user_id,first_name,last_name,birthts,img_path,city')
  t.equal(await header('city,*'), 'city,user_id,first_name,last_name,birthts,img_path')
  t.equal(await header('*,age'), 'user_id,first_name,last_name,birthts,img_path,city,age')
  const ids = async (sort: string) => {
    const all = (await app.inject(`/data?${AT}&sort=${sort}&columns=user_id`)).json().map((record: { user_id: string }) => record.user_id)
    const paged: string[] = []
    for (let url: string | undefined = `/data?${AT}&sort=${sort}&columns=user_id&limit=2`; url !== undefined;) {
      const response: LightMyRequestResponse = await app.inject(url)
      paged.push(...response.json().map((record: { user_id: string }) => record.user_id))
      url = /^<([^>]+)>/.exec(String(response.headers['link'] ?? ''))?.[1]
    }
    t.same(paged, all, `the pages of ${sort}`)
    return all.join('')
  }
  t.equal(await ids('last_name,-birthts'), '21543')
  t.equal(await ids('-last_name,user_id'), '34512')
  t.equal(await ids('-last_name'), '34521')
  t.equal(await ids('city,first_name'), '43152')
  t.equal(await ids('-city'), '51342')
  t.equal(await ids('age'), '53214')
  t.equal(await ids('-age,user_id'), '41235')
})

t.test('the age of one record is that at as_of, or expires with the minute', async (t) => {
  const { app, clock } = await build(t, { files, settings: { MAX_STALENESS: '1h' } })
  const get = async (search: string) => await app.inject(`/data/1?${search}`)
  t.same((await get(`${AT}&columns=user_id,age`)).json(), { user_id: '1', age: 35 })
  t.same((await get('as_of=2001-06-15T00:00:00Z&columns=age')).json(), { age: 11 })
  t.equal((await get(AT)).body, (await get('')).body)
  clock.advance(10_000)
  t.equal((await get(`${AT}&columns=age`)).headers['cache-control'], 'private, max-age=3590')
  t.equal((await get('columns=age')).headers['cache-control'], 'private, max-age=19', 'the minute ends in 19.5 s')
  t.match((await get('as_of=today')).json(), { status: 400, errors: [{ parameter: 'as_of', detail: /RFC 3339/ }] })
})

t.test('age is a virtual column of completed years', async (t) => {
  const { app, clock } = await build(t, { files })
  const at = await app.inject(`/data?${AT}&columns=user_id,age&where=age>=0&sort=-age`)
  t.same(at.json(), [{ user_id: '4', age: 70 }, { user_id: '1', age: 35 }, { user_id: '2', age: 34 }, { user_id: '3', age: 25 }])
  t.same((await app.inject(`/data?${AT}&where=age=35&where=age=25&columns=user_id`)).json(), [{ user_id: '1' }, { user_id: '3' }])
  t.equal((await app.inject(`/stats?${AT}&where=age<0`)).json().count, 1)
  for (const search of ['columns=age', 'sort=age', 'where=age>30']) {
    const dated = await app.inject(`/data?${AT}&${search}`)
    const undated = await app.inject(`/data?${search}`)
    const etagOf = async () => (await app.inject(`/data?${search}`)).headers['etag']
    t.equal(dated.headers['etag'] === undated.headers['etag'], false, search)
    const etag = await etagOf()
    clock.now += 60_000
    t.not(await etagOf(), etag, `${search} expires with the minute`)
    clock.now = CLOCK_START
  }
  const own = await build(t, { files: { '1.csv': 'first_name,last_name,birthts,age\nA,B,0,young\n' } })
  t.same((await own.app.inject('/data?columns=age&where=age=young')).json(), [{ age: 'young' }], 'a column of the files takes its place')
  t.same((await own.app.inject('/data/1')).json(), { user_id: '1', first_name: 'A', last_name: 'B', birthts: 0, img_path: null })
  t.equal((await build(t, { files: { '1.csv': csv() } }).then(({ app }) => app.inject('/data?columns=*'))).json()[0].age, undefined)
})
