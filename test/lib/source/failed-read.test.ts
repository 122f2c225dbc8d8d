import fc from 'fast-check'
import t from 'tap'
import { OUTPUT_WAIT_MS, failedRead, isPaused, MAX_PAUSE_MS, MAX_REFUSED_PAUSE_MS, MIN_PAUSE_MS, nextBackoff, settleFailedReads, type ReadFailure } from '../../../lib/source/failed-read.js'
import { rejection } from '../../../lib/source/reject.js'
import type { RejectedFile } from '../../../lib/source/source-state.js'

const REFUSED: ReadFailure = { code: 'access_denied', storeCode: 'HTTP 403 AccessDenied', isRefused: true }
const TIMEOUT: ReadFailure = { code: 'timeout', isRefused: false }
const PASSING: readonly ReadFailure[] = [TIMEOUT, { code: 'unreachable', storeCode: 'ECONNRESET', isRefused: false }, { code: 'store_error', storeCode: 'HTTP 503 SlowDown', isRefused: false }, { code: 'corrupt', isRefused: false }]

const failures = fc.array(fc.record({ ms: fc.integer({ min: 0, max: 100_000 }), failure: fc.constantFrom(REFUSED, ...PASSING), isSameVersion: fc.boolean(), isAlone: fc.boolean() }), { minLength: 1, maxLength: 40 })

t.test('whatever the failures and their times: outputs wait for a minute at most, pauses grow up to their maximum, and a required attempt waits 10 s at most', async () => {
  fc.assert(fc.property(failures, (attempts) => {
    let file: RejectedFile | undefined
    let [now, first] = [1000, NaN]
    for (const { ms, failure, isSameVersion, isAlone } of attempts) {
      now += ms
      if (file === undefined) first = now
      const last = file?.backoff
      const backoff = nextBackoff(file, isSameVersion, failure, now)
      if (failure.isRefused || now - first >= OUTPUT_WAIT_MS) assert(backoff.isGivenUp, 'outputs wait too long')
      else if (file?.rejection.code !== 'unreadable' || !isSameVersion) assert(!backoff.isGivenUp, 'outputs do not wait')
      assert(backoff.until === now + backoff.pauseMs, 'the pause begins now')
      assert(backoff.pauseMs <= (failure.isRefused ? MAX_REFUSED_PAUSE_MS : MAX_PAUSE_MS), 'the pause is too long')
      if (backoff.isGivenUp) {
        assert(backoff.pauseMs >= MIN_PAUSE_MS, 'the pause is too short')
        if (isSameVersion && last !== undefined) assert(backoff.pauseMs >= Math.min(2 * last.pauseMs, MAX_PAUSE_MS), 'the pause does not grow')
      }
      assert(isPaused({ backoff }, now + MIN_PAUSE_MS, true) === false, 'a required attempt waits')
      assert(isPaused({ backoff }, backoff.until, false) === false, 'the pause does not end')
      const rejected = new Map([[0, { id: '1', key: '1.csv', etag: 'e', size: 1, racy: true, rejection: failedRead(failure), backoff }]])
      settleFailedReads(rejected, isAlone ? 1 : 3)
      file = rejected.get(0)!
      assert(file.rejection.code === (backoff.isGivenUp && !isAlone ? 'unreadable' : 'download_failed'), 'the code is wrong')
    }
  }))
})

t.test('a file that the store refuses for a day is requested some 150 times, and one that fails otherwise at most once a minute', async (t) => {
  const attemptsInADay = (failure: ReadFailure) => {
    let file: Pick<RejectedFile, 'backoff' | 'rejection'> | undefined
    let attempts = 0
    for (let now = 0; now < 86_400_000; now += 2000) {
      if (file !== undefined && isPaused(file, now, false)) continue
      attempts++
      file = { rejection: failedRead(failure), backoff: nextBackoff(file, true, failure, now) }
    }
    return attempts
  }
  t.equal(attemptsInADay(REFUSED), 149)
  for (const failure of PASSING) t.ok(attemptsInADay(failure) < 1500, failure.code)
})

t.test('the time limit of an attempt grows with timeouts only', async (t) => {
  let file: RejectedFile | undefined
  const limits = [TIMEOUT, PASSING[1]!, TIMEOUT, TIMEOUT, REFUSED].map((failure, i) => {
    const backoff = nextBackoff(file, true, failure, i)
    file = { backoff, rejection: failedRead(failure) } as RejectedFile
    return [backoff.timeoutMs, backoff.pauseMs]
  })
  t.same(limits, [[4000, 10_000], [4000, 0], [8000, 20_000], [8000, 40_000], [8000, 80_000]])
})

t.test('files that were given up are rejects only while they are fewer than half of the info files', async (t) => {
  const backoff = nextBackoff(undefined, false, REFUSED, 0)
  const file = (key: string, isRefused: boolean): RejectedFile => ({
    id: key,
    key,
    etag: 'e',
    size: 1,
    racy: true,
    ...isRefused ? { backoff, rejection: failedRead(REFUSED) } : { rejection: rejection('no_row', 'no row') }
  })
  for (const [refused, infoFiles, code] of [[1, 3, 'unreadable'], [1, 2, 'download_failed'], [49, 100, 'unreadable'], [50, 100, 'download_failed']] as const) {
    const rejected = new Map(Array.from({ length: infoFiles }, (_, i) => [i, file(String(i), i < refused)]))
    const before = [...rejected.values()]
    settleFailedReads(rejected, infoFiles)
    t.same([...rejected.values()].map(({ rejection }) => rejection.code), before.map((_, i) => i < refused ? code : 'no_row'))
    const settled = [...rejected.values()]
    settleFailedReads(rejected, infoFiles)
    t.ok([...rejected.values()].every((file, i) => file === settled[i]), 'what does not change stays the same object')
  }
})

t.test('the reject has the code of the store, and a hint', async (t) => {
  const hintOf = (failure: ReadFailure) => failedRead(failure).hint
  t.match(failedRead(REFUSED), { code: 'download_failed', detail: 'The file could not be downloaded (HTTP 403 AccessDenied); the download is tried again', hint: /Allow the credentials/ })
  t.match(failedRead(TIMEOUT), { detail: /\(timeout\)/, hint: null })
  t.match(hintOf({ code: 'access_denied', storeCode: 'EACCES', isRefused: true }), /user that runs the service/)
  t.match(hintOf({ code: 'access_denied', storeCode: 'HTTP 403 InvalidObjectState', isRefused: true }), /archived/)
  t.match(hintOf({ code: 'store_error', storeCode: 'HTTP 404 Unknown', isRefused: true }), /upload the file again/)
  t.match(hintOf({ code: 'store_error', storeCode: 'HTTP 400 InvalidRequest', isRefused: true }), /SSE-C/)
  t.match(hintOf({ code: 'invalid_key', storeCode: 'EISDIR', isRefused: true }), /or delete it/)
  t.match(hintOf({ code: 'corrupt', isRefused: false }), /damaged/)
})

function assert (condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}
