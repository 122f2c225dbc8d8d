import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A TCP proxy on loopback that makes a server appear far away. It does not change the bytes, so signatures of requests remain valid. */
export interface DelayingProxy {
  readonly url: string
  /**
   * The milliseconds that a connection and each request take longer. Infinity: nothing is forwarded, and connections on which something has arrived
   * meanwhile remain silent afterwards.
   */
  latencyMs: number
  stop (): Promise<void>
}

/** @param target the URL of the server */
export async function startDelayingProxy (target: string, latencyMs = 0): Promise<DelayingProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const track = (socket: Socket, other: Socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {}).on('close', () => {
      sockets.delete(socket)
      other.destroy()
    })
  }
  const server = createServer({ pauseOnConnect: true }, (client) => {
    const upstream = connect({ host: hostname, port: Number(port) })
    track(client, upstream)
    track(upstream, client)
    let isSilent = false
    const isForwarded = () => {
      isSilent ||= proxy.latencyMs === Infinity
      return !isSilent
    }
    /** Settles when everything that has arrived so far is forwarded: a chunk never overtakes another one, even if the latency changes. */
    let forwarded = Promise.resolve()
    const later = (forward: () => void) => {
      if (!isForwarded()) return
      const delayed = sleep(proxy.latencyMs)
      forwarded = forwarded.then(() => delayed).then(forward)
    }
    client.on('data', (chunk) => later(() => { upstream.write(chunk) }))
    client.on('end', () => later(() => { upstream.end() }))
    upstream.on('data', (chunk) => { if (isForwarded()) client.write(chunk) })
    upstream.on('end', () => { if (isForwarded()) client.end() })
    later(() => { client.resume() })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const proxy: DelayingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    latencyMs,
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    }
  }
  return proxy
}
