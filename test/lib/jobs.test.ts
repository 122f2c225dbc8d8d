import t from 'tap'
import { IncompleteSourceError } from '../../lib/base/errors.js'
import { Jobs, type Job } from '../../lib/jobs.js'
import { StoreError } from '../../lib/store/object-store.js'
import type { UpdateReport } from '../../lib/transformer.js'
import { TestClock } from '../support/app.js'
import { VirtualTime } from '../support/virtual-time.js'

const REPORT: UpdateReport = { records: 1, added: 1, changed: 0, removed: 0, rejected: 0, key: 'o', etag: 'e', bytes: 9, skipped: false, otherOutputs: [], warnings: [], phases: { publishMs: 0 } }

function controlled () {
  const clock = new TestClock(1000)
  const runs: { dryRun: boolean, confirm: string | undefined, end: (report?: UpdateReport) => void, fail: (error: Error) => void, progress: (fetched: number) => void }[] = []
  const ended: [Job, unknown][] = []
  const jobs = new Jobs({
    work: ({ dryRun, confirm, onProgress }) => new Promise((resolve, reject) => {
      runs.push({ dryRun, confirm, end: (report = REPORT) => resolve(report), fail: reject, progress: (fetched) => onProgress({ listed: 9, requests: 1, toFetch: 5, fetched }) })
    }),
    instance: 'test',
    clock: clock.read,
    monotonic: clock.monotonic
  })
  jobs.onEnd((job, cause) => { ended.push([job, cause]) })
  return { clock, runs, jobs, ended }
}

t.test('a job reports its states and its result', async (t) => {
  const { clock, runs, jobs, ended } = controlled()
  const { job, ended: end } = jobs.enqueue('api')
  t.match(job, { id: 'test-1', instance: 'test', trigger: 'api', dryRun: false, state: 'running', createdAt: 1000, startedAt: 1000, finishedAt: null })
  runs[0]!.progress(3)
  t.match(jobs.get('test-1'), { progress: { listed: 9, toFetch: 5, fetched: 3 }, result: null, error: null })
  clock.advance(500)
  runs[0]!.end()
  t.match(await end, { id: 'test-1', state: 'succeeded', finishedAt: 1500, result: REPORT, error: null })
  t.same(jobs.get('test-1'), await end)
  t.match(ended, [[{ id: 'test-1' }, undefined]])
  t.equal(jobs.get('test-2'), undefined)
})

t.test('a caller whose job is queued after a job to which the store does not respond waits for 15 s in all, as every caller does', async (t) => {
  const time = new VirtualTime()
  const fails: ((error: Error) => void)[] = []
  const jobs = new Jobs({ work: () => new Promise((_resolve, reject) => fails.push(reject)), instance: 'test', clock: time.clock, monotonic: time.clock, timer: time.timer })
  jobs.enqueue('schedule')
  await time.advance(1000)
  const seen: (string | undefined)[] = []
  jobs.enqueue('api').endedOrSilent().then((job) => { seen.push(job?.id) })
  await time.advance(13_000)
  fails[0]!(new StoreError('timeout', 'no response'))
  await time.advance(1999)
  t.equal(fails.length, 2, 'the second job runs')
  t.same(seen, [])
  await time.advance(1)
  t.same(seen, [undefined])
})

t.test('a caller waits while a job makes progress, commits or publishes, and not for a silent store', async (t) => {
  const time = new VirtualTime()
  let progress = (_: number) => {}
  let commit = () => {}
  let publish = () => {}
  let end = () => {}
  const jobs = new Jobs({
    work: ({ onProgress, onPublish }) => new Promise((resolve) => {
      progress = (fetched) => onProgress({ listed: 9, requests: 1, toFetch: 5, fetched })
      commit = () => onProgress({ listed: 9, requests: 1, toFetch: 5, fetched: 5, isCommitting: true })
      publish = onPublish
      end = () => resolve(REPORT)
    }),
    instance: 'test',
    clock: time.clock,
    monotonic: time.clock,
    timer: time.timer
  })
  const seen: (string | undefined)[] = []
  const wait = () => { jobs.enqueue('api').endedOrSilent().then((job) => { seen.push(job?.id) }) }
  wait()
  for (let i = 0; i < 5; i++) {
    await time.advance(14_999)
    progress(i)
  }
  await time.advance(10_000)
  wait()
  await time.advance(4999)
  t.same(seen, [])
  await time.advance(1)
  t.same(seen, [undefined], 'no progress for 15 s')
  await time.advance(10_000)
  t.same(seen, [undefined, undefined], 'the caller that came later has waited for 15 s, too')
  progress(5)
  wait()
  commit()
  await time.advance(60_000)
  publish()
  await time.advance(60_000)
  t.equal(seen.length, 2, 'writes have limits of their own')
  end()
  await time.advance(0)
  end()
  await time.advance(0)
  t.same(seen, [undefined, undefined, 'test-2'])
})

