import { once } from 'node:events'
import { get } from 'node:http'
import t from 'tap'
import { EngineError, type EngineErrorCode } from '../../lib/base/errors.js'
import type { FilterQuery, Selection } from '../../lib/query/data-version.js'
import { build, csv, type LogLine } from '../support/app.js'
import { wrapEngine } from '../support/engines.js'
import { until } from '../support/until.js'

/** Never resolves; rejects when the signal is aborted. */
async function untilAborted ({ signal }: FilterQuery): Promise<never> {
  await once(signal!, 'abort')
  return signal!.throwIfAborted() as never
}

t.test('a failure of the engine is 503 with its code, and the response has nothing of its message', async (t) => {
  const log: LogLine[] = []
  let code: EngineErrorCode = 'engine_unavailable'
  const fail = async (): Promise<never> => { throw new EngineError(code, 'http://shard:8123: secret') }
  const openVersion = wrapEngine(() => ({ select: fail, statistics: fail, undeclared: fail }))
  const { app } = await build(t, { files: { '1.csv': csv() }, openVersion, log })
  for (const url of ['/data', '/data?columns=user_id&limit=1', '/data.csv', '/data/1', '/stats', '/schema']) {
    const response = await app.inject(url)
    if (url === '/schema' && response.statusCode === 200) continue // has nothing of the records
    t.match(response.json(), { status: 503, code, detail: 'The engine, or one of its shards, cannot be reached' }, url)
    t.equal(response.headers['retry-after'], '1')
    t.notMatch(response.body, 'secret')
  }
  t.match(log.filter(({ level }) => level >= 40), [{ level: 40, code, cause: 'http://shard:8123: secret', err: undefined }], 'the first one is logged, without a stack')
  code = 'engine_timeout'
  t.match((await app.inject('/stats')).json(), { status: 503, code })
})

t.test('failures of the engine are a warning again after a minute without any, although no image is read', async (t) => {
  const log: LogLine[] = []
  const fail = async (): Promise<never> => { throw new EngineError('engine_unavailable', 'http://shard:8123: secret') }
  const { app, clock } = await build(t, { files: { '1.csv': csv() }, openVersion: wrapEngine(() => ({ select: fail, statistics: fail })), log })
  const warnings = () => log.filter(({ level, msg }) => level === 40 && /^The engine has failed/.test(msg)).length
  for (const [ms, count] of [[0, 1], [59_999, 1], [59_999, 1], [60_000, 2], [1000, 2]] as const) {
    clock.advance(ms)
    t.equal((await app.inject('/stats')).statusCode, 503)
    t.equal(warnings(), count, `${ms} ms after the failure before`)
  }
})

t.test('an engine that fails before the first record is 503, and later it breaks the connection', async (t) => {
  let good = 0
  const openVersion = wrapEngine(() => ({
    select: async (): Promise<Selection> => ({
      columns: ['user_id'],
      count: 2_000_000,
      next: undefined,
      countAmong: () => 0,
      batches: async function * () {
        for (let i = 0; i < good; i++) yield [['x'.repeat(100_000)]]
        throw new EngineError('engine_unavailable', 'a shard is down')
      }
    })
  }))
  const { app } = await build(t, { files: { '1.csv': csv() }, openVersion })
  const address = await app.listen({ port: 0 })
  for (const url of ['/data', '/data.ndjson?columns=user_id']) {
    good = 0
    const response = await fetch(`${address}${url}`)
    t.equal(response.status, 503, url)
    t.match(await response.json(), { code: 'engine_unavailable' })
    good = 3
    // With another filter, because a text that is requested again is collected before it is sent, so that its failure would be 503.
    const broken = await fetch(`${address}${url}${url.includes('?') ? '&' : '?'}first_name=Ann`)
    t.equal(broken.status, 200)
    await t.rejects(broken.text(), { message: 'terminated' }, url)
  }
})

t.test('the query of a client that leaves ends, and those of the others go on', async (t) => {
  const queries: FilterQuery[] = []
  const openVersion = wrapEngine(() => ({
    isRemote: true,
    select: async (query) => {
      queries.push(query)
      return await untilAborted(query)
    },
    statistics: async (query) => {
      queries.push(query)
      return await untilAborted(query)
    }
  }))
  const { app } = await build(t, { files: { '1.csv': csv() }, openVersion })
  const address = await app.listen({ port: 0 })
  for (const url of ['/data?min_age=1', '/data?min_age=1', '/data.csv?first_name=Ann', '/stats', '/stats']) {
    queries.length = 0
    const [first, second] = [0, 1].map(() => get(`${address}${url}`, { agent: false }).on('error', () => {}))
    await once(second!, 'socket')
    // Expensive queries take turns: the second one begins when the first one has ended.
    await until(() => queries.length === 1)
    t.notOk(queries[0]!.signal!.aborted)
    first!.destroy()
    await until(() => queries.length === 2)
    t.ok(queries[0]!.signal!.aborted)
    t.notOk(queries[1]!.signal!.aborted, `${url}: the plan, which requests share, has no signal`)
    second!.destroy()
    await until(() => queries.every(({ signal }) => signal!.aborted))
  }
})

t.test('a text that is collected for several clients is rendered again if the one that began it leaves', async (t) => {
  let opened = 0
  let isHanging = true
  const openVersion = wrapEngine(() => ({
    isRemote: true,
    select: async (query): Promise<Selection> => ({
      columns: ['user_id'],
      count: 2000,
      next: undefined,
      countAmong: () => 0,
      batches: async function * () {
        opened++
        yield [['first']]
        if (isHanging) await untilAborted(query)
        yield [['second']]
      }
    })
  }))
  const { app } = await build(t, { files: { '1.csv': csv() }, openVersion })
  const address = await app.listen({ port: 0 })
  const url = `${address}/data.csv?columns=user_id`
  const [streamed] = await once(get(url, { agent: false }), 'response')
  streamed.destroy() // the first request streams; the next ones collect
  await until(() => opened === 1)
  const collecting = get(url, { agent: false }).on('error', () => {})
  await until(() => opened === 2)
  const waiting = fetch(url)
  isHanging = false
  collecting.destroy()
  const response = await waiting
  t.equal(response.status, 200)
  t.equal(await response.text(), 'user_id\r\nfirst\r\nsecond\r\n')
})
