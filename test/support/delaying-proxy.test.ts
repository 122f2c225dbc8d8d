import t from 'tap'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { startDelayingProxy } from './delaying-proxy.js'
import './file-timeout.js'
import { startS3Endpoint } from './s3-endpoint.js'

t.test('a proxy resets connections, loses responses, cuts them after any number of bytes, and slows them down', async (t) => {
  const endpoint = await startS3Endpoint()
  const proxy = await startDelayingProxy(endpoint.url)
  const store = new S3Store({ bucket: 'lake', endpoint: proxy.url })
  t.teardown(async () => {
    await store.close()
    await proxy.stop()
    await endpoint.stop()
  })
  endpoint.bucket('lake').put('key', 'x'.repeat(2000))
  for (const fault of ['reset', { resetAfter: 0 }, { resetAfter: 1000 }] as const) {
    proxy.fault = fault
    await t.rejects(store.get('key'), { code: 'unreachable' }, JSON.stringify(fault))
  }
  for (const fault of ['lose', { loseAfter: 1000 }, { bytesPerSecond: 1000 }] as const) {
    proxy.fault = fault
    await t.rejects(store.get('key', { maxMs: 200 }), { code: 'timeout' }, JSON.stringify(fault))
  }
  proxy.fault = { bytesPerSecond: 1_000_000 }
  t.match(await store.get('key'), { size: 2000 })
  proxy.fault = undefined
  t.match(await store.get('key'), { size: 2000 })
})

t.test('a proxy forwards requests and responses unchanged, and is silent while its latency is infinite', async (t) => {
  const endpoint = await startS3Endpoint()
  const proxy = await startDelayingProxy(endpoint.url, 20)
  const store = new S3Store({ bucket: 'lake', endpoint: proxy.url })
  t.teardown(async () => {
    await store.close()
    await proxy.stop()
    await endpoint.stop()
  })
  const bucket = endpoint.bucket('lake')
  const large = Buffer.alloc(1_000_000, 'content ')
  await store.put('large', large)
  t.ok(bucket.get('large')!.body.equals(large))
  proxy.latencyMs = 1
  await Promise.all(Array.from({ length: 20 }, (_, i) => store.put(`key ${i}`, Buffer.from(String(i)))))
  for (let i = 0; i < 20; i++) t.equal(String(bucket.get(`key ${i}`)!.body), String(i))
  proxy.latencyMs = Infinity
  endpoint.reset()
  await t.rejects(store.get('large', { maxMs: 50 }), { code: 'timeout' })
  t.equal(endpoint.counts.GET, 0)
  proxy.latencyMs = 0
  t.match(await store.get('large'), { body: large })
})