t.test('one job runs, one waits, and a third request joins the waiting one', async (t) => {
  const { runs, jobs } = controlled()
  const posts = ['schedule', 'api', 'api', 'schedule'].map((trigger) => jobs.enqueue(trigger as 'api'))
  t.same(posts.map(({ job }) => job.id), ['test-1', 'test-2', 'test-2', 'test-2'])
  t.same(jobs.list().map(({ id, state }) => [id, state]), [['test-2', 'waiting'], ['test-1', 'running']])
  runs[0]!.end()
  await posts[0]!.ended
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(jobs.get('test-2')?.state, 'running')
  t.equal(jobs.enqueue('api').job.id, 'test-3', 'the next request does not join the running job')
  runs[1]!.end()
  t.same((await Promise.all(posts.slice(1).map(({ ended }) => ended))).map(({ id }) => id), ['test-2', 'test-2', 'test-2'])
  await new Promise((resolve) => setImmediate(resolve))
  runs[2]!.end()
  await jobs.idle()
  t.equal(runs.length, 3)
})

t.test('a job that confirms a data version is joined by requests that confirm the same one only, and runs after the others', async (t) => {
  const { runs, jobs } = controlled()
  const posts = [undefined, 'V', undefined, 'V', 'W'].map((confirm) => jobs.enqueue('api', { confirm }))
  t.same(posts.map(({ job }) => job.id), ['test-1', 'test-2', 'test-3', 'test-2', 'test-4'])
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    t.equal(runs.length, i + 1, 'one job runs at a time')
    runs[i]!.end()
  }
  await jobs.idle()
  t.same(runs.map(({ confirm }) => confirm), [undefined, 'V', undefined, 'W'])
})

t.test('a job whose output is held ends as held; a dry run never does', async (t) => {
  const { runs, jobs } = controlled()
  const [job, dryRun] = [jobs.enqueue('schedule').ended, jobs.enqueue('api', { dryRun: true }).ended]
  for (const { end } of runs) end({ ...REPORT, confirm: 'V' })
  t.match(await job, { state: 'held', result: { confirm: 'V' }, error: null })
  t.match(await dryRun, { state: 'succeeded', result: { confirm: 'V' } })
})

t.test('a dry run neither waits for a job nor delays one', async (t) => {
  const { runs, jobs } = controlled()
  jobs.enqueue('api')
  const dry = jobs.enqueue('api', { dryRun: true })
  t.match(dry.job, { dryRun: true, state: 'running' })
  t.same(runs.map(({ dryRun }) => dryRun), [false, true])
  runs.forEach(({ end }) => end())
  await jobs.idle()
})

t.test('a failed job reports a code and a detail without internals', async (t) => {
  const { runs, jobs, ended } = controlled()
  const table: [Error, object][] = [
    [new StoreError('unreachable', 'connect ECONNREFUSED secret-host:9000'), { code: 'unreachable', detail: 'The lake cannot be reached' }],
    [new IncompleteSourceError(['source_data/7.csv']), { code: 'download_failed', detail: 'The info file source_data/7.csv could not be downloaded; the output is left as it is' }],
    [new IncompleteSourceError(['source_data/7.csv', 'source_data/8.csv']), { code: 'download_failed', detail: '2 info files, source_data/7.csv among them, could not be downloaded; the output is left as it is' }],
    [new TypeError('secret is undefined'), { code: 'internal_error', detail: 'An unexpected error; see the log' }]
  ]
  for (const [error, expected] of table) {
    const { ended: end } = jobs.enqueue('api')
    runs.at(-1)!.fail(error)
    const job = await end
    t.match(job, { state: 'failed', result: null, error: expected })
    t.notMatch(JSON.stringify(job), /secret/)
    t.equal(ended.at(-1)![1], error, 'onEnd receives the error')
  }
})

t.test('the list contains the last hundred jobs, including all that have not ended', async (t) => {
  const { runs, jobs } = controlled()
  const slow = jobs.enqueue('api')
  for (let i = 0; i < 150; i++) {
    const dry = jobs.enqueue('api', { dryRun: true })
    runs.at(-1)!.end()
    await dry.ended
  }
  t.equal(jobs.list().length, 100)
  t.equal(jobs.get(slow.job.id)?.state, 'running')
  runs[0]!.end()
  t.match(await slow.ended, { state: 'succeeded' })
})
