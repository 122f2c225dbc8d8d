import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What becomes of the bytes that the server sends. */
export type TcpFault =
  | 'reset' // the connection is reset instead
  | 'lose' // nothing arrives, as on a connection that is half open
  | { readonly resetAfter: number } // the connection is reset after this number of bytes
  | { readonly loseAfter: number } // nothing arrives after this number of bytes
  | { readonly bytesPerSecond: number }

/** A TCP proxy on loopback that makes a server appear far away or faulty. It does not change the bytes, so signatures of requests remain valid. */
export interface DelayingProxy {
  readonly url: string
  /**
   * The delay of each new connection, and of what a client sends, in milliseconds. Infinity: nothing is forwarded, and connections on which something has
   * arrived meanwhile remain silent afterwards.
   */
  latencyMs: number
  /** Applies to bytes that arrive from now on; `resetAfter` and `loseAfter` count those of their connection. */
  fault: TcpFault | undefined
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
    let received = 0
    let sent = Promise.resolve()
    upstream.on('data', (chunk: Buffer) => {
      const { fault } = proxy
      if (!isForwarded()) return
      const length = passedLength(chunk.length, received, fault)
      received += chunk.length
      const part = chunk.subarray(0, length)
      // Nothing overtakes a chunk that is sent slowly.
      if (hasProperty(fault, 'bytesPerSecond')) sent = sent.then(() => sleep(length / fault.bytesPerSecond * 1000)).then(() => { client.write(part) })
      else if (length > 0) client.write(part)
      if (fault === 'reset' || (hasProperty(fault, 'resetAfter') && length < chunk.length)) client.resetAndDestroy()
    })
    upstream.on('end', () => { if (isForwarded() && proxy.fault !== 'lose' && !hasProperty(proxy.fault, 'loseAfter')) sent.then(() => client.end()) })
    later(() => { client.resume() })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const proxy: DelayingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    latencyMs,
    fault: undefined,
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    }
  }
  return proxy
}

/** How many bytes of a chunk are passed on after `received` bytes of its connection. */
function passedLength (length: number, received: number, fault: TcpFault | undefined): number {
  if (fault === 'reset' || fault === 'lose') return 0
  const limit = hasProperty(fault, 'resetAfter') ? fault.resetAfter : hasProperty(fault, 'loseAfter') ? fault.loseAfter : Infinity
  return Math.min(length, Math.max(0, limit - received))
}

function hasProperty<Name extends string> (fault: TcpFault | undefined, name: Name): fault is Extract<TcpFault, Readonly<Record<Name, number>>> {
  return typeof fault === 'object' && name in fault
}
