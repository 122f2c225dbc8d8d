import t from 'tap'
import { bearer, entryOf, keyOf } from '../support/api-keys.js'
import { build, csv, PNG, type LogLine, type TestLake } from '../support/app.js'
import { listenToChanges } from '../support/event-stream.js'
import { testKeyFile } from '../support/test-key-file.js'

const files = { '1.csv': csv('Ann'), '2.csv': csv('Bo'), '3.csv': csv('Cy') }
const ann = { user_id: '1', first_name: 'Ann', last_name: 'Lee', birthts: 0, img_path: null }

const versionOf = async ({ app }: TestLake) => String((await app.inject('/data?limit=1')).headers['data-version'])
const changesSince = async ({ fresh }: TestLake, search: string) => (await fresh(`/changes?since=${search}`)).json

t.test('the changes since a version are the records that were added or changed, and the keys of those that were removed', async (t) => {
  const lake = await build(t, { files })
  const { bucket } = lake
  const first = await versionOf(lake)
  t.same(await changesSince(lake, first), { since: first, version: first, next: first, changed: [], removed: [] })
  bucket.put('source_data/2.csv', csv('Bob'))
  bucket.put('source_data/4.csv', csv('Di'))
  bucket.delete('source_data/1.csv')
  const { version, next, ...rest } = await changesSince(lake, first)
  t.same(rest, { since: first, changed: [{ ...ann, user_id: '2', first_name: 'Bob' }, { ...ann, user_id: '4', first_name: 'Di' }], removed: ['1'] })
  t.equal(version, await versionOf(lake))
  t.equal(next, version)
  t.same((await changesSince(lake, next)).changed, [])
  t.same((await changesSince(lake, `${first}&columns=user_id,first_name`)).changed, [{ user_id: '2', first_name: 'Bob' }, { user_id: '4', first_name: 'Di' }])
  const current = (await lake.app.inject('/changes')).json()
  t.same(current, { since: version, version, next: version, changed: [], removed: [] }, 'without since: the current position')
})

t.test('a version that recurs has another `next`, and a file that is uploaded again without a change is no change', async (t) => {
  const lake = await build(t, { files })
  const first = await versionOf(lake)
  lake.bucket.put('source_data/1.csv', csv('Amy'))
  const second = (await changesSince(lake, first)).next
  lake.bucket.put('source_data/1.csv', csv('Ann'))
  const third = await changesSince(lake, second)
  t.same([third.version, third.next, third.changed], [first, `${first}~1`, [ann]])
  t.same((await changesSince(lake, first)).changed, [ann], 'the first time that the records were these')
  lake.bucket.put('source_data/1.csv', csv('Ann'))
  t.same((await changesSince(lake, third.next)), { since: third.next, version: first, next: third.next, changed: [], removed: [] })
})

t.test('a replaced image is a change within the version', async (t) => {
  const lake = await build(t, { files: { ...files, '1.png': PNG } })
  const { bucket } = lake
  const first = await versionOf(lake)
  const replace = async (n: number, since: string) => {
    bucket.put('source_data/1.png', Buffer.concat([PNG, Buffer.from(`${n}`)]))
    return await changesSince(lake, since)
  }
  const record = { ...ann, img_path: 'source_data/1.png' }
  const once = await replace(1, first)
  t.same(once, { since: first, version: first, next: `${first}~1`, changed: [record], removed: [] })
  const twice = await replace(2, once.next)
  t.same([twice.next, twice.changed], [`${first}~2`, [record]])
  t.same((await changesSince(lake, `${first}~2`)).changed, [])
  t.same((await changesSince(lake, `${first}~7`)).changed, [record], 'a number that this process does not know')
  t.equal(await versionOf(lake), first)
})

