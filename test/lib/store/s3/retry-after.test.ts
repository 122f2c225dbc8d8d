import t from 'tap'
import { StoreError } from '../../../../lib/store/object-store.js'
import { DownloadQueue, type Download } from '../../../../lib/store/s3/download-queue.js'
import { script } from '../../../support/faults.js'
import { setUpS3 } from '../../../support/s3-setup.js'
import { listAll } from '../../../support/store-contract.js'

t.test('requests that get 408 or 429 are repeated', async (t) => {
  const { endpoint, bucket, store } = await setUpS3(t)
  bucket.put('key', 'content')
  for (const status of [408, 429]) {
    endpoint.intercept = script(...(['GET', 'LIST', 'HEAD', 'PUT'] as const).map((on) => ({ on, times: 2, fault: { status } })))
    t.match(await store.get('key'), { size: 7 }, `GET, ${status}`)
    t.equal((await listAll(store, '')).length, 1, `LIST, ${status}`)
    t.match(await store.head('key'), { size: 7 }, `HEAD, ${status}`)
    t.match(await store.put('key', Buffer.from('content')), { etag: String }, `PUT, ${status}`)
    endpoint.intercept = script({ on: 'PUT', times: 2, fault: { status } })
    const { etag } = (await store.head('key'))!
    t.match(await store.put('key', Buffer.from('content'), { ifMatch: etag }), { etag: String }, `conditional PUT, ${status}`)
  }
})

t.test('a listing is requested again after the time that Retry-After names', async (t) => {
  const { endpoint, store } = await setUpS3(t)
  const times: number[] = []
  endpoint.intercept = () => {
    times.push(performance.now())
    return times.length < 3 ? { status: 503, headers: { 'retry-after': '1' } } : undefined
  }
  t.equal((await listAll(store, '')).length, 0)
  // The second request is that of the SDK, which follows the one of the fast path at once.
  t.ok(times[2]! - times[1]! > 900, `${times[2]! - times[1]!} ms`)
})

t.test('if all downloads fail, none starts for the time that Retry-After names, at most 5 s', async (t) => {
  const error = new StoreError('store_error', 'refused')
  for (const [retryAfterMs, expected] of [[0, 1000], [500, 1000], [3000, 3000], [60_000, 5000]] as const) {
    const queue = new DownloadQueue({ min: 100, max: 100 })
    const downloads = Array.from({ length: 50 }, () => queue.start() as Download)
    let now = performance.now()
    const clock = t.capture(performance, 'now', () => now)
    for (const download of downloads) queue.failed(download, error, retryAfterMs)
    let isStarted = false
    const waiting = Promise.resolve(queue.start()).then(() => { isStarted = true })
    const wake = async (ms: number) => {
      now += ms
      queue.succeeded({ sentAt: now })
      await Promise.resolve().then(() => {}).then(() => {})
      return isStarted
    }
    t.equal(await wake(expected - 1), false, `${retryAfterMs}`)
    t.equal(await wake(1), true, `${retryAfterMs}`)
    await waiting
    clock.restore()
    queue.close()
  }
})
