import t from 'tap'
import { FirstByteLimit } from '../../../../lib/store/s3/first-byte-limit.js'
import { listAll } from '../../../support/store-contract.js'
import { script } from '../../../support/faults.js'
import { setUpS3 } from '../../../support/s3-setup.js'

t.test('the limit is 2 s, doubles with each timeout up to 8 s, and shrinks when responses begin early', async (t) => {
  const limit = new FirstByteLimit()
  const limits = [limit.ms]
  for (let i = 0; i < 3; i++) {
    limit.timedOut(limit.ms)
    limits.push(limit.ms)
  }
  t.same(limits, [2000, 4000, 8000, 8000])
  limit.timedOut(2000)
  t.equal(limit.ms, 8000, 'requests that were sent together count once')
  limit.responseBegan(2500)
  t.equal(limit.ms, 8000, 'a store that needs the limit keeps it')
  for (let i = 0; i < 3; i++) limit.responseBegan(100)
  t.equal(limit.ms, 2000)
})

t.test('a listing, HEAD, image or snapshot that gets no response is requested again on another connection', async (t) => {
  const { endpoint, bucket, store } = await setUpS3(t, { firstByteMs: 500 })
  bucket.put('key', 'content')
  const reads: Record<string, () => Promise<unknown>> = { LIST: () => listAll(store, ''), HEAD: () => store.head('key'), stream: async () => (await store.stream('key'))!.body.destroy(), GET: () => store.get('key') }
  for (const [name, read] of Object.entries(reads)) {
    const operation = name === 'stream' ? 'GET' : name as 'LIST' | 'HEAD' | 'GET'
    endpoint.reset()
    endpoint.intercept = script({ on: operation, times: 1, fault: 'stall' })
    await t.resolves(read(), name)
    t.equal(endpoint.counts[operation], 2, name)
  }
})