t.test('all pages of a listing are of one version, even if the data changes in between', async (t) => {
  const lake = await build(t, { files })
  const { app, bucket } = lake
  const first = await versionOf(lake)
  for (const id of ['1', '2', '5', '6']) bucket.put(`source_data/${id}.csv`, csv('New'))
  bucket.delete('source_data/3.csv')
  let response = await app.inject({ url: `/changes?since=${first}&limit=2&columns=user_id`, headers: { 'cache-control': 'no-cache' } })
  const version = response.json().version
  const seen: unknown[] = []
  for (;;) {
    const { changed, removed, next, ...rest } = response.json()
    seen.push([changed.map((record: { user_id: string }) => record.user_id), removed, next])
    t.match(rest, { since: first, version })
    t.equal(response.headers['data-version'], version)
    bucket.put('source_data/2.csv', csv(`Newer ${seen.length}`))
    await lake.fresh('/data')
    const link = /^<([^>]+)>; rel="next"$/.exec(String(response.headers.link))?.[1]
    t.equal(link, response.headers['next-cursor'] && `/changes?cursor=${response.headers['next-cursor']}`)
    if (link === undefined) break
    response = await app.inject(link)
  }
  t.same(seen, [[['1', '2'], [], null], [['5'], ['3'], null], [['6'], [], version]])
  t.same((await changesSince(lake, version)).changed.map((record: { first_name: string }) => record.first_name), ['Newer 3'])
})

t.test('NDJSON ends with the version, unless another page follows', async (t) => {
  const lake = await build(t, { files })
  const first = await versionOf(lake)
  lake.bucket.put('source_data/1.csv', csv('Amy'))
  lake.bucket.delete('source_data/3.csv')
  const { next } = await changesSince(lake, first)
  const lines = async (search: string, headers = {}) => (await lake.app.inject({ url: `/changes?since=${first}&columns=user_id${search}`, headers })).body
  const upsert = '{"op":"upsert","record":{"user_id":"1"}}\n'
  t.equal(await lines('&format=ndjson'), `${upsert}{"op":"remove","key":"3"}\n{"op":"version","version":"${next}"}\n`)
  t.equal(await lines('&limit=1', { accept: 'application/x-ndjson' }), upsert)
  t.equal(await lines('&limit=1', { accept: 'application/x-ndjson; charset=utf-8' }), upsert)
})

t.test('a version that the log does not reach is 410, and wrong parameters are 400', async (t) => {
  const lake = await build(t, { files })
  const get = async (search: string, headers = {}) => (await lake.app.inject({ url: `/changes?${search}`, headers })).json()
  t.match(await get(`since=${'A'.repeat(22)}`), { status: 410, code: 'version_gone', restart: '/data' })
  const first = await versionOf(lake)
  for (const since of ['2026-11-27T00:00:00Z', '2026-11-27']) {
    t.match(await get(`since=${since}`), { status: 400, errors: [{ parameter: 'since', detail: `got "${since}"; must be a Data-Version, or the next of an earlier response: changes are known by version, not by time; GET /changes has the current version in next, for a later request` }] })
  }
  for (const [search, parameter] of [['since=yesterday', 'since'], [`since=${first}~x`, 'since'], ['limit=0', 'limit'], ['columns=nmae', 'columns'], ['columns=age', 'columns'], ['cursor=x', 'cursor'], ['format=events&limit=1', 'limit'], ['where=x', 'where']]) {
    t.match(await get(search!), { status: 400, errors: [{ parameter }] }, search!)
  }
  t.match(await get('', { accept: 'application/xml' }), { status: 406 })
  lake.bucket.put('source_data/1.csv', csv('Amy'))
  lake.bucket.put('source_data/2.csv', csv('Amy'))
  await lake.fresh('/data')
  const { headers } = await lake.app.inject(`/changes?since=${first}&limit=1`)
  t.match(await get(`cursor=${headers['next-cursor']}&since=${'A'.repeat(22)}`), { status: 400, errors: [{ parameter: 'cursor' }] })
  t.equal((await lake.app.inject({ method: 'HEAD', url: `/changes?since=${first}` })).statusCode, 200)
})

t.test('the log of changes survives a restart', async (t) => {
  const lake = await build(t, { files })
  const first = await versionOf(lake)
  lake.bucket.put('source_data/1.csv', csv('Amy'))
  const { next } = await changesSince(lake, first)
  await lake.app.transformer.flush()
  lake.bucket.put('source_data/2.csv', csv('Bob'))
  const second = await build(t, { beside: lake })
  t.same((await changesSince(second, next)).changed.map((record: { first_name: string }) => record.first_name), ['Bob'])
  t.same((await changesSince(second, first)).changed.map((record: { first_name: string }) => record.first_name), ['Amy', 'Bob'])
})

