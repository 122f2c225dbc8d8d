import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { test } from 'tap'
import { pooledReads } from '../../../../../lib/store/s3/fast-path/pooled-reads.js'

/** The messages that a connection receives: most are short, some are longer than 16 KiB, above which a read gets memory of its own. Each connection receives other bytes. */
function messages (connection: number): Buffer[] {
  const lengths = [1, 300, 16 * 1024, 16 * 1024 + 1, 700, 200_000, 2, 64 * 1024, 500]
  return lengths.map((length, i) => Buffer.alloc(length, `<${connection}.${i}>`))
}

test('connections that read into the same buffer receive their own bytes, which later reads do not overwrite', async (t) => {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.once('data', async (first) => {
      for (const message of messages(first[0]!)) {
        socket.write(message)
        await new Promise((resolve) => setImmediate(resolve))
      }
      socket.end()
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const onread = pooledReads()
  const received = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    const socket = connect({ port, host: '127.0.0.1', onread })
    socket.write(Uint8Array.of(i))
    return await buffer(socket)
  }))
  received.forEach((bytes, i) => t.ok(bytes.equals(Buffer.concat(messages(i))), `connection ${i}`))
})

test('a socket that buffers enough is not read until its buffer is consumed', async (t) => {
  const { callback } = pooledReads()
  for (const wantsMore of [true, false]) t.equal(callback.call({ push: () => wantsMore } as unknown as Socket, 1, Buffer.from('x')), wantsMore)
})
