import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { ImageReader } from '../../../lib/source/image-reader.js'
import type { ObjectInfo, ObjectStream } from '../../../lib/store/object-store.js'
import { PNG } from '../../support/app.js'
import { S3Bucket } from '../../support/s3-bucket.js'
import { MemoryStore, wrapStore } from '../../support/stores.js'
import { VirtualTime } from '../../support/virtual-time.js'

function setUp (change: (found: ObjectStream) => ObjectStream) {
  const bucket = new S3Bucket(() => 0)
  const { key, etag, body } = bucket.put('1.png', PNG)
  const memory = new MemoryStore(bucket)
  const bodies: Readable[] = []
  const store = wrapStore(memory, {
    stream: async (key, options) => {
      const found = await memory.stream(key, options)
      if (found === undefined) return undefined
      const changed = change(found)
      bodies.push(changed.body)
      return changed
    }
  })
  const time = new VirtualTime()
  const listed: ObjectInfo = { key, etag, size: body.length, lastModified: 0 }
  return { bucket, time, bodies, open: () => new ImageReader(store, ['png'], time.timer).open(listed, () => 'all') }
}

t.test('a response that is not the listed object is refused, and its body is not left unread', async (t) => {
  const changes: Record<string, (found: ObjectStream) => ObjectStream> = {
    'a page of a proxy, without an ETag': (found) => ({ ...found, etag: '', size: 40, body: Readable.from([Buffer.alloc(40)]) }),
    'another size': (found) => ({ ...found, size: 5_000_008 })
  }
  for (const [name, change] of Object.entries(changes)) {
    const { open, bodies } = setUp(change)
    await t.rejects(open(), { code: 'corrupt', message: 's3://datalake/1.png: the response is not the object' }, name)
    t.ok(bodies.every(({ destroyed }) => destroyed), name)
  }
})

t.test('if a store ignores If-Match and returns another version of an image, the image is read again, and the response has the ETag of its body', async (t) => {
  let isFirst = true
  const { open, bucket } = setUp((found) => {
    const changed = isFirst ? { ...found, etag: 'newer' } : found
    isFirst = false
    return changed
  })
  const image = await open()
  t.equal(image!.entityTag, `"${bucket.get('1.png')!.etag}"`)
  t.same(await buffer(image!.body!), PNG)
})

t.test('a body that stalls for 10 s fails; the time in which the reader is slow does not count', async (t) => {
  const sources: PassThrough[] = []
  const { open, time } = setUp((found) => {
    const source = new PassThrough({ highWaterMark: 1024 })
    sources.push(source)
    if (sources.length === 1) found.body.pipe(source)
    return { ...found, body: source }
  })
  const { body } = (await open())!
  const errors: Error[] = []
  body!.on('error', (error) => { errors.push(error) })
  const source = sources[1]!
  for (let i = 0; i < 200; i++) source.write(Buffer.alloc(1024))
  await time.advance(60_000)
  t.same(errors, [], 'the reader has read nothing yet')
  body!.resume()
  await time.advance(9999)
  source.write('more')
  await time.advance(9999)
  t.same(errors, [])
  await time.advance(1)
  t.match(errors, [{ code: 'timeout', message: 'the store has sent nothing for 10 s' }])
  t.ok(source.destroyed)
})