t.test('an event stream reports at once what changes while an event is rendered', async (t) => {
  const lake = await build(t, { files })
  const { transformer } = lake.app
  const renderChanges = transformer.renderChanges.bind(transformer)
  const change = async (id: string, name: string) => {
    lake.bucket.put(`source_data/${id}.csv`, csv(name))
    await lake.fresh('/data')
  }
  let isChanging = true
  transformer.renderChanges = async function * (...args) {
    for await (const piece of renderChanges(...args)) {
      yield piece
      if (isChanging) {
        isChanging = false
        await change('2', 'Bob')
      }
    }
  }
  const listener = await listenToChanges(t, lake, `since=${await versionOf(lake)}`)
  await change('1', 'Amy')
  const ids = async () => JSON.parse((await listener.next())!['data']!).changed.map(({ user_id: id }: { user_id: string }) => id)
  t.same(await ids(), ['1'])
  await change('3', 'Cyd')
  t.same(await ids(), ['2'])
  t.same(await ids(), ['3'])
})

t.test('an event stream ends when its API key is removed, before the next change is sent', async (t) => {
  const keys = testKeyFile(t, `${entryOf('read')}\n${entryOf('write')}`)
  const log: LogLine[] = []
  const lake = await build(t, { files: { '1.csv': csv('Ann') }, log, keyFileTimer: keys.timer, settings: { API_KEYS_FILE: keys.path } })
  const reconcile = async () => { t.equal((await lake.app.inject({ method: 'POST', url: '/data', headers: bearer(keyOf('write')) })).statusCode, 200) }
  const listener = await listenToChanges(t, lake, '', bearer(keyOf('read')))
  lake.bucket.put('source_data/2.csv', csv('Bea'))
  await reconcile()
  t.match(await listener.next(), { event: 'changes' })
  await keys.replace(entryOf('write'))
  lake.bucket.put('source_data/3.csv', csv('Cleo'))
  await reconcile()
  t.equal(await listener.next(), undefined, 'the stream has ended')
  t.match(log.filter(({ msg }) => /^Event stream ended/.test(msg)), [{ client: 'read' }])
})

t.test('an event stream reports changes, continues after Last-Event-ID, and resets', async (t) => {
  const lake = await build(t, { files })
  const first = await versionOf(lake)
  const listener = await listenToChanges(t, lake, `since=${first}&columns=user_id,first_name`)
  t.equal(listener.response.headers['content-type'], 'text/event-stream')
  lake.bucket.put('source_data/1.csv', csv('Amy'))
  await lake.fresh('/data')
  const event = await listener.next()
  t.match(event, { event: 'changes', id: await versionOf(lake) })
  t.match(JSON.parse(event!['data']!), { since: first, next: event!['id'], changed: [{ user_id: '1', first_name: 'Amy' }], removed: { length: 0 } })
  lake.bucket.delete('source_data/2.csv')
  await lake.fresh('/data')
  t.match(JSON.parse((await listener.next())!['data']!), { since: event!['id'], changed: { length: 0 }, removed: ['2'] })
  const again = await listenToChanges(t, lake, `since=${first}`, { 'last-event-id': event!['id']! })
  t.match(JSON.parse((await again.next())!['data']!), { since: event!['id'], removed: ['2'] }, 'Last-Event-ID takes precedence over since')
  const lost = await listenToChanges(t, lake, `since=${'A'.repeat(22)}`)
  t.match(await lost.next(), { event: 'reset', id: await versionOf(lake), data: '{"restart":"/data"}' })
  const malformed = await listenToChanges(t, lake, `since=${first}`, { 'last-event-id': 'xyz' })
  t.match(await malformed.next(), { event: 'reset', id: await versionOf(lake) }, 'a malformed Last-Event-ID, too')
  const empty = await listenToChanges(t, lake, `since=${first}`, { 'last-event-id': '' })
  t.match(JSON.parse((await empty.next())!['data']!), { since: first }, 'an empty id is no id')
  await lake.app.close()
  t.equal(await listener.next(), undefined, 'a shutdown ends the streams')
  t.equal(await lost.next(), undefined)
})
